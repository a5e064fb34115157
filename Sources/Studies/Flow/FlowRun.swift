import Datasets
import Formats
import Foundation
import LinearCore
import Networks
import Runs
import Training

/// What determines an integration of gradient flow: stored as `config.json`.
package struct FlowRunConfiguration: Codable, Sendable, Equatable {
  package var data: DatasetRequest
  /// The network. A Gaussian initialisation may have any positive scale.
  package var model: ModelConfiguration
  /// Loss, method, tolerance, end.
  package var flow: FlowConfiguration
  /// Determines the initial weights.
  package var seed: UInt64
  /// The times of the flow to record; nil spreads records over the steps.
  package var recordTimes: [Double]?
  /// Whether the extremal vectors of the direction flow are found and compared with the neurons.
  package var findsExtremalVectors: Bool

  package init(
    data: DatasetRequest, model: ModelConfiguration, flow: FlowConfiguration, seed: UInt64 = 0,
    recordTimes: [Double]? = nil, findsExtremalVectors: Bool = false
  ) {
    self.data = data
    self.model = model
    self.flow = flow
    self.seed = seed
    self.recordTimes = recordTimes?.sorted()
    self.findsExtremalVectors = findsExtremalVectors
  }

  /// The flow from its start.
  ///
  /// Gaussian weights are those of ``ModelConfiguration/makeNetwork(data:loss:seed:)`` for the same seed,
  /// drawn at scale 1 and scaled in the logarithm.
  package func makeFlow(data: Dataset) throws(ExperimentError) -> GradientFlow {
    var unit = model
    var logScale = 0.0
    if case .gaussian(let scale) = model.initialization {
      guard scale > 0, scale.isFinite else {
        throw .usage("\(SettingName("init-scale")) \(scale): expected a positive number")
      }
      unit.initialization = .gaussian(scale: 1)
      logScale = log(scale)
    }
    do {
      var network: PReLUNetwork<Double> = try unit.makeNetwork(
        data: data, loss: flow.loss, seed: seed)
      if model.hasConstantOutput {
        // Ratios of weights of such sizes are all that the coordinates of the flow know.
        guard logScale > log(1e-30) else {
          throw ExperimentError.usage(
            "\(SettingName("init-scale")) \(exp(logScale)): expected more than 1e-30 with constant output weights"
          )
        }
        let inverse = exp(-logScale)
        network.outputWeights.elements = network.outputWeights.elements.map { $0 * inverse }
      }
      return try GradientFlow(
        network: network, logScale: logScale, inputs: data.inputs.converted(), labels: data.labels,
        configuration: flow)
    } catch { throw ExperimentError(error) }
  }
}

/// What an integration of gradient flow leaves.
package struct FlowResult: Sendable {
  /// The network at the end, in the scale in which single precision holds it; see ``FlowModel``.
  package var network: PReLUNetwork<Float> { model.network }
  /// The network at the end, in a form that keeps its scale.
  package let model: FlowModel
  package let trajectory: FlowTrajectory
  /// The names of the reference directions of the trajectory's cosines.
  package let directions: [String]
  /// The phases that have ended.
  package let phases: FlowPhases
  /// How the integration ended.
  package let ending: FlowEnding
  /// Accepted and rejected steps, evaluations.
  package let counts: FlowCounts
  /// The extremal vectors, where they were asked for: a row each, as `results/extremal.csv`.
  package let extremalVectors: CSVTable?
  /// Warnings: stalled, ended early, rounding too coarse.
  package let warnings: [String]
}

/// How much work an integration was.
package struct FlowCounts: Codable, Sendable, Equatable {
  package let accepted: Int
  /// Accepted steps of the smallest length, whose error was above the tolerance.
  package let forced: Int
  package let rejected: Int
  /// Evaluations of the full gradient.
  package let evaluations: Int
}

/// Integrates gradient flow in a run directory: records, checkpoints, resumption, live view.
package struct FlowRun {
  package let directory: RunDirectory
  /// What is integrated.
  package let configuration: FlowRunConfiguration
  /// Seconds between checkpoints.
  package var checkpointInterval = 10.0

  /// A run in a directory; see ``RunDirectory/init(_:configuration:resume:)``.
  package init(_ path: String, configuration: FlowRunConfiguration, resume: Bool)
    throws(ExperimentError)
  {
    directory = try RunDirectory(
      path, kind: .gradientFlow, configuration: configuration, inputs: nil, resume: resume)
    self.configuration = configuration
  }

  /// Integrates to the end, from the last checkpoint where there is one, and writes `metrics.csv`,
  /// `results/neurons.npz` and the model.
  ///
  /// - Throws: ``ExperimentError/usage(_:)`` also where the data have changed since the run began;
  ///   ``ExperimentError/failed(_:)`` where the flow has no first step.
  package func run(data: Dataset, progress: ProgressReporter) throws(ExperimentError) -> FlowResult
  {
    try directory.bind(
      kind: .gradientFlow, configuration: configuration,
      inputs: [RunInput(.training, data, request: configuration.data)])
    do {
      return try Interruption.withSafePoints { () throws(ExperimentError) in
        try integrate(data: data, progress: progress)
      }
    } catch {
      directory.abandonIfNothingWasDone()
      throw error
    }
  }

  private func integrate(data: Dataset, progress: ProgressReporter) throws(ExperimentError)
    -> FlowResult
  {
    let flow = try configuration.makeFlow(data: data)
    let checkpoint = FlowCheckpoint(directory)
    var recorder = FlowRecorder(configuration, data: data, initialState: flow.initialState)
    do {
      _ = try directory.folder("checkpoints")
      if let (state, restored) = try checkpoint.read(recorder) {
        do { try flow.resume(from: state) } catch {
          throw ExperimentError.usage("\(checkpoint.path): \(error)")
        }
        recorder = restored
      } else {
        recorder.recordStart(flow)
      }
      try directory.write(
        RunEnvironment(seed: configuration.seed, dataChecksum: data.checksum),
        to: "environment.json")
      let start = Date()
      var lastSaved = start
      while flow.ending == nil {
        flow.advance()
        recorder.recordStep(flow)
        progress.update(recorder.liveView(flow), since: start)
        try Interruption.safePoint {
          try checkpoint.write(flow.checkpoint, recorder)
          return recorder.liveView(flow)
        }
        if Cancellation.isRequested {
          try checkpoint.write(flow.checkpoint, recorder)
          throw ExperimentError.failed("the flow was cancelled")
        }
        if Date().timeIntervalSince(lastSaved) >= checkpointInterval {
          try checkpoint.write(flow.checkpoint, recorder)
          lastSaved = Date()
        }
      }
      progress.clear()
      try flow.checkStart()
      recorder.recordEnd(flow)
      try checkpoint.write(flow.checkpoint, recorder)
      var extremalVectors: CSVTable?
      if configuration.findsExtremalVectors {
        progress.note("finding the extremal vectors of the direction flow")
        let found = try FlowExtremal(flow, data: data, seed: configuration.seed)
        extremalVectors = found.table(flow.state)
        _ = try directory.folder("results")
        try extremalVectors?.write(to: directory.path("results/extremal.csv"))
      }
      let result = FlowResult(flow, recorder, extremalVectors: extremalVectors)
      try recorder.trajectory.write(to: directory, directions: result.directions)
      try result.model.stored.write(
        to: directory.path(TrainingRun.modelName), classes: data.classes)
      try directory.writeTiming(since: start)
      for warning in result.warnings { progress.warn(warning) }
      return result
    } catch { throw ExperimentError(error) }
  }
}

extension GradientFlow {
  /// Throws where the flow broke down before its first step.
  fileprivate func checkStart() throws(ExperimentError) {
    guard ending == .nonFinite || ending == .stepUnderflow, statistics.accepted == 0 else { return }
    throw .failed(
      "gradient flow has no first step at time \(time): \(ending?.rawValue ?? "not finite"); "
        + "give it a smaller initialisation, data of a smaller scale or a smaller p")
  }
}

extension FlowResult {
  /// Integrates to the end in memory; ``FlowRun`` is the one that leaves files.
  ///
  /// - Throws: ``ExperimentError/failed(_:)`` where the flow has no first step, or was cancelled.
  package static func integrated(
    _ configuration: FlowRunConfiguration, data: Dataset, progress: ProgressReporter
  ) throws(ExperimentError) -> FlowResult {
    let flow = try configuration.makeFlow(data: data)
    var recorder = FlowRecorder(configuration, data: data, initialState: flow.initialState)
    recorder.recordStart(flow)
    let start = Date()
    while flow.ending == nil {
      try Cancellation.check(ExperimentError.failed("the flow was cancelled"))
      flow.advance()
      recorder.recordStep(flow)
      progress.update(recorder.liveView(flow), since: start)
    }
    try flow.checkStart()
    recorder.recordEnd(flow)
    return FlowResult(flow, recorder, extremalVectors: nil)
  }

  /// Whether the integration broke down on its way, so that the network is not that of a flow trained to its
  /// end.
  package var hasBrokenDown: Bool { ending == .nonFinite || ending == .stepUnderflow }

  init(_ flow: GradientFlow, _ recorder: FlowRecorder, extremalVectors: CSVTable?) {
    self.extremalVectors = extremalVectors
    model = FlowModel(flow.state)
    trajectory = recorder.trajectory
    directions = recorder.directions
    phases = flow.phases
    ending = flow.ending ?? .endTime
    let statistics = flow.statistics
    counts = FlowCounts(
      accepted: statistics.accepted, forced: statistics.forced, rejected: statistics.rejected,
      evaluations: statistics.evaluations)
    warnings = Self.warnings(flow, ending) + (model.warning.map { [$0] } ?? [])
  }

  private static func warnings(_ flow: GradientFlow, _ ending: FlowEnding) -> [String] {
    var warnings: [String] = []
    let time = String(format: "%.4g", flow.time)
    if !ending.isRegular {
      warnings.append(
        "gradient flow ended at time \(time): \(ending.rawValue); the network is not trained to the end"
      )
    }
    if flow.isStalled {
      warnings.append(
        "gradient flow stalled: at time \(time) the loss is still that of a network with output 0; "
          + "give it more time, a larger initialisation or a smaller p")
    }
    if flow.roundingShare > 1 {
      warnings.append(
        "the products in single precision are too coarse for the tolerance "
          + "\(flow.configuration.tolerance); use \(SettingName("precision")) double")
    }
    return warnings
  }
}
