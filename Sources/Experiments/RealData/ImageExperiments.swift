import Datasets
import Foundation
import LinearCore
import Runs
import Studies

/// Section 5.2.1 of Min and Vidal (ICML 2024): parity of MNIST digits, two logits, p = 1 to 4. The paper
/// attacks with APGD-CE; here the ensemble does, and `paper` has the curve of APGD-CE beside it.
struct MNISTParityExperiment: RealDataExperiment {
  /// "mnist-parity".
  static let name = "mnist-parity"
  /// One line.
  static let summary =
    "Section 5.2.1: MNIST, even against odd, p = 1 to 4, linf, l2 and l1 attacks"

  var study: RealDataStudy

  /// The experiment with some options.
  init(_ options: ExperimentOptions) {
    study = RealDataStudy(
      settings: .images(Self.name, data: "mnist", labels: .parity, options),
      title: "MNIST, even against odd")
  }
}

/// Appendix B: MNIST digits, ten logits.
struct MNISTDigitsExperiment: RealDataExperiment {
  /// "mnist-digits".
  static let name = "mnist-digits"
  /// One line.
  static let summary = "Appendix B: MNIST, ten digits, p = 1 to 4"

  var study: RealDataStudy

  /// The experiment with some options.
  init(_ options: ExperimentOptions) {
    study = RealDataStudy(
      settings: .images(Self.name, data: "mnist", labels: .category, options),
      title: "MNIST, ten digits")
  }
}

/// The same protocol on Fashion-MNIST, category modulo 2.
struct FashionParityExperiment: RealDataExperiment {
  /// "fashion-parity".
  static let name = "fashion-parity"
  /// One line.
  static let summary = "the protocol of mnist-parity on Fashion-MNIST"

  var study: RealDataStudy

  /// The experiment with some options.
  init(_ options: ExperimentOptions) {
    study = RealDataStudy(
      settings: .images(Self.name, data: "fashion-mnist", labels: .parity, options),
      title: "Fashion-MNIST, even against odd categories")
  }
}

/// An experiment that is one ``RealDataStudy``.
protocol RealDataExperiment: SingleExperiment where Settings == RealDataSettings {
  var study: RealDataStudy { get set }
}

extension RealDataExperiment {
  /// What determines the run; `config.json`.
  var settings: RealDataSettings {
    get { study.settings }
    set { study.settings = newValue }
  }

  /// Trains, attacks and draws in the directory `out`.
  func run(out: String, resume: Bool, progress: ProgressReporter) throws(ExperimentError)
    -> ExperimentOutcome
  {
    try study.run(out: out, resume: resume, progress: progress)
  }
}

extension RealDataSettings {
  /// The protocol of Section 5.2.1 at some size.
  static func images(
    _ experiment: String, data: String, labels: LabelRule, _ options: ExperimentOptions
  ) -> RealDataSettings {
    let linf = Array(Set(paperRadii(to: 0.2) + tableRadii(.linf))).sorted()
    // The paper's attack alone leaves samples standing that the ensemble fools.
    let attack = options.preset == .quick ? "quick" : "standard"
    let plain = options.preset == .paper ? "apgd-ce" : "pgd"
    let curves = [(Norm.linf, linf), (.l2, tableRadii(.l2)), (.l1, tableRadii(.l1))].map {
      Curve(
        norm: $0, epsilons: $1, attack: attack, plainAttack: plain, tabulated: tableRadii($0))
    }
    let (trainLimit, repeats, width, epochs, attacked): (Int?, Int, Int, Int, Int) =
      switch options.preset {
      case .quick: (10_000, 1, 300, 15, 200)
      case .laptop: (nil, 2, 500, 51, 1000)
      case .paper: (nil, 5, 500, 51, 10_000)
      }
    return RealDataSettings(
      experiment: experiment, preset: options.preset, seed: options.seed, data: data,
      labels: labels, trainSplit: "paper-train", testSplit: "paper-test", trainLimit: trainLimit,
      repeats: options.repeats ?? repeats, hiddenWidth: width, epochs: epochs,
      batchSize: options.preset == .quick ? 200 : 1000, attackedSamples: attacked, curves: curves,
      twoSided: .wideNetworks(labels, options.preset, samples: 200, seconds: 2))
  }
}
