import Certification
import Datasets
import LinearCore
import Networks
import Runs
import Studies

/// What determines an experiment on real data.
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
  var preset: Preset
  var seed: UInt64
  /// A name of the data catalogue, or a file.
  var data: String
  var labels: LabelRule
  var trainSplit: String
  var testSplit: String
  /// At most this many training samples.
  var trainLimit: Int?
  var degrees = [1.0, 2.0, 3.0, 4.0]
  var repeats: Int
  var hiddenWidth: Int
  var epochs: Int
  var batchSize = 1000
  var learningRate = 1e-3
  var bias = true
  /// At most this many test samples are attacked.
  var attackedSamples: Int
  /// The first is drawn beside the course of the training.
  var curves: [Curve]
  /// Of the first repeat; nil for none. Wide networks of several classes take long.
  var twoSided: TwoSidedSettings?

  /// linspace(0, last, 15) without 0, the radii of the paper's curves.
  static func paperRadii(to last: Double) -> [Double] { (1...14).map { last * Double($0) / 14 } }

  /// What does not depend on the data. A figure has a panel for every degree.
  func validate() throws(ExperimentError) {
    let check = SettingsCheck()
    try check.repeats(repeats)
    try check.degrees("degrees", degrees, limit: 26)
    if let trainLimit { try check.count("trainLimit", trainLimit) }
    try check.count("hiddenWidth", hiddenWidth, in: 1...PReLUNetwork<Float>.maximumWeightCount)
    try check.count("epochs", epochs)
    try check.count("batchSize", batchSize)
    try check.positive("learningRate", learningRate)
    try check.count("attackedSamples", attackedSamples)
    // Of a feature file the number of categories is not known yet.
    let classCount = labels == .category ? 10 : labels.classCount(categoryCount: 10)
    for (number, curve) in curves.enumerated() {
      let own = check.at("curves.\(number)")
      if curves[..<number].contains(where: { $0.norm == curve.norm }) {
        throw own.refusal("norm", curve.norm.rawValue, "another norm than that of other curves")
      }
      try own.radii("epsilons", curve.epsilons)
      for (name, attack) in [("attack", curve.attack), ("plainAttack", curve.plainAttack)] {
        guard let attack else { continue }
        try own.attack(name, attack, norm: curve.norm, classCount: classCount, hasRadii: true)
      }
      try own.list("tabulated", curve.tabulated) { (value) throws(ExperimentError) in
        guard curve.epsilons.contains(value) else {
          throw own.refusal("tabulated", value, "some of the epsilons of the same curve")
        }
      }
    }
    if let twoSided { try check.twoSided("twoSided", twoSided, classCount: classCount) }
  }
}

extension TwoSidedSettings {
  /// For hundreds of neurons in as many dimensions, where one box takes a hundredth to a tenth of a second. `quick`
  /// has a few samples of two classes, and the same result on every machine; for several classes it has none.
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
