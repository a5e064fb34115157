import Certification
import Datasets
import LinearCore
import Runs
import Studies

/// What determines an experiment on real data; `config.json`.
struct RealDataSettings: ExperimentSettings {
  /// Robust accuracy against radius, in one norm.
  struct Curve: Codable, Sendable, Equatable {
    var norm: Norm
    /// Radii that the attack is run at.
    var epsilons: [Double]
    /// A name of the attack catalogue.
    var attack: String
    /// A usual attack whose curve stands beside, to show how far it can be trusted; nil for none.
    var plainAttack: String?
    /// The radii that the table shows; some of `epsilons`.
    var tabulated: [Double]
  }

  var experiment: String
  /// How much is done.
  var preset: Preset
  /// The first seed.
  var seed: UInt64
  /// A name of the data catalogue, or a file.
  var data: String
  var labels: LabelRule
  var trainSplit: String
  var testSplit: String
  /// At most this many training samples.
  var trainLimit: Int?
  var degrees = [1.0, 2.0, 3.0, 4.0]
  /// How many seeds.
  var repeats: Int
  var hiddenWidth: Int
  var epochs: Int
  var batchSize = 1000
  var learningRate = 1e-3
  var bias = true
  /// At most this many test samples are attacked.
  var attackedSamples: Int
  /// The first is drawn in the figure; all are in the table.
  var curves: [Curve]
  /// Of the first repeat; nil for none. Wide networks of several classes take long.
  var twoSided: TwoSidedSettings?

  /// linspace(0, last, 15) without 0, the radii of the paper's curves.
  static func paperRadii(to last: Double) -> [Double] { (1...14).map { last * Double($0) / 14 } }

  /// The radii of the paper's table: {0.05, 0.1} for linf, times 20 for l2, times 100 for l1.
  static func tableRadii(_ norm: Norm) -> [Double] {
    switch norm {
    case .linf: [0.05, 0.1]
    case .l2: [1, 2]
    case .l1: [5, 10]
    }
  }
}

extension TwoSidedSettings {
  /// For hundreds of neurons in as many dimensions, where one box takes a hundredth to a tenth of a second. `quick` has a few samples of
  /// two classes, and the same result on every machine; for several classes it has none.
  static func wideNetworks(
    _ labels: LabelRule, _ preset: Preset, samples: Int, seconds: Double
  ) -> TwoSidedSettings? {
    if preset == .quick {
      return labels == .category ? nil : TwoSidedSettings(samples: 8, nodes: 600)
    }
    return TwoSidedSettings(
      samples: samples, attack: "standard", nodes: SearchBudget.asManyAsThereIsTimeFor,
      seconds: seconds)
  }
}
