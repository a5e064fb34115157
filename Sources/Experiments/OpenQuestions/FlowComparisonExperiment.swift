import Datasets
import Foundation
import LinearCore
import Runs
import Studies
import Training

/// Gradient flow against what is used in its place: gradient descent, stochastic gradient descent with
/// and without momentum, and Adam, from the same initial weights.
struct FlowComparisonExperiment: SweepExperiment {
  /// "flow-vs-sgd".
  static let name = "flow-vs-sgd"
  /// One line.
  static let summary =
    "gradient flow against SGD (learning rate x momentum x batch size) and Adam, same initial weights"

  /// What determines the run; `config.json`.
  struct Settings: SweepSettings {
    /// "flow-vs-sgd".
    var experiment = FlowComparisonExperiment.name
    /// How much is done.
    var preset: Preset
    /// The first seed.
    var seed: UInt64
    /// How many seeds.
    var repeats: Int
    var degrees = [1.0, 3]
    var learningRates = [0.02, 0.2, 1]
    var momenta = [0, 0.9]
    /// The small ones; all samples are one more.
    var batchSizes = [10, 100]
    var compared = Compared()
    /// Loss, initial scale, data. Every optimiser stops at its loss or its end of time.
    var flow: FlowMeasurement
    /// Every optimiser is given up after so many steps.
    var maximumSteps: Int

    /// The hyper-parameters of the first figure.
    struct Compared: Codable, Equatable {
      var learningRate = 0.2
      var momentum = 0.9
      /// learningRate (1 - momentum).
      var momentumLearningRate = 0.02
      var adamLearningRate = 1e-3
      var batchSize = 100
    }

    /// The times at which losses are compared: a hundred in every power of ten.
    var lossTimes: [Double] {
      let last = flow.flow.endTime
      let count = Int(saturating: (100 * log10(last / 0.01)).rounded(.up))
      return (0...count).map { 0.01 * pow(last / 0.01, Double($0) / Double(count)) }
    }
  }

  /// How a network is trained.
  enum Method: Codable, Hashable {
    case flow
    case descent(learningRate: Double, momentum: Double, batchSize: Int?)
    case adam(learningRate: Double, batchSize: Int?)

    /// The name; gradient descent takes all samples in a step.
    var name: String {
      switch self {
      case .flow: "gradient flow"
      case .descent(_, let momentum, let batchSize):
        (batchSize == nil ? "GD" : "SGD") + (momentum == 0 ? "" : " with momentum")
      case .adam: "Adam"
      }
    }

    var learningRate: Double? {
      switch self {
      case .flow: nil
      case .descent(let rate, _, _), .adam(let rate, _): rate
      }
    }

    var momentum: Double? {
      if case .descent(_, let momentum, _) = self { momentum } else { nil }
    }

    var batchSize: Int? {
      switch self {
      case .flow: nil
      case .descent(_, _, let size), .adam(_, let size): size
      }
    }

    /// The optimiser; nil for the flow.
    var optimizer: OptimizerConfiguration? {
      switch self {
      case .flow: nil
      case .descent(let rate, let momentum, _): .sgd(learningRate: rate, momentum: momentum)
      case .adam(let rate, _): .adam(learningRate: rate)
      }
    }

    /// "SGD, learning rate 0.2, batch 10".
    var title: String {
      var parts = [name]
      if let rate = learningRate {
        parts.append("learning rate \(SweepColumn.Value.number(rate).text)")
      }
      if let momentum, momentum > 0 { parts.append("momentum \(momentum)") }
      if let size = batchSize { parts.append("batch \(size)") }
      return parts.joined(separator: ", ")
    }
  }

  /// One degree and one way to train.
  struct Cell: SweepCell {
    let p: Double
    let method: Method
    /// The degree and the hyper-parameters.
    var parameters: [Parameter] {
      func column(_ name: String, _ value: Double?) -> SweepColumn {
        value.map { SweepColumn(name, $0) } ?? SweepColumn(name, "-")
      }
      return [
        SweepColumn("p", p), SweepColumn("optimiser", method.name),
        column("learning rate", method.learningRate), column("momentum", method.momentum),
        SweepColumn("batch", method.batchSize.map { "\($0)" } ?? "full"),
      ]
    }
    /// Steps are short where the learning rate is small.
    var cost: Double {
      switch method {
      case .flow: 1
      case .adam: 2
      case .descent: (method.batchSize == nil ? 0.5 : 0.2) / method.optimizer!.timeOfStep
      }
    }
  }

  /// The settings.
  var settings: Settings

  /// The experiment at some size.
  init(_ options: ExperimentOptions) {
    let (repeats, dimension, samples, width, attacked) =
      switch options.preset {
      case .quick: (1, 50, 200, 50, 60)
      case .laptop: (5, 100, 400, 100, 200)
      case .paper: (5, 1000, 5000, 500, 1000)
      }
    settings = Settings(
      preset: options.preset, seed: options.seed, repeats: options.repeats ?? repeats,
      flow: FlowMeasurement(
        mixture: OrthonormalMixture(dimension: dimension, alpha: 0.1, samples: samples),
        hiddenWidth: width,
        flow: FlowConfiguration(tolerance: 1e-4, endTime: 2000, maximumSteps: 200_000),
        attackedSamples: attacked), maximumSteps: 100_000)
  }

  /// Those of the first figure: all but Adam with steps of the same time.
  var compared: [Method] {
    let own = settings.compared
    return [
      .flow, .descent(learningRate: own.learningRate, momentum: 0, batchSize: nil),
      .descent(learningRate: own.learningRate, momentum: 0, batchSize: own.batchSize),
      .descent(
        learningRate: own.momentumLearningRate, momentum: own.momentum, batchSize: own.batchSize),
      .adam(learningRate: own.adamLearningRate, batchSize: own.batchSize),
    ]
  }

  /// Learning rate x momentum x batch size.
  var grid: [Method] {
    settings.learningRates.flatMap { rate in
      settings.momenta.flatMap { momentum in
        (settings.batchSizes.map { Optional($0) } + [nil]).map {
          .descent(learningRate: rate, momentum: momentum, batchSize: $0)
        }
      }
    }
  }

  /// Gradient descent with the smallest learning rate, which has to agree with the flow.
  var smallestStep: Method {
    .descent(learningRate: settings.learningRates.min()!, momentum: 0, batchSize: nil)
  }

  /// The flow, the grid, and what of the first figure is not in it, for every degree.
  var cells: [Cell] {
    let others = compared.filter { $0 != .flow && !grid.contains($0) }
    return settings.degrees.flatMap { p in
      ([.flow] + grid + others).map { Cell(p: p, method: $0) }
    }
  }

  /// Median radius, structure, time; with the digits that Adam's needs.
  var metrics: [SweepMetric] {
    let time = FlowMeasurement.fittingTime
    return [
      NetworkMeasurement.medianRadius, NetworkMeasurement.effectiveNeurons,
      NetworkMeasurement.subclassCosine, NetworkMeasurement.classCosine,
      SweepMetric(time.key, heading: time.heading, digits: 2),
    ]
  }

  /// As many passes over the data as the flow and the attack have taken at `laptop`.
  func operations(_ cell: Cell) -> Double { settings.flow.workOfPass * 900 * cell.cost }

  /// Trains and attacks.
  func measure(_ cell: Cell, _ context: SweepContext) throws(ExperimentError)
    -> SweepMeasurement
  {
    guard let optimizer = cell.method.optimizer else {
      return try settings.flow.measure(
        exponent: cell.p, seed: context.seed, lossTimes: settings.lossTimes)
    }
    return try DescentMeasurement(
      flow: settings.flow, optimizer: optimizer, batchSize: cell.method.batchSize,
      maximumSteps: settings.maximumSteps
    ).measure(exponent: cell.p, seed: context.seed, lossTimes: settings.lossTimes)
  }

  /// Figures and answer.
  func account(of results: SweepResults<Cell>) throws(ExperimentError) -> SweepAccount {
    FlowComparisonReport(experiment: self, results: results).account
  }
}
