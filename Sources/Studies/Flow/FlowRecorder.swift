import Datasets
import Foundation
import LinearCore
import Networks
import Runs
import Training

/// Decides when a flow is recorded, and keeps the records.
struct FlowRecorder {
  private(set) var trajectory: FlowTrajectory
  private var diagnostics: FlowDiagnostics
  private let times: [Double]?
  private let distance: FlowDistance?
  /// The distance to the ideal classifier is measured at every so many records: it takes as long as a few
  /// steps.
  private static var distanceStride: Int { 8 }

  init(
    _ configuration: FlowRunConfiguration, data: Dataset, initialState: FlowState
  ) {
    times = configuration.recordTimes
    trajectory = FlowTrajectory()
    distance = FlowDistance(data: data, state: initialState, seed: configuration.seed)
    diagnostics = FlowDiagnostics(
      data: data, initialState: initialState, loss: configuration.flow.loss)
  }

  /// The names of the reference directions.
  var directions: [String] { diagnostics.directions.names }

  /// The activation pattern of the last record, which the next one is compared with.
  var pattern: [UInt8]? { diagnostics.pattern }

  /// Bits of ``pattern``: a neuron and a training sample each.
  var patternCount: Int { diagnostics.patternCount }

  /// Whether records can be those of this run.
  func fits(_ trajectory: FlowTrajectory) -> Bool {
    trajectory.isPlausible(
      width: diagnostics.width, directions: directions.count, isThinned: times == nil)
  }

  /// The same recorder with the records of an earlier run.
  func restored(_ trajectory: FlowTrajectory, pattern: [UInt8]?) -> FlowRecorder {
    var result = self
    result.trajectory = trajectory
    result.diagnostics.pattern = pattern
    return result
  }

  mutating func recordStart(_ flow: GradientFlow) {
    if times == nil || times?.first == 0 { record(flow, at: flow.time) }
  }

  /// Records what is due after a step.
  mutating func recordStep(_ flow: GradientFlow) {
    if let times {
      for time in times where time > flow.lastStep.lowerBound && time <= flow.lastStep.upperBound {
        record(flow, at: time)
      }
    } else if trajectory.isDue(step: flow.statistics.accepted) {
      record(flow, at: flow.time)
    }
  }

  /// Records the end, whether it was asked for or not.
  mutating func recordEnd(_ flow: GradientFlow) {
    record(flow, at: flow.time)
    trajectory.measureLastDistance { distance?(Self.network(flow.state)) }
  }

  /// A network like that of a state, its largest neuron of length 1.
  private static func network(_ state: FlowState) -> PReLUNetwork<Float> {
    state.network(logScale: -state.largestLogNorm).converted(to: Float.self)
  }

  private mutating func record(_ flow: GradientFlow, at time: Double) {
    let (state, observation) =
      time == flow.time
      ? (flow.state, flow.observation) : (flow.state(at: time), flow.observation(at: time))
    let (record, neurons) = diagnostics.record(
      state, time: time, observation: observation, phase: flow.phases.name(at: time))
    let isMeasured = trajectory.records.count % Self.distanceStride == 0
    trajectory.append(record, neurons, isThinned: times == nil)
    if isMeasured { trajectory.measureLastDistance { distance?(Self.network(state)) } }
  }

  /// One line for a person who watches.
  func liveView(_ flow: GradientFlow) -> String {
    let observation = flow.observation
    var text =
      "\(flow.phases.current)  time \(Self.number(flow.time))"
      + "  loss \(Self.number(observation.loss))"
    if let last = trajectory.records.last {
      text += "  neurons \(last.effectiveNeurons)"
      if let cosines = last.subclassCosines {
        text +=
          "  cosines \(Self.cosine(cosines.lower)) \(Self.cosine(cosines.median)) "
          + Self.cosine(cosines.upper)
      }
    }
    return text + "  step \(flow.statistics.accepted)"
  }

  private static func number(_ value: Double) -> String { String(format: "%.4g", value) }
  private static func cosine(_ value: Double) -> String { String(format: "%.2f", value) }
}
