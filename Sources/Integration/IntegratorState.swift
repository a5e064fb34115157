/// What an integrator has counted since it began.
package struct StepStatistics: Sendable, Codable, Equatable {
  /// The steps taken.
  package var accepted = 0
  /// The steps tried and found too long.
  package var rejected = 0
  /// The steps taken at the minimum length although their error was above the tolerance.
  package var forced = 0
  /// The evaluations of the derivative.
  package var evaluations = 0

  package init() {}
}

/// Everything an integrator needs to continue with the same bytes, between two steps.
package struct IntegratorState: Sendable, Codable, Equatable {
  /// The name of the method.
  package var method: String
  /// The time of the state.
  package var time: Double
  /// The state, one number a component.
  package var state: [Double]
  /// The derivative there.
  package var derivative: [Double]
  /// The step that will be tried next.
  package var stepSize: Double
  /// The memory of the step control: the error of the last step, 1 being the tolerance.
  package var previousError: Double
  /// What was counted so far.
  package var statistics: StepStatistics

  /// A state with the given parts; see ``Integrator/checkpoint`` for one that is right.
  package init(
    method: String, time: Double, state: [Double], derivative: [Double], stepSize: Double,
    previousError: Double, statistics: StepStatistics
  ) {
    self.method = method
    self.time = time
    self.state = state
    self.derivative = derivative
    self.stepSize = stepSize
    self.previousError = previousError
    self.statistics = statistics
  }
}

/// How one step ended.
package enum StepResult: Sendable, Equatable {
  /// The state has moved on.
  case accepted
  /// The tolerance asks for a step too short for the numbers to tell the times apart. The state is where
  /// it was.
  case stepUnderflow
  /// However short the step, the derivative is not a finite number. The state is where it was.
  case nonFinite
}
