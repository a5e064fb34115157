import Datasets
import DeepNetworks
import LinearCore
import Networks
import Runs
import Studies

/// What is measured of a network of the experiment on CIFAR-10; of a training, the course of its accuracy alone.
struct CIFAR10Values: Codable, Sendable, Equatable {
  var epoch = Double.nan
  var heldOutAccuracy = Double.nan
  var testAccuracy = Double.nan
  var medianRadius = Double.nan
  var medianRadiusOfCorrect = Double.nan
  var meanRadius = Double.nan
  var l2Accuracy = Double.nan
  var linfAccuracy = Double.nan
  var weightRank = Double.nan
  var featureRank = Double.nan

  /// Validation accuracy after each epoch of the whole training.
  var validation: [Double] = []
  /// The radius of every attacked image; 0 for those classified wrongly as they are.
  var l2Radii: [Double] = []
  var linfRadii: [Double] = []
  /// Robust accuracy at 0 and at the radii of the settings.
  var l2Curve: [Double] = []
  var linfCurve: [Double] = []
  /// Proved and attacked radii of the first attacked images; nil where no bounds of the network are known.
  var l2TwoSided: TwoSidedRadii?
  var linfTwoSided: TwoSidedRadii?
  /// Stable ranks layer by layer.
  var weightRanks: [Double] = []
  var featureRanks: [Double] = []

  static let heldOutAccuracy = Metric(
    \Self.heldOutAccuracy, "held-out accuracy", heading: "held-out")
  static let medianRadiusOfCorrect = Metric(
    \Self.medianRadiusOfCorrect, "median l2 radius of correct", heading: "of correct")
  static let featureRank = Metric(
    \Self.featureRank, "stable rank of features", heading: "rank H", digits: 1)

  static let metrics: [Metric<Self>] = [
    Metric(\.epoch, "epoch", digits: 1), heldOutAccuracy,
    Metric(\.testAccuracy, "test accuracy", heading: "test"),
    Metric(\.medianRadius, "median l2 radius", heading: "median l2"), medianRadiusOfCorrect,
    Metric(\.meanRadius, "mean l2 radius", heading: "mean l2"),
    Metric(\.l2Accuracy, "robust accuracy, l2 0.25", heading: "l2 0.25"),
    Metric(\.linfAccuracy, "robust accuracy, linf 2/255", heading: "linf 2/255"),
    Metric(\.weightRank, "stable rank of weights", heading: "rank W", digits: 1), featureRank,
  ]

  static let twoSidedMetrics: [Metric<Self>] =
    TwoSidedRadii.metrics("L2", heading: "l2").map { $0.of(\.l2TwoSided) }
    + TwoSidedRadii.metrics("Linf", heading: "linf", digits: 4).map { $0.of(\.linfTwoSided) }

  /// Images in batch 5 that are not used to choose settings.
  static let heldOutCount = 9000

  /// Attacks a network in both norms, on held-out images that no other seed has.
  ///
  /// - Parameters:
  ///   - degree: that of the network.
  ///   - isChecked: whether attacks are checked for signs of weakness.
  static func measure(
    _ snapshot: CIFAR10Training.Snapshot, degree: Double, isChecked: Bool,
    _ context: CIFAR10Experiment.Context
  ) throws(ExperimentError) -> Measured<CIFAR10Values> {
    let (images, settings) = (context.source, context.source.settings)
    let (network, heldOut) = (snapshot.network, images.heldOut)
    let first = Int(truncatingIfNeeded: context.seed &- settings.seed) * settings.attackedImages
    let attacked = heldOut.subset(Array(first..<first + settings.attackedImages))
    func robustness(_ norm: Norm, _ radii: [Double], after share: Double)
      throws(ExperimentError) -> DeepRobustness
    {
      var study = RobustnessStudy(
        epsilons: radii, norm: norm, attack: settings.attack, seed: context.seed)
      study.isChecked = isChecked
      return try DeepRobustness.measured(
        in: context.directory, name: "\(context.name)-\(norm.rawValue)", study: study,
        network: network, data: attacked, reference: images.reference
      ) { context.report(share + $0 / 2) }
    }
    func twoSided(_ found: DeepRobustness) throws(ExperimentError) -> TwoSidedRadii? {
      try DeepTwoSidedStudy(
        settings.twoSided.inRepeat(seed: context.seed, first: settings.seed), norm: found.norm,
        in: context.directory,
        name: "\(context.name)-\(found.norm.rawValue)", seed: context.seed
      ).result(network, p: degree, data: attacked, attacked: found.radii)
    }
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    let l2 = try robustness(.l2, settings.l2Radii, after: 0)
    let linf = try robustness(.linf, settings.linfRadii, after: 0.5)
    let ranks = network.stableRanks(on: heldOut.inputs.rows(in: 0..<settings.rankSamples))
    let (weightRanks, featureRanks) = (ranks.flatMap(\.weights), ranks.map(\.features))
    return Measured(
      CIFAR10Values(
        epoch: snapshot.epoch,
        heldOutAccuracy: network.accuracy(heldOut.inputs, labels: heldOut.labels),
        testAccuracy: network.accuracy(images.test.inputs, labels: images.test.labels),
        medianRadius: l2.medianRadius, medianRadiusOfCorrect: l2.medianRadiusOfCorrect,
        meanRadius: mean(l2.radii), l2Accuracy: l2.robustAccuracy(epsilon: 0.25),
        linfAccuracy: linf.robustAccuracy(epsilon: 2.0 / 255), weightRank: mean(weightRanks),
        featureRank: mean(featureRanks), validation: snapshot.validation, l2Radii: l2.radii,
        linfRadii: linf.radii,
        l2Curve: ([0] + settings.l2Radii).map { l2.robustAccuracy(epsilon: $0) },
        linfCurve: ([0] + settings.linfRadii).map { linf.robustAccuracy(epsilon: $0) },
        l2TwoSided: try twoSided(l2), linfTwoSided: try twoSided(linf),
        weightRanks: weightRanks, featureRanks: featureRanks),
      flags: l2.flags.map { "l2: \($0)" } + linf.flags.map { "linf: \($0)" })
  }
}
