import Integration
import LinearCore
import Networks

/// Integrates gradient flow of the full-batch loss, step by step, from initial weights of any size.
///
/// ```swift
/// let flow = try GradientFlow(network: start, logScale: log(1e-80), inputs: x, labels: y,
///   configuration: .init(loss: .exponential))
/// while flow.advance() == nil { print(flow.time, flow.observation.loss) }
/// ```
/// The equations and coordinates are those of ``FlowState``; steps are chosen by the method's embedded
/// error estimate. The result does not depend on the number of threads, and a flow resumed from a
/// checkpoint ends in the same bytes. It has reference semantics; ``checkpoint`` is its value.
public final class GradientFlow {
  /// The settings, which do not change during the run.
  public let configuration: FlowConfiguration
  /// The phases that have ended.
  package private(set) var phases = FlowPhases()
  /// How the integration ended; nil while it goes on.
  public private(set) var ending: FlowEnding?
  /// The state at the start.
  package let initialState: FlowState

  private let system: FlowRightHandSide
  private var integrator: Integrator<FlowRightHandSide>
  private let silentLoss: Double
  private let smallestStep: Double

  /// A flow from initial weights.
  ///
  /// - Parameters:
  ///   - network: the initial network, up to its scale.
  ///   - logScale: log of the factor that its weights are to be multiplied by.
  ///   - inputs: (n, inputDimension), n >= 1.
  ///   - labels: the class of each row.
  /// - Throws: ``TrainingError`` for settings, data and network that do not fit together.
  public init(
    network: PReLUNetwork<Double>, logScale: Double = 0, inputs: Matrix<Double>, labels: [Int],
    configuration: FlowConfiguration
  ) throws(TrainingError) {
    try configuration.validate()
    try network.checkFit(inputs: inputs, labels: labels, loss: configuration.loss)
    let state = try FlowState(
      network, logScale: logScale, freezesOutput: configuration.freezesOutput)
    self.configuration = configuration
    initialState = state
    system = FlowRightHandSide(
      state, inputs: inputs, labels: labels, loss: configuration.loss,
      usesFloat: configuration.usesFloat)
    silentLoss = configuration.loss.ofSilentNetwork(outputCount: network.outputCount)
    smallestStep = configuration.smallestStep(
      exponent: network.exponent, samples: labels.count,
      meanSquare: Self.meanSquare(network.prepare(inputs)))
    do throws(IntegrationError) {
      integrator = try Integrator(
        system, method: FlowConfiguration.methods[configuration.method]!,
        tolerances: Self.tolerances(state.layout, configuration.tolerance), state: state.values,
        minimumStep: smallestStep)
    } catch {
      throw .checkpoint("the flow cannot start: \(error.description)")
    }
    // An event is a crossing; what holds at the start crosses nothing.
    let start = observation
    for name in Self.levels(start, silentLoss).filter({ $0.level >= 0 }).map(\.name) {
      note(name, time: 0)
    }
  }

  /// The time of the flow.
  public var time: Double { integrator.time }

  package var state: FlowState { state(integrator.state) }

  /// What the training data look like to the network at this time.
  public var observation: FlowObservation {
    integrator.withState { system.observe(time: time, state: $0) }
  }

  /// Accepted and rejected steps, and evaluations of the gradient.
  package var statistics: StepStatistics { integrator.statistics }

  /// The times that the last step went through; ``state(at:)`` knows the states in between.
  public var lastStep: ClosedRange<Double> { integrator.lastStep }

  /// The state at a time within ``lastStep``.
  package func state(at time: Double) -> FlowState { state(integrator.interpolate(at: time)) }

  /// What the training data look like to the network at a time within ``lastStep``.
  public func observation(at time: Double) -> FlowObservation {
    integrator.interpolate(at: time).withUnsafeBufferPointer {
      system.observe(time: time, state: $0)
    }
  }

  private func state(_ values: [Double]) -> FlowState {
    var state = initialState
    state.values = values
    return state
  }

  /// One accepted step, or the part of it up to the end.
  /// - Returns: how the integration ended, nil while it goes on.
  @discardableResult
  public func advance() -> FlowEnding? {
    if let ending { return ending }
    let solution = integrator.integrate(
      to: configuration.endTime, events: openEvents, maximumSteps: 1)
    for occurrence in solution.occurrences { note(occurrence.name, time: occurrence.time) }
    switch solution.ending {
    case .reached: ending = .endTime
    case .event: ending = .stopLoss
    case .stepUnderflow: ending = .stepUnderflow
    case .nonFinite: ending = .nonFinite
    case .tooManySteps, .stopped:
      if statistics.accepted >= configuration.maximumSteps { ending = .tooManySteps }
    }
    return ending
  }

  /// How far rounding in the products disturbs the next step: the largest change of a direction's velocity
  /// from the present products to ones in `Double`, times the step, in units of the tolerance. Below 1 the
  /// products are exact enough; 0 where they are made in `Double`.
  public var roundingShare: Double {
    integrator.withState { state in
      system.roundingError(time: time, state: state) * integrator.stepSize
        / configuration.tolerance
    }
  }

  /// Whether the loss still is that of a network with output 0: the signature of a degree too large,
  /// or of too little time.
  public var isStalled: Bool { abs(observation.loss / silentLoss - 1) < 0.01 }

  // MARK: - Phases

  private static let stopLossEvent = "stop loss"
  private static let fittingEvent = "fitting"

  /// Numbers that become positive when a phase ends, under the names of their events.
  private static func levels(_ seen: FlowObservation, _ silentLoss: Double)
    -> [(name: String, level: Double)]
  {
    [
      (
        FlowPhases.AlignmentEnd.directions.rawValue,
        FlowPhases.settledTurning - seen.largestTurning
      ),
      (FlowPhases.AlignmentEnd.outputs.rawValue, seen.largestOutput - FlowPhases.alignedOutput),
      (fittingEvent, FlowPhases.fittedLoss * silentLoss - seen.loss),
    ]
  }

  private func note(_ event: String, time: Double) {
    if let end = FlowPhases.AlignmentEnd(rawValue: event), phases.alignmentTime == nil {
      phases.alignmentTime = time
      phases.alignmentEnd = end
    } else if event == Self.fittingEvent, phases.fittingTime == nil {
      phases.fittingTime = time
    }
  }

  /// The events that have not happened yet.
  private var openEvents: [Event] {
    nonisolated(unsafe) let system = system
    let silentLoss = silentLoss
    let names = Self.levels(FlowObservation(), silentLoss).map(\.name)
    var events = names.indices
      .filter { names[$0] == Self.fittingEvent ? phases.fittingTime == nil : !isAligned }
      .map { index in
        Event(name: names[index], direction: .rising) { time, state in
          Self.levels(system.observe(time: time, state: state), silentLoss)[index].level
        }
      }
    if let stop = configuration.stopLoss {
      events.append(
        Event(name: Self.stopLossEvent, direction: .rising, isTerminal: true) { time, state in
          stop * silentLoss - system.observe(time: time, state: state).loss
        })
    }
    return events
  }

  private var isAligned: Bool { phases.alignmentTime != nil }

  // MARK: - Checkpoints

  /// The whole state of the run besides what it was started with.
  package struct Checkpoint: Sendable, Equatable, Codable {
    package var integrator: IntegratorState
    /// The phases that have ended.
    package let phases: FlowPhases
    /// How the integration ended, if it did.
    package let ending: FlowEnding?
  }

  /// The state to resume from.
  package var checkpoint: Checkpoint {
    Checkpoint(integrator: integrator.checkpoint, phases: phases, ending: ending)
  }

  /// Continues from a checkpoint of a flow with the same start.
  /// - Throws: ``TrainingError/checkpoint(_:)`` when it has another size.
  package func resume(from checkpoint: Checkpoint) throws(TrainingError) {
    guard checkpoint.integrator.state.count == initialState.layout.count else {
      throw .checkpoint("the checkpoint holds another network than this run")
    }
    try check(checkpoint)
    do {
      integrator = try Integrator(
        system, method: FlowConfiguration.methods[configuration.method]!,
        tolerances: Self.tolerances(initialState.layout, configuration.tolerance),
        resuming: checkpoint.integrator, minimumStep: smallestStep)
    } catch { throw .checkpoint("the checkpoint cannot be continued: \(error)") }
    phases = checkpoint.phases
    ending = checkpoint.ending
  }

  /// Numbers that no flow reaches would end in traps, or in a network of infinities.
  private func check(_ checkpoint: Checkpoint) throws(TrainingError) {
    let stored = checkpoint.integrator
    guard stored.state.allSatisfy(\.isFinite), stored.derivative.allSatisfy(\.isFinite) else {
      throw .checkpoint("the checkpoint holds numbers that are not finite")
    }
    let (layout, counts) = (initialState.layout, stored.statistics)
    let largestCount = 1 << 53
    guard stored.time >= 0, stored.time <= configuration.endTime,
      [counts.accepted, counts.rejected, counts.forced, counts.evaluations].allSatisfy({
        (0...largestCount).contains($0)
      }), stored.state[layout.logNorms].allSatisfy({ $0.magnitude <= Self.largestLogNorm }),
      (0..<layout.hiddenWidth).allSatisfy({ j in
        let u = stored.state[j * layout.neuronDimension..<(j + 1) * layout.neuronDimension]
        return (0.25...4).contains(u.reduce(0) { $0 + $1 * $1 })
      })
    else { throw .checkpoint("the checkpoint holds a state that no flow can have") }
  }

  /// Weights of e^700 are beyond those that a network in `Double` can hold.
  private static let largestLogNorm = 700.0

  // MARK: - Setting up

  /// The mean of ||x||^2 over the samples as the hidden layer sees them.
  private static func meanSquare(_ inputs: PreparedInputs<Double>) -> Double {
    let square = inputs.rows.elements.reduce(0) { $0 + $1 * $1 }
    return square / Double(inputs.rows.rows)
  }

  /// The directions as lengths, neuron by neuron; everything else number by number.
  private static func tolerances(_ layout: FlowLayout, _ tolerance: Double) -> [ToleranceGroup] {
    let dimension = layout.neuronDimension
    // The root mean square over the coordinates of a unit vector is 1/sqrt(dimension) of its length.
    let share = tolerance / Double(dimension).squareRoot()
    var groups = (0..<layout.hiddenWidth).map {
      ToleranceGroup(
        range: $0 * dimension..<($0 + 1) * dimension, relative: 0, absolute: share)
    }
    for j in layout.ratios {
      groups.append(ToleranceGroup(range: j..<j + 1, relative: tolerance, absolute: tolerance))
    }
    // log ||w|| may be -184, and its error is the relative error of ||w||.
    for j in layout.logNorms {
      groups.append(ToleranceGroup(range: j..<j + 1, relative: 0, absolute: tolerance))
    }
    for j in layout.bias {
      groups.append(ToleranceGroup(range: j..<j + 1, relative: tolerance, absolute: tolerance))
    }
    return groups
  }
}
