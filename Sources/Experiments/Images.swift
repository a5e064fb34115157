import Datasets
import LinearCore

/// Section 5.2.1 of Min and Vidal (ICML 2024): parity of MNIST digits, two logits, p = 1 to 4. The paper
/// attacks with APGD-CE; here the ensemble does, and `paper` has the curve of APGD-CE beside it.
struct MNISTParityExperiment: RealDataExperiment {
  static let name = "mnist-parity"
  static let summary = "Section 5.2.1: MNIST, even against odd, p = 1 to 4, linf, l2 and l1 attacks"
  let title = "MNIST, even against odd"
  var settings: RealDataSettings

  init(_ options: ExperimentOptions) {
    settings = .images(Self.name, data: "mnist", labels: .parity, options)
  }
}

/// Appendix B: MNIST digits, ten logits.
struct MNISTDigitsExperiment: RealDataExperiment {
  static let name = "mnist-digits"
  static let summary = "Appendix B: MNIST, ten digits, p = 1 to 4"
  let title = "MNIST, ten digits"
  var settings: RealDataSettings

  init(_ options: ExperimentOptions) {
    settings = .images(Self.name, data: "mnist", labels: .category, options)
  }
}

/// The same protocol on Fashion-MNIST, category modulo 2.
struct FashionParityExperiment: RealDataExperiment {
  static let name = "fashion-parity"
  static let summary = "the protocol of mnist-parity on Fashion-MNIST"
  let title = "Fashion-MNIST, even against odd categories"
  var settings: RealDataSettings

  init(_ options: ExperimentOptions) {
    settings = .images(Self.name, data: "fashion-mnist", labels: .parity, options)
  }
}

extension RealDataSettings {
  /// The protocol of Section 5.2.1 at some size.
  fileprivate static func images(
    _ experiment: String, data: String, labels: LabelRule, _ options: ExperimentOptions
  ) -> RealDataSettings {
    let preset = options.preset
    func curve(_ norm: Norm, besides others: [Double] = [], table: [Double]) -> Curve {
      Curve(
        norm: norm, epsilons: Set(others + table).sorted(),
        // The paper's attack alone leaves samples standing that the ensemble fools.
        attack: preset.pick(quick: "quick", laptop: "standard", paper: "standard"),
        plainAttack: preset.pick(quick: "pgd", laptop: "pgd", paper: "apgd-ce"), tabulated: table)
    }
    return RealDataSettings(
      experiment: experiment, preset: preset, seed: options.seed, data: data, labels: labels,
      trainSplit: "paper-train", testSplit: "paper-test",
      trainLimit: preset.pick(quick: 10_000, laptop: nil, paper: nil),
      repeats: options.repeats ?? preset.pick(quick: 1, laptop: 2, paper: 5),
      hiddenWidth: preset.pick(quick: 300, laptop: 500, paper: 500),
      epochs: preset.pick(quick: 15, laptop: 51, paper: 51),
      batchSize: preset.pick(quick: 200, laptop: 1000, paper: 1000),
      attackedSamples: preset.pick(quick: 200, laptop: 1000, paper: 10_000),
      curves: [
        // The radii of the paper's table: {0.05, 0.1} for linf, times 20 for l2, times 100 for l1.
        curve(.linf, besides: paperRadii(to: 0.2), table: [0.05, 0.1]),
        curve(.l2, table: [1, 2]), curve(.l1, table: [5, 10]),
      ], twoSided: .wideNetworks(labels, preset, samples: 200, seconds: 2))
  }
}
