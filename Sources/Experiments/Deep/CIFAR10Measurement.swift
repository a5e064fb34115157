import Datasets
import DeepNetworks
import LinearCore
import Networks
import Runs
import Studies

/// Measures the trained networks of the experiment on CIFAR-10: accuracy, stable ranks, attacks.
struct CIFAR10Measurement {
  static let epoch = SweepMetric("epoch", digits: 1)
  static let heldOutAccuracy = SweepMetric("held-out accuracy", heading: "held-out")
  static let testAccuracy = SweepMetric("test accuracy", heading: "test")
  /// Of all attacked images, those classified wrongly with radius 0.
  static let medianRadius = SweepMetric("median l2 radius", heading: "median l2")
  /// Likewise: the area under the curve.
  static let meanRadius = SweepMetric("mean l2 radius", heading: "mean l2")
  static let medianRadiusOfCorrect = SweepMetric(
    "median l2 radius of correct", heading: "of correct")
  static let l2Accuracy = SweepMetric("robust accuracy, l2 0.25", heading: "l2 0.25")
  static let linfAccuracy = SweepMetric("robust accuracy, linf 2/255", heading: "linf 2/255")
  /// Means over the layers of neurons.
  static let weightRank = SweepMetric("stable rank of weights", heading: "rank W", digits: 1)
  static let featureRank = SweepMetric("stable rank of features", heading: "rank H", digits: 1)

  /// The curve with the radius of every attacked image.
  static func radii(_ norm: Norm) -> String { "\(norm.rawValue) radii" }

  /// In the order of the table.
  static let metrics = [
    epoch, heldOutAccuracy, testAccuracy, medianRadius, medianRadiusOfCorrect, meanRadius,
    l2Accuracy, linfAccuracy, weightRank, featureRank,
  ]

  /// Images in batch 5 that are not used to choose settings.
  static let heldOutCount = 9000
  /// Training images that tell attacks where other classes lie.
  private static let referenceCount = 10_000

  let training: CIFAR10Training
  let heldOut: Dataset
  let test: Dataset
  let rates: SweepResults<CIFAR10RateCell>
  private let reference: Dataset

  private var settings: CIFAR10Settings { training.settings }

  init(
    training: CIFAR10Training, heldOut: Dataset, test: Dataset,
    rates: SweepResults<CIFAR10RateCell>
  ) {
    self.training = training
    self.heldOut = heldOut
    self.test = test
    self.rates = rates
    reference = training.train.prefix(Self.referenceCount)
  }

  /// The cells of a moment.
  func cells(_ moment: CIFAR10Cell.Moment) -> [CIFAR10Cell] {
    let trained =
      switch moment {
      case .end, .matched: training.cells
      case .counterpart: training.cells.filter { $0.p != settings.degrees[0] }
      case .adversarial: training.adversarialCells
      }
    return trained.map { CIFAR10Cell(network: $0.network, p: $0.p, moment: moment) }
  }

  /// Measures all cells of a moment, with the seeds they were trained with.
  func results(_ moment: CIFAR10Cell.Moment, _ progress: ProgressReporter)
    throws(ExperimentError) -> SweepResults<CIFAR10Cell>
  {
    let seeds = moment == .adversarial ? [settings.seed] : training.seeds
    return try Sweep(name: "attacks, \(moment.rawValue)", cells: cells(moment), seeds: seeds)
      .run(in: training.directory, progress: progress) {
        (cell, context) throws(ExperimentError) in try measure(cell, context)
      }
  }

  /// The network of a cell, and the epochs it was trained for; nil where training diverged.
  private func network(_ cell: CIFAR10Cell, _ run: DeepRun, _ seed: UInt64)
    throws(ExperimentError) -> (DeepNetwork<Float>, Double)?
  {
    guard let outcome = try run.finished() else { return nil }
    if cell.moment == .end || cell.moment == .adversarial {
      return (outcome.network, Double(outcome.record.epochs.count))
    }
    let degrees = cell.moment == .matched ? settings.degrees : [settings.degrees[0], cell.p]
    guard
      let percent = try training.matchedPercent(
        cell.network, degrees: degrees, seed: seed, rates: rates),
      let reached = try run.firstNetwork(reaching: percent)
    else { return nil }
    return (reached.network, reached.epoch)
  }

  private func measure(_ cell: CIFAR10Cell, _ context: SweepContext) throws(ExperimentError)
    -> SweepMeasurement
  {
    let number = Int(truncatingIfNeeded: context.seed &- settings.seed)
    let run = try training.run(cell.training(settings), seed: context.seed, rates: rates)
    guard let (network, epoch) = try network(cell, run, context.seed) else {
      return SweepMeasurement(failure: "the training diverged")
    }
    let first = number * settings.attackedImages
    let images = heldOut.subset(Array(first..<first + settings.attackedImages))
    // Whether an attack is too weak for a network shows with the first seed, when it is trained.
    func robustness(_ norm: Norm, _ radii: [Double], after share: Double)
      throws(ExperimentError) -> DeepRobustness
    {
      var study = RobustnessStudy(
        epsilons: radii, norm: norm, attack: settings.attack, seed: context.seed)
      study.isChecked = number == 0 && (cell.moment == .end || cell.moment == .adversarial)
      return try DeepRobustness.measured(
        in: training.directory,
        name: "\(context.name)-\(norm.rawValue)", study: study,
        network: network, data: images, reference: reference
      ) { context.report(share + $0 / 2) }
    }
    let l2 = try robustness(.l2, settings.l2Radii, after: 0)
    let linf = try robustness(.linf, settings.linfRadii, after: 0.5)
    let ranks = network.stableRanks(on: heldOut.inputs.rows(in: 0..<settings.rankSamples))
    let weightRanks = ranks.flatMap(\.weights)
    let featureRanks = ranks.map(\.features)
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    return SweepMeasurement(
      metrics: [
        Self.epoch.key: epoch,
        Self.heldOutAccuracy.key: network.accuracy(heldOut.inputs, labels: heldOut.labels),
        Self.testAccuracy.key: network.accuracy(test.inputs, labels: test.labels),
        Self.medianRadius.key: l2.medianRadius,
        Self.medianRadiusOfCorrect.key: l2.medianRadiusOfCorrect,
        Self.meanRadius.key: mean(l2.radii),
        Self.l2Accuracy.key: l2.robustAccuracy(epsilon: 0.25),
        Self.linfAccuracy.key: linf.robustAccuracy(epsilon: 2.0 / 255),
        Self.weightRank.key: mean(weightRanks), Self.featureRank.key: mean(featureRanks),
      ],
      curves: [
        Norm.l2.rawValue: ([0] + settings.l2Radii).map { l2.robustAccuracy(epsilon: $0) },
        Norm.linf.rawValue: ([0] + settings.linfRadii).map { linf.robustAccuracy(epsilon: $0) },
        Self.weightRank.key: weightRanks, Self.featureRank.key: featureRanks,
        Self.radii(.l2): l2.radii, Self.radii(.linf): linf.radii,
      ],
      flags: l2.flags.map { "l2: \($0)" } + linf.flags.map { "linf: \($0)" })
  }
}
