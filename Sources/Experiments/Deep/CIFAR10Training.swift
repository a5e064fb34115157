import Datasets
import DeepNetworks
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Training

/// The networks of the experiment on CIFAR-10: learning rates chosen, then all trained.
struct CIFAR10Training {
  let settings: CIFAR10Settings
  let directory: RunDirectory
  let train: Dataset
  let validation: Dataset
  private let standardization: Standardization

  init(
    settings: CIFAR10Settings, directory: RunDirectory, train: Dataset, validation: Dataset
  ) {
    self.settings = settings
    self.directory = directory
    self.train = train
    self.validation = validation
    let statistics = train.channelStatistics
    standardization = Standardization(
      means: statistics.means, deviations: statistics.deviations)
  }

  /// The networks of every seed.
  var cells: [CIFAR10TrainingCell] {
    CIFAR10Network.allCases.flatMap { network in
      settings.degrees.map { CIFAR10TrainingCell(network: network, p: $0, isAdversarial: false) }
    }
  }

  /// The networks of the first seed that are trained on perturbed images.
  var adversarialCells: [CIFAR10TrainingCell] {
    settings.adversarialDegrees.map {
      CIFAR10TrainingCell(network: .convolutional, p: $0, isAdversarial: true)
    }
  }

  var seeds: [UInt64] { (0..<settings.repeats).map { settings.seed &+ UInt64($0) } }

  private var rateCells: [CIFAR10RateCell] {
    CIFAR10Network.allCases.flatMap { network in
      settings.degrees.flatMap { p in
        settings.learningRates.map { CIFAR10RateCell(network: network, p: p, rate: $0) }
      }
    }
  }

  func architecture(_ network: CIFAR10Network, _ p: Double) throws(ExperimentError)
    -> Architecture
  {
    try network.architecture(settings, exponent: p, standardization: standardization)
  }

  // MARK: - Learning rates

  static let accuracy = "validation accuracy"

  /// The validation accuracy that each learning rate reaches in a short run.
  func tryRates(_ progress: ProgressReporter) throws(ExperimentError)
    -> SweepResults<CIFAR10RateCell>
  {
    let sweep = Sweep(name: "learning rates", cells: rateCells, seeds: [settings.seed])
    let part = train.prefix(settings.rateSamples)
    return try sweep.run(in: directory, progress: progress) {
      (cell, context) throws(ExperimentError) in
      let run = DeepRun(
        directory: directory, name: context.name,
        architecture: try architecture(cell.network, cell.p),
        training: configuration(
          rate: cell.rate, epochs: settings.rateEpochs, seed: context.seed))
      return try measurement { () throws(ExperimentError) in
        try run.run(train: part, validation: validation) { done, _ in context.report(done) }
      }
    }
  }

  /// The rate of the largest validation accuracy, the smallest of equal ones.
  func bestRate(_ network: CIFAR10Network, _ p: Double, in results: SweepResults<CIFAR10RateCell>)
    throws(ExperimentError) -> Double
  {
    var best: (rate: Double, accuracy: Double)?
    for rate in settings.learningRates.sorted() {
      let cell = CIFAR10RateCell(network: network, p: p, rate: rate)
      guard let accuracy = results.interval(Self.accuracy, cell).mean else { continue }
      if accuracy > best?.accuracy ?? -1 { best = (rate, accuracy) }
    }
    guard let best else {
      throw .failed("the \(network.rawValue) network of p = \(p) diverges at every learning rate")
    }
    return best.rate
  }

  // MARK: - Training

  /// The run that trains a cell with a seed.
  func run(
    _ cell: CIFAR10TrainingCell, seed: UInt64, rates: SweepResults<CIFAR10RateCell>
  ) throws(ExperimentError) -> DeepRun {
    let epochs =
      cell.isAdversarial ? settings.adversarialEpochs : cell.network.epochs(settings)
    var run = DeepRun(
      directory: directory, name: "\(cell.fileName)-seed\(seed)",
      architecture: try architecture(cell.network, cell.p),
      training: configuration(
        rate: try bestRate(cell.network, cell.p, in: rates), epochs: epochs, seed: seed,
        adversarial: cell.isAdversarial ? settings.adversarial : nil))
    run.data = DatasetRequest(data: "cifar10", split: "train")
    run.trialsPerEpoch = cell.isAdversarial ? 0 : settings.trialsPerEpoch
    return run
  }

  /// Trains cells with seeds, side by side.
  func train(
    _ name: String, _ cells: [CIFAR10TrainingCell], seeds: [UInt64],
    rates: SweepResults<CIFAR10RateCell>, _ progress: ProgressReporter
  ) throws(ExperimentError) -> SweepResults<CIFAR10TrainingCell> {
    try Sweep(name: name, cells: cells, seeds: seeds).run(in: directory, progress: progress) {
      (cell, context) throws(ExperimentError) in
      let run = try run(cell, seed: context.seed, rates: rates)
      return try measurement { () throws(ExperimentError) in
        try run.run(train: train, validation: validation) { done, _ in context.report(done) }
      }
    }
  }

  /// The highest percent of validation accuracy that the networks of some degrees have all reached with a
  /// seed: what they are compared at. Networks that diverged do not count.
  func matchedPercent(
    _ network: CIFAR10Network, degrees: [Double], seed: UInt64,
    rates: SweepResults<CIFAR10RateCell>
  ) throws(ExperimentError) -> Int? {
    var percent: Int?
    for cell in cells where cell.network == network && degrees.contains(cell.p) {
      let run = try run(cell, seed: seed, rates: rates)
      guard try run.finished() != nil, let highest = run.levels.highest else { continue }
      percent = min(percent ?? highest, highest)
    }
    return percent
  }

  private func configuration(
    rate: Double, epochs: Int, seed: UInt64, adversarial: AdversarialTrainingConfiguration? = nil
  ) -> DeepTrainingConfiguration {
    DeepTrainingConfiguration(
      optimizer: .adamW(learningRate: rate), epochs: epochs, batchSize: settings.batchSize,
      seed: seed, augmentation: settings.augmentation, adversarial: adversarial)
  }

  /// What a training run did. A run that diverged has no result; other errors end the experiment.
  private func measurement(
    _ train: () throws(ExperimentError) -> DeepRun.Outcome
  ) throws(ExperimentError) -> SweepMeasurement {
    do throws(ExperimentError) {
      let epochs = try train().record.epochs
      return SweepMeasurement(
        metrics: [Self.accuracy: epochs.last?.testAccuracy ?? .nan],
        curves: [
          Self.accuracy: epochs.map { $0.testAccuracy ?? .nan }, "loss": epochs.map(\.loss),
          "train accuracy": epochs.map(\.trainAccuracy),
        ])
    } catch {
      guard case .failed(let reason) = error else { throw error }
      return SweepMeasurement(failure: reason)
    }
  }
}
