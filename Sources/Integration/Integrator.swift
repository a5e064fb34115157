/// Integrates a ``DifferentialSystem`` forward in time by an explicit Runge-Kutta method, one step after
/// another.
///
/// An integrator has reference semantics; ``checkpoint`` is its value. Its results do not depend on the
/// number of threads. It is made for states of any length up to millions of components: it holds as many
/// copies of the state as the method has stages, and four more.
package final class Integrator<System: DifferentialSystem> {
  package let system: System
  /// The method of the steps.
  package let method: RungeKuttaMethod
  package internal(set) var time: Double
  /// The step that will be tried next, unless the caller's limit is nearer.
  package internal(set) var stepSize: Double
  /// What was counted since the integrator, or the one it was resumed from, was made.
  package internal(set) var statistics: StepStatistics
  /// The times that ``interpolate(at:into:)`` knows: those of the last step, or the current time alone
  /// before the first step and after a step that failed.
  package internal(set) var lastStep: ClosedRange<Double>

  let buffers: StepBuffers
  /// The start and the length of the step that the stages belong to, also where it was cut short.
  var stagesStart: Double
  var stagesLength: Double = 0
  /// Nil where steps are fixed.
  var control: AdaptiveControl?

  /// What chooses the steps.
  struct AdaptiveControl {
    let norm: ErrorNorm
    let minimumStep: Double
    let maximumStep: Double
    var controller: StepController
  }

  /// An integrator that chooses its steps by the tolerances.
  ///
  /// - Parameters:
  ///   - method: one with an embedded method.
  ///   - tolerances: groups that cover every component of the state exactly once, in any order.
  ///   - state: y at `time`.
  ///   - initialStep: the first step to try; by default chosen as by Hairer, Norsett and Wanner, *Solving
  ///     Ordinary Differential Equations I*, section II.4, with one evaluation of the derivative.
  ///   - minimumStep: a step of this length is accepted whatever its error, as long as that is finite, and
  ///     counted as ``StepStatistics/forced``. For derivatives with jumps, along which a solution may slide:
  ///     no tolerance is met there by any step that gets on.
  ///   - maximumStep: no step is longer.
  package init(
    _ system: System, method: RungeKuttaMethod = .dormandPrince54, tolerances: [ToleranceGroup],
    time: Double = 0, state: [Double], initialStep: Double? = nil, minimumStep: Double = 0,
    maximumStep: Double = .infinity
  ) throws(IntegrationError) {
    let control = try Self.control(
      method, tolerances, count: state.count, steps: (minimumStep, maximumStep))
    if let initialStep { try Self.checkStep(initialStep, "the initial step") }
    try Self.check(system, time: time, state: state)
    self.system = system
    self.method = method
    self.time = time
    self.control = control
    buffers = Self.buffers(method, state: state, sums: control.norm.sumCount)
    stepSize = initialStep ?? 0
    statistics = StepStatistics()
    lastStep = time...time
    stagesStart = time
    evaluate(time, buffers.state, into: buffers.derivative)
    if initialStep == nil { stepSize = automaticStep(control.norm) }
    stepSize = max(minimumStep, min(stepSize, maximumStep))
  }

  /// An integrator with steps of one length, of which only the one that meets the caller's limit may be
  /// shorter.
  package init(
    _ system: System, method: RungeKuttaMethod, fixedStep: Double, time: Double = 0,
    state: [Double]
  ) throws(IntegrationError) {
    try Self.checkStep(fixedStep, "the fixed step")
    try Self.check(system, time: time, state: state)
    self.system = system
    self.method = method
    self.time = time
    buffers = Self.buffers(method, state: state, sums: 0)
    stepSize = fixedStep
    statistics = StepStatistics()
    lastStep = time...time
    stagesStart = time
    evaluate(time, buffers.state, into: buffers.derivative)
  }

  /// An integrator that continues from a ``checkpoint``, with the same bytes as the one it was taken from
  /// if system, method and tolerances are the same. Nothing is evaluated.
  ///
  /// - Parameter tolerances: nil where the step was fixed, and remains what it was.
  package init(
    _ system: System, method: RungeKuttaMethod = .dormandPrince54, tolerances: [ToleranceGroup]?,
    resuming stored: IntegratorState, minimumStep: Double = 0, maximumStep: Double = .infinity
  ) throws(IntegrationError) {
    guard stored.method == method.name else {
      throw .methodMismatch(stored: stored.method, found: method.name)
    }
    try Self.checkStep(stored.stepSize, "the stored step")
    try Self.check(system, time: stored.time, state: stored.state)
    guard stored.derivative.count == stored.state.count else {
      throw .stateLength(found: stored.derivative.count, expected: stored.state.count)
    }
    if let tolerances {
      control = try Self.control(
        method, tolerances, count: stored.state.count, steps: (minimumStep, maximumStep),
        previousError: stored.previousError)
    }
    self.system = system
    self.method = method
    time = stored.time
    buffers = Self.buffers(method, state: stored.state, sums: control?.norm.sumCount ?? 0)
    stepSize = min(stored.stepSize, tolerances == nil ? .infinity : maximumStep)
    statistics = stored.statistics
    lastStep = stored.time...stored.time
    stagesStart = stored.time
    buffers.derivative.update(from: stored.derivative, count: stored.state.count)
  }

  /// The state at the current time.
  package var state: [Double] {
    Array(UnsafeBufferPointer(start: buffers.state, count: buffers.count))
  }

  /// The derivative at the current time.
  package var derivative: [Double] {
    Array(UnsafeBufferPointer(start: buffers.derivative, count: buffers.count))
  }

  /// Calls `body` with the state at the current time, without copying it.
  package func withState<Result, Failure: Error>(
    _ body: (UnsafeBufferPointer<Double>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeBufferPointer(start: buffers.state, count: buffers.count))
  }

  /// Everything needed to continue from here with the same bytes.
  package var checkpoint: IntegratorState {
    IntegratorState(
      method: method.name, time: time, state: state, derivative: derivative, stepSize: stepSize,
      previousError: control?.controller.previousError ?? StepController.smallestMemory,
      statistics: statistics)
  }

  func evaluate(
    _ time: Double, _ state: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>
  ) {
    system.derivative(time: time, state: state, into: derivative)
    statistics.evaluations += 1
  }

  private static func buffers(
    _ method: RungeKuttaMethod, state: [Double], sums: Int
  ) -> StepBuffers {
    StepBuffers(
      state: state, stageCount: method.interpolant.coefficients.count, sumCount: sums)
  }
}
