import Integration
import Testing

/// y' = -1 above 0 and 1 below: from 1 the solution reaches 0 at time 1 and slides along it for ever.
private struct Sliding: DifferentialSystem {
  var dimension: Int { 1 }

  func derivative(
    time: Double, state: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>
  ) {
    derivative[0] = state[0] > 0 ? -1 : 1
  }
}

@Suite("A smallest step where the derivative jumps") struct MinimumStepTests {
  private func integrator(minimumStep: Double) throws -> Integrator<Sliding> {
    try Integrator(
      Sliding(), tolerances: [ToleranceGroup(range: 0..<1, relative: 0, absolute: 1e-9)],
      state: [1], minimumStep: minimumStep)
  }

  @Test("The solution slides, within a step of the jump", arguments: [1e-2, 1e-3])
  func slides(step: Double) throws {
    let integrator = try integrator(minimumStep: step)
    let solution = integrator.integrate(to: 3, maximumSteps: 10_000)
    #expect(solution.ending == .reached)
    // Velocities are at most 1, so a step leads at most its length away from 0.
    #expect(abs(solution.state[0]) <= step)
    let statistics = solution.statistics
    #expect(statistics.forced > 0 && statistics.forced <= statistics.accepted)
    // Of the two units of time spent sliding every step has at least this length.
    #expect(Double(statistics.accepted) <= 3 / step + 100)
  }

  @Test("Without one the steps shrink and get nowhere")
  func withoutItStepsShrink() throws {
    let integrator = try integrator(minimumStep: 0)
    let solution = integrator.integrate(to: 3, maximumSteps: 10_000)
    #expect(solution.ending != .reached && solution.time < 1.1)
    #expect(solution.statistics.forced == 0)
  }

  @Test("A smallest step beyond the largest, or below 0, is refused")
  func refusals() {
    for (minimum, maximum) in [(-1.0, 1.0), (2, 1)] {
      #expect(throws: IntegrationError.self) {
        try Integrator(
          Sliding(), tolerances: [ToleranceGroup(range: 0..<1, relative: 0, absolute: 1e-9)],
          state: [1], minimumStep: minimum, maximumStep: maximum)
      }
    }
  }
}
