import CPolyReLU
import Datasets
import Formats
import LinearCore
import Networks
import Runs
import Studies
import Training

private struct FlowOptions: Options {
  static let names: Set = [
    "p", "hidden_width", "init_scale", "bias", "center", "normalize_input", "hidden_bias",
    "constant_output", "loss", "seed", "time", "stop_loss", "tolerance", "integrator",
    "precision", "record_at", "freeze_output",
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
  let seed: UInt64?
  let time: Double?
  let stopLoss: Double?
  let tolerance: Double?
  let integrator: String?
  let precision: String?
  let recordAt: [Double]?
  let freezeOutput: Bool?

  private var network: NetworkOptions {
    NetworkOptions(
      p: p, hiddenWidth: hiddenWidth, initScale: initScale, bias: bias, center: center,
      normalizeInput: normalizeInput, hiddenBias: hiddenBias, constantOutput: constantOutput)
  }

  func configuration(_ data: Dataset) throws(ExperimentError) -> FlowRunConfiguration {
    let standard: Loss = data.classCount == 2 ? .exponential : .crossEntropy
    var flow = FlowConfiguration(loss: try choice(loss, "loss", default: standard))
    flow.method = integrator ?? flow.method
    flow.tolerance = tolerance ?? flow.tolerance
    flow.precision = try choice(precision, "precision", default: flow.precision)
    flow.endTime = time ?? flow.endTime
    flow.stopLoss = stopLoss ?? flow.stopLoss
    flow.freezesOutput = freezeOutput ?? false
    return FlowRunConfiguration(
      data: DatasetRequest(data: data.name), model: try network.configuration(), flow: flow,
      seed: seed ?? 0, recordTimes: recordAt)
  }
}

private struct FlowDocument: Encodable {
  let records: [FlowRecord]
  let directions: [String]
  let ending: String
  let phases: FlowPhases
  let warnings: [String]
  let brokenDown: Bool
}

/// `polyrelu_flow`, as `polyrelu.h` describes it.
@c(polyrelu_flow)
public func flow(
  _ data: OpaquePointer?, _ options: UnsafePointer<CChar>?,
  _ job: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    let options = try FlowOptions.read(options)
    let stored = try Handle.object(data, DataHandle.self, "data").dataset
    let data: Dataset
    do { data = try stored.inUserUnits() } catch { throw ExperimentError(error) }
    let configuration = try options.configuration(data)
    try TrainingRun.validate(loss: configuration.flow.loss, data: data, heldOut: nil)
    // Throws for whatever does not fit.
    _ = try configuration.makeFlow(data: data)
    let work = try Job { (job) throws(ExperimentError) in
      let result = try FlowResult.integrated(configuration, data: data, progress: job.progress)
      return document(result, classes: data.classes)
    }
    job?.pointee = Handle.make(work)
  }
}

private func document(_ result: FlowResult, classes: [ClassLabel]) -> ResultDocument {
  let (records, neurons) = (result.trajectory.records, result.trajectory.neurons)
  let document = ResultDocument(
    FlowDocument(
      records: records, directions: result.directions, ending: result.ending.rawValue,
      phases: result.phases, warnings: result.warnings, brokenDown: result.hasBrokenDown))
  let width = neurons.first?.logContributions.count ?? 0
  document.add("times", records.map(\.time))
  document.add(
    "log_contributions", neurons.flatMap(\.logContributions), shape: [neurons.count, width])
  document.add(
    "cosines", neurons.flatMap(\.cosines.elements),
    shape: [neurons.count, width, result.directions.count])
  document.model = Model(result.model.stored.network, classes: classes)
  return document
}
