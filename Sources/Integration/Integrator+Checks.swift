extension Integrator {
  static func check(_ system: System, time: Double, state: [Double]) throws(IntegrationError) {
    guard !state.isEmpty, state.count == system.dimension else {
      throw .stateLength(found: state.count, expected: system.dimension)
    }
    if let component = state.firstIndex(where: { !$0.isFinite }) {
      throw .stateNotFinite(component: component)
    }
    guard time.isFinite else {
      throw .invalid(field: "the initial time", found: "\(time)", expected: "a finite number")
    }
  }

  static func checkStep(_ step: Double, _ field: String) throws(IntegrationError) {
    guard step > 0, step.isFinite else {
      throw .invalid(field: field, found: "\(step)", expected: "a positive number")
    }
  }

  static func control(
    _ method: RungeKuttaMethod, _ tolerances: [ToleranceGroup], count: Int,
    steps: (minimum: Double, maximum: Double),
    previousError: Double = StepController.smallestMemory
  ) throws(IntegrationError) -> AdaptiveControl {
    guard let embedded = method.embedded else { throw .noErrorEstimate(method: method.name) }
    guard steps.maximum > 0 else {
      throw .invalid(
        field: "the maximum step", found: "\(steps.maximum)", expected: "a positive number")
    }
    guard steps.minimum >= 0, steps.minimum <= steps.maximum else {
      throw .invalid(
        field: "the minimum step", found: "\(steps.minimum)",
        expected: "a number from 0 to the maximum step")
    }
    guard previousError > 0, previousError.isFinite else {
      throw .invalid(
        field: "the stored error", found: "\(previousError)", expected: "a positive number")
    }
    return AdaptiveControl(
      norm: try ErrorNorm(tolerances, count: count), minimumStep: steps.minimum,
      maximumStep: steps.maximum,
      controller: StepController(embeddedOrder: embedded.order, previousError: previousError))
  }
}
