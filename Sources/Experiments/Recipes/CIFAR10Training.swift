import Datasets
import DeepNetworks
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Training

/// The two kinds of network that are compared on CIFAR-10.
enum CIFAR10Network: String, Codable, Sendable, CaseIterable {
  case convolutional, dense

  /// The layers at one degree. Nothing but the degree differs between networks of a kind.
  ///
  /// - Parameter standardization: nil for one that changes nothing, where only sizes matter.
  func architecture(
    _ settings: CIFAR10Experiment.Settings, exponent: Double,
    standardization: Standardization? = nil
  ) throws(ExperimentError) -> Architecture {
    var layers: [any Layer] = [
      standardization ?? Standardization(means: [0, 0, 0], deviations: [1, 1, 1])
    ]
    let normalization: [any Layer] = settings.layerNormalization ? [LayerNormalization()] : []
    switch self {
    case .convolutional:
      for filters in settings.filters {
        layers.append(
          ConvolutionalPReLU(filters: filters, kernel: 3, padding: 1, exponent: exponent))
        layers += normalization + [AveragePooling(window: 2)]
      }
    case .dense:
      for units in settings.units {
        layers.append(DensePReLU(units: units, exponent: exponent))
        layers += normalization
      }
    }
    layers.append(LinearHead(outputs: 10))
    do {
      return try Architecture(
        inputShape: FeatureShape(rows: 32, columns: 32, channels: 3), layers: layers)
    } catch { throw ExperimentError(error) }
  }

  func epochs(_ settings: CIFAR10Experiment.Settings) -> Int {
    self == .convolutional ? settings.convolutionalEpochs : settings.denseEpochs
  }

  /// Floating-point operations that take a sample through the network.
  func workOfPass(_ settings: CIFAR10Experiment.Settings) -> Double {
    switch self {
    case .convolutional:
      var (products, pixels, channels) = (0.0, 32 * 32, 3)
      for filters in settings.filters {
        products += Double(pixels * 9 * channels * filters)
        (pixels, channels) = (pixels / 4, filters)
      }
      return 2 * (products + Double(pixels * channels * 10))
    case .dense:
      let sizes = [32 * 32 * 3] + settings.units + [10]
      return zip(sizes, sizes.dropFirst()).reduce(0) { $0 + 2 * Double($1.0 * $1.1) }
    }
  }
}

/// The images of the experiment on CIFAR-10, and the networks trained on them.
struct CIFAR10Training: Sendable {
  typealias Context = CIFAR10Experiment.Context

  struct Cell: GridCell {
    enum Kind: Hashable {
      /// A short run that tries a learning rate.
      case trial(rate: Double)
      case ordinary, adversarial
    }

    let network: CIFAR10Network
    let p: Double
    let kind: Kind

    var parameters: [Parameter] {
      let last =
        switch kind {
        case .trial(let rate): Parameter("rate", rate)
        case .ordinary, .adversarial: Parameter("training", "\(kind)")
        }
      return [Parameter("network", network.rawValue), Parameter("p", p), last]
    }
  }

  /// A network at some moment of its training.
  struct Snapshot {
    let network: DeepNetwork<Float>
    /// Epochs until then, a part of the last one counted.
    let epoch: Double
    /// Validation accuracy after each epoch of the whole training.
    let validation: [Double]
  }

  let settings: CIFAR10Experiment.Settings
  let train: Dataset
  let validation: Dataset
  let heldOut: Dataset
  let test: Dataset
  /// Training images that tell attacks where other classes lie.
  let reference: Dataset
  private let standardization: Standardization
  /// The learning rates chosen, by degree; empty before.
  private(set) var rates: [CIFAR10Network: [Double: Double]] = [:]
  /// The networks after their last epochs, by the names of their runs, without those that diverged.
  private var outcomes: [String: DeepRun.Outcome] = [:]

  init(
    settings: CIFAR10Experiment.Settings, train: Dataset, validation: Dataset, heldOut: Dataset,
    test: Dataset
  ) {
    (self.settings, self.train, self.validation) = (settings, train, validation)
    (self.heldOut, self.test, reference) = (heldOut, test, train.prefix(10_000))
    let statistics = train.channelStatistics
    standardization = Standardization(
      means: statistics.means, deviations: statistics.deviations)
  }

  init(loadedFor settings: CIFAR10Experiment.Settings) throws(ExperimentError) {
    do {
      self.init(
        settings: settings,
        train: try CIFAR10.load(split: .train).prefix(settings.trainLimit),
        validation: try CIFAR10.load(split: .validation),
        heldOut: try CIFAR10.load(split: .heldOut), test: try CIFAR10.load(split: .test))
    } catch { throw ExperimentError(error) }
  }

  // MARK: - Training

  /// Chooses learning rates, and then trains what is not there yet.
  func trained(seeds: [UInt64], in directory: RunDirectory, _ progress: ProgressReporter)
    throws(ExperimentError) -> CIFAR10Training
  {
    let ordinary = CIFAR10Network.allCases.flatMap { network in
      settings.degrees.map { Cell(network: network, p: $0, kind: .ordinary) }
    }
    let adversarial = settings.adversarialDegrees.map {
      Cell(network: .convolutional, p: $0, kind: .adversarial)
    }
    var result = self
    try result.chooseRates(
      ordinary + adversarial.filter { !settings.degrees.contains($0.p) }, in: directory, progress)
    for (name, cells, seeds) in [
      ("training", ordinary, seeds), ("adversarial training", adversarial, [settings.seed]),
    ] {
      let runs = try result.grid(name, cells, seeds: seeds, in: directory, progress)
      for (cell, row) in zip(cells, runs) {
        for (seed, measurement) in zip(seeds, row) where measurement.failure == nil {
          let run = try result.run(cell, seed: seed, in: directory)
          result.outcomes[run.name] = try run.run(train: train, validation: validation)
        }
      }
    }
    return result
  }

  /// Takes the rate of the largest validation accuracy, the smallest of equal ones.
  private mutating func chooseRates(
    _ cells: [Cell], in directory: RunDirectory, _ progress: ProgressReporter
  ) throws(ExperimentError) {
    let rates = settings.learningRates.sorted()
    let trials = cells.flatMap { cell in
      rates.map { Cell(network: cell.network, p: cell.p, kind: .trial(rate: $0)) }
    }
    let runs = try grid("learning rates", trials, seeds: [settings.seed], in: directory, progress)
    for (number, cell) in cells.enumerated() {
      let accuracies = zip(rates, runs[number * rates.count..<(number + 1) * rates.count])
        .filter { $1[0].failure == nil }.map { (rate: $0, accuracy: $1[0].values.validation.last!) }
      guard let best = accuracies.max(by: { $0.accuracy < $1.accuracy }) else {
        throw .failed(
          "the \(cell.network.rawValue) network of p = \(cell.p) diverges at every learning rate")
      }
      self.rates[cell.network, default: [:]][cell.p] = best.rate
    }
  }

  /// Trains networks side by side. One that diverges has no result; other errors end the experiment.
  private func grid(
    _ name: String, _ cells: [Cell], seeds: [UInt64], in directory: RunDirectory,
    _ progress: ProgressReporter
  ) throws(ExperimentError) -> [[Measured<CIFAR10Values>]] {
    let part = train.prefix(settings.rateSamples)
    return try Grid(name: name, cells: cells, seeds: seeds, operations: operations).run(
      in: directory, source: self, progress: progress
    ) { (cell, context: Context) throws(ExperimentError) in
      let run = try run(cell, seed: context.seed, in: directory)
      let data = if case .trial = cell.kind { part } else { train }
      do throws(ExperimentError) {
        let outcome = try run.run(train: data, validation: validation) { done, _ in
          context.report(done)
        }
        return Measured(CIFAR10Values(validation: outcome.validation))
      } catch .failed(let reason) {
        return Measured(CIFAR10Values(), failure: reason)
      }
    }
  }

  /// Forward, and backward to weights and to inputs.
  private func operations(_ cell: Cell) -> Double {
    let samples: Int
    switch cell.kind {
    case .trial: samples = settings.rateSamples
    case .ordinary: samples = train.count
    case .adversarial: samples = train.count * (1 + settings.adversarial.steps)
    }
    return 3 * cell.network.workOfPass(settings) * Double(samples) * Double(epochs(cell))
  }

  private func epochs(_ cell: Cell) -> Int {
    switch cell.kind {
    case .trial: settings.rateEpochs
    case .ordinary: cell.network.epochs(settings)
    case .adversarial: settings.adversarialEpochs
    }
  }

  /// The run that trains a cell with a seed.
  private func run(_ cell: Cell, seed: UInt64, in directory: RunDirectory) throws(ExperimentError)
    -> DeepRun
  {
    let rate = if case .trial(let rate) = cell.kind { rate } else { rates[cell.network]![cell.p]! }
    var run = DeepRun(
      directory: directory, name: "\(cell.fileName)-seed\(seed)",
      architecture: try cell.network.architecture(
        settings, exponent: cell.p, standardization: standardization),
      training: DeepTrainingConfiguration(
        optimizer: .adamW(learningRate: rate), epochs: epochs(cell),
        batchSize: settings.batchSize, seed: seed, augmentation: settings.augmentation,
        adversarial: cell.kind == .adversarial ? settings.adversarial : nil))
    if case .trial = cell.kind { return run }
    run.data = DatasetRequest(data: "cifar10", split: "train")
    run.trialsPerEpoch = cell.kind == .ordinary ? settings.trialsPerEpoch : 0
    return run
  }

  // MARK: - Networks

  /// The network of a cell of the experiment; nil where training diverged.
  func network(_ cell: CIFAR10Experiment.Cell, seed: UInt64, in directory: RunDirectory)
    throws(ExperimentError) -> Snapshot?
  {
    func training(_ p: Double, _ kind: Cell.Kind = .ordinary) throws(ExperimentError) -> DeepRun {
      try self.run(Cell(network: cell.network, p: p, kind: kind), seed: seed, in: directory)
    }
    let first = settings.degrees[0]
    let run = try training(
      cell.moment == .counterpart ? first : cell.p,
      cell.moment == .adversarial ? .adversarial : .ordinary)
    guard let outcome = outcomes[run.name] else { return nil }
    let compared: [Double]
    switch cell.moment {
    case .end, .adversarial:
      return Snapshot(
        network: outcome.network, epoch: Double(outcome.record.epochs.count),
        validation: outcome.validation)
    case .matched: compared = settings.degrees
    case .counterpart: compared = [first, cell.p]
    }
    // The highest percent of validation accuracy that all have reached; those that diverged do not count.
    var percent: Int?
    for p in compared {
      let other = try training(p)
      guard outcomes[other.name] != nil, let highest = other.levels.highest else { continue }
      percent = min(percent ?? highest, highest)
    }
    guard let percent, let reached = try run.firstNetwork(reaching: percent) else { return nil }
    return Snapshot(
      network: reached.network, epoch: reached.epoch, validation: outcome.validation)
  }
}

extension DeepRun.Outcome {
  fileprivate var validation: [Double] { record.epochs.map { $0.testAccuracy ?? .nan } }
}
