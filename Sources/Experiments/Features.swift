import Datasets
import Figures
import Foundation
import LinearCore
import Runs

/// Section 5.2.2 of Min and Vidal (ICML 2024) on any feature file: features of a pretrained network, several
/// categories a class. Once the classes are the categories modulo 2, once the categories.
struct FeaturesExperiment: CompositeExperiment {
  static let name = "features"
  static let summary =
    "Section 5.2.2: pretrained features (--data FILE.npz), category mod 2 and all categories"
  static var takesData: Bool { true }

  let options: ExperimentOptions
  let data: String?
  var members: [CompositeMember]

  let title = "Robustness on pretrained features"
  var subtitle: Prose {
    "Data \(code: data ?? ""), preset \(code: options.preset.rawValue)"
  }

  init(_ options: ExperimentOptions) throws(ExperimentError) {
    self.options = options
    let binary = try Labelling(options)
    data = binary.settings.data
    members = [
      CompositeMember("binary", title: "Category modulo 2", binary),
      CompositeMember(
        "categories", title: "All categories", try Labelling(.category, options)),
    ]
  }

  /// One of the two parts.
  struct Labelling: RealDataExperiment {
    static let name = FeaturesExperiment.name
    static let summary = FeaturesExperiment.summary
    static var takesData: Bool { true }
    var settings: RealDataSettings
    var title: String {
      settings.labels == .category
        ? "Features, all categories" : "Features, category modulo 2"
    }

    init(_ options: ExperimentOptions) throws(ExperimentError) { try self.init(.parity, options) }

    /// Without data, the Caltech256 features below `$POLYRELU_DATA`. No output bias, 80/20 split.
    init(_ labels: LabelRule, _ options: ExperimentOptions) throws(ExperimentError) {
      let folder = ProcessInfo.processInfo.environment["POLYRELU_DATA"]
      let caltech = folder.map { $0 + "/caltech256/features.npz" }
      guard
        let data = options.data
          ?? caltech.flatMap({ FileManager.default.fileExists(atPath: $0) ? $0 : nil })
      else {
        throw .usage(
          "--data is missing: the experiment features needs a file .npz with X, y and optionally group, "
            + "or $POLYRELU_DATA/caltech256/features.npz")
      }
      let preset = options.preset
      let l2 = (1...15).map { Double($0) / 15 }
      let linf = RealDataSettings.paperRadii(to: 0.1)
      settings = RealDataSettings(
        experiment: Self.name, preset: preset, seed: options.seed, data: data, labels: labels,
        trainSplit: "train", testSplit: "test",
        repeats: options.repeats ?? preset.pick(quick: 1, laptop: 3, paper: 5),
        hiddenWidth: preset.pick(quick: 300, laptop: 1000, paper: 2000),
        epochs: preset.pick(quick: 30, laptop: 51, paper: 51),
        batchSize: preset.pick(quick: 100, laptop: 100, paper: 1000), bias: false,
        attackedSamples: preset.pick(quick: 100, laptop: 500, paper: 5000),
        // Features have no box. On them Auto-PGD alone leaves up to a tenth more samples standing than the
        // structural attack, also for linf, so both norms take the ensemble.
        curves: [
          .init(
            norm: .l2, epsilons: l2, attack: "standard", plainAttack: "pgd",
            tabulated: [l2[2], l2[5]]),
          .init(
            norm: .linf, epsilons: linf, attack: "standard", plainAttack: "pgd",
            tabulated: [linf[1], linf[4]]),
        ], twoSided: .wideNetworks(labels, preset, samples: 40, seconds: 10))
    }
  }
}
