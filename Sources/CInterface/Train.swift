import CPolyReLU
import Datasets
import Formats
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Training

/// The shape of a network and how its weights start, among the options of training and of gradient flow.
struct NetworkOptions {
  let p: Double?
  let hiddenWidth: Int?
  let initScale: InitialScale?
  let bias: Bool?
  let center: Bool?
  let normalizeInput: Bool?
  let hiddenBias: Bool?
  let constantOutput: Bool?

  func configuration() throws(ExperimentError) -> ModelConfiguration {
    do { try Degree.check(p ?? 3) } catch { throw ExperimentError(error) }
    let hasHiddenBias = hiddenBias ?? false
    if hasHiddenBias && normalizeInput ?? false {
      throw .usage(
        "\(SettingName("hidden-bias")) and \(SettingName("normalize-input")) exclude each other: expected one of the two"
      )
    }
    return ModelConfiguration(
      exponent: p ?? 3, hiddenWidth: try positive(hiddenWidth, "hidden-width") ?? 500,
      initialization: try initScale?.initialization() ?? .kaiming,
      bias: bias ?? false, center: center ?? false, normalizeInput: normalizeInput ?? false,
      hasHiddenBias: hasHiddenBias, hasConstantOutput: constantOutput ?? false)
  }
}

/// A number, or "kaiming".
enum InitialScale: Decodable {
  case number(Double)
  case text(String)

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    do { self = .number(try container.decode(Double.self)) } catch {
      self = .text(try container.decode(String.self))
    }
  }

  func initialization() throws(ExperimentError) -> Initialization {
    switch self {
    case .number(let scale) where scale > 0 && scale < 1e18: return .gaussian(scale: scale)
    case .text("kaiming"): return .kaiming
    case .number(let scale): throw refusal("\(scale)")
    case .text(let text): throw refusal("'\(text)'")
    }
  }

  private func refusal(_ found: String) -> ExperimentError {
    .usage(
      "\(SettingName("init-scale")) is \(found), expected 'kaiming' or a positive number below 1e18"
    )
  }
}

private struct TrainOptions: Options {
  static let names: Set = [
    "p", "hidden_width", "init_scale", "bias", "center", "normalize_input", "hidden_bias",
    "constant_output", "loss", "optimizer", "learning_rate", "momentum", "nesterov",
    "weight_decay", "epochs", "batch_size", "seed", "thinning", "freeze_output",
  ]
  let p: Double?
  let hiddenWidth: Int?
  let initScale: InitialScale?
  let bias: Bool?
  let center: Bool?
  let normalizeInput: Bool?
  let hiddenBias: Bool?
  let constantOutput: Bool?
  let loss: String?
  let optimizer: String?
  let learningRate: Double?
  let momentum: Double?
  let nesterov: Bool?
  let weightDecay: Double?
  let epochs: Int?
  let batchSize: Int?
  let seed: UInt64?
  let thinning: Bool?
  let freezeOutput: Bool?

  var network: NetworkOptions {
    NetworkOptions(
      p: p, hiddenWidth: hiddenWidth, initScale: initScale, bias: bias, center: center,
      normalizeInput: normalizeInput, hiddenBias: hiddenBias, constantOutput: constantOutput)
  }

  private func optimizerConfiguration() throws(ExperimentError) -> OptimizerConfiguration {
    switch optimizer ?? "adam" {
    case "sgd":
      return .sgd(
        learningRate: learningRate ?? 0.2, momentum: momentum ?? 0, nesterov: nesterov ?? false,
        weightDecay: weightDecay ?? 0)
    case "adam":
      guard momentum == nil, nesterov == nil else {
        throw .usage("\(SettingName("momentum")): only the optimizer sgd has this option")
      }
      return .adam(learningRate: learningRate ?? 1e-3, weightDecay: weightDecay ?? 0)
    case let other:
      throw .usage("\(SettingName("optimizer")) is '\(other)', expected sgd or adam")
    }
  }

  func configuration(_ data: Dataset) throws(ExperimentError) -> TrainingConfiguration {
    let standard: Loss = data.classCount == 2 ? .exponential : .crossEntropy
    let configuration = TrainingConfiguration(
      loss: try choice(loss, "loss", default: standard), optimizer: try optimizerConfiguration(),
      epochs: epochs ?? 51, batchSize: batchSize ?? 100, seed: seed ?? 0,
      thinning: thinning ?? true ? Thinning() : nil, freezesOutput: freezeOutput ?? false)
    do { try configuration.validate() } catch { throw ExperimentError(error) }
    return configuration
  }
}

private struct TrainDocument: Encodable {
  struct Epoch: Encodable {
    let loss: Double
    let accuracy: Double
  }
  let epochs: [Epoch]
  let warning: String?
}

/// `polyrelu_train`, as `polyrelu.h` describes it.
@c(polyrelu_train)
public func train(
  _ data: OpaquePointer?, _ model: OpaquePointer?, _ options: UnsafePointer<CChar>?,
  _ job: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    let options = try TrainOptions.read(options)
    let stored = try Handle.object(data, DataHandle.self, "data").dataset
    let data: Dataset
    do { data = try stored.inUserUnits() } catch { throw ExperimentError(error) }
    let training = try options.configuration(data)
    let configuration = TrainingRunConfiguration(
      data: DatasetRequest(data: data.name), model: try options.network.configuration(),
      training: training)
    let network: PReLUNetwork<Float>
    if model != nil {
      network = try Handle.object(model, Model.self, "model").shallow(for: "training").network
      try TrainingRun.validate(loss: training.loss, data: data, heldOut: nil)
    } else {
      try TrainingRun.validate(configuration, data: data, heldOut: nil)
      network = try TrainingRun.initialNetwork(configuration, data: data)
    }
    let trainer: Trainer<Float>
    do {
      trainer = try Trainer<Float>(
        network: network, inputs: data.inputs, labels: data.labels, configuration: training)
    } catch { throw ExperimentError(error) }
    nonisolated(unsafe) let initial = trainer
    let work = try Job { (job) throws(ExperimentError) in
      try run(initial, classes: data.classes, job.progress)
    }
    job?.pointee = Handle.make(work)
  }
}

private func run(_ initial: Trainer<Float>, classes: [ClassLabel], _ progress: ProgressReporter)
  throws(ExperimentError) -> ResultDocument
{
  var trainer = initial
  let start = Date()
  while !trainer.isFinished {
    try Cancellation.check(ExperimentError.failed("the training was cancelled"))
    do { try trainer.runEpoch() } catch { throw ExperimentError(error) }
    progress.update(
      "", fraction: Double(trainer.record.epochs.count) / Double(trainer.configuration.epochs),
      since: start)
  }
  let network = trainer.network
  let document = ResultDocument(
    TrainDocument(
      epochs: trainer.record.epochs.map { .init(loss: $0.loss, accuracy: $0.trainAccuracy) },
      warning: trainer.record.stallWarning(
        loss: trainer.configuration.loss, outputCount: network.outputCount,
        exponent: network.exponent)))
  document.model = Model(network, classes: classes)
  return document
}
