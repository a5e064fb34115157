import Foundation
import Testing

@testable import Integration

/// Steps, their control and their continuation.
struct StepTests {
  private static let embedded = RungeKuttaMethod.all.filter { $0.embedded != nil }

  /// Counts its evaluations and notes when they were.
  private final class Counter: DifferentialSystem {
    let problem: SolvedProblem
    var count = 0
    var dimension: Int { problem.dimension }

    init(_ problem: SolvedProblem) { self.problem = problem }

    func derivative(
      time: Double, state: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>
    ) {
      count += 1
      problem.derivative(time: time, state: state, into: derivative)
    }
  }

  /// One evaluation at the start and one for the automatic step; then as many a step as the method has
  /// stages, less the first, which is known, plus the derivative at the end where it is no stage.
  @Test(arguments: RungeKuttaMethod.all) func evaluationsAreCounted(_ method: RungeKuttaMethod)
    throws
  {
    let counter = Counter(.bell)
    let perTry = method.stageCount - 1
    let perStep = method.isFirstSameAsLast ? perTry : perTry + 1
    let fixed = try Integrator(counter, method: method, fixedStep: 0.25, state: [1])
    #expect(fixed.statistics.evaluations == 1)
    let count = fixed.integrate(to: 4).statistics
    #expect(count.accepted == 16 && count.rejected == 0)
    #expect(count.evaluations == 1 + 16 * perStep && counter.count == count.evaluations)
    if method.embedded == nil { return }
    // The first step is far too long, so some are rejected.
    counter.count = 0
    let tolerances = [ToleranceGroup(range: 0..<1, relative: 1e-6, absolute: 1e-6)]
    let forced = try Integrator(
      counter, method: method, tolerances: tolerances, state: [1], initialStep: 3)
    let found = forced.integrate(to: 4).statistics
    #expect(found.rejected > 0 && counter.count == found.evaluations)
    #expect(found.evaluations == 1 + found.accepted * perStep + found.rejected * perTry)
    counter.count = 0
    let automatic = try Integrator(
      counter, method: method, tolerances: tolerances, state: [1])
    #expect(counter.count == 2 && automatic.statistics.evaluations == 2)
  }

  /// Limits are met exactly, steps shortened by them do not shorten those that follow, and the state
  /// stays within the tolerance.
  @Test(arguments: embedded) func limitsAreMet(_ method: RungeKuttaMethod) throws {
    let problem = SolvedProblem.dampedOscillator
    let integrator = try problem.integrator(method, tolerance: 1e-7)
    let free = try problem.integrator(method, tolerance: 1e-7)
    for index in 1...8 {
      let solution = integrator.integrate(to: Double(index))
      #expect(solution.ending == .reached && integrator.time == Double(index))
      #expect(problem.error(integrator.state, at: integrator.time) < 1e-4)
    }
    _ = free.integrate(to: 8)
    // At most one step more between two limits.
    #expect(integrator.statistics.accepted <= free.statistics.accepted + 8)
  }

  @Test func stepsAreNotLongerThanAllowed() throws {
    let problem = SolvedProblem.logistic
    let integrator = try Integrator(
      problem, tolerances: [ToleranceGroup(range: 0..<1, relative: 1e-3, absolute: 1e-3)],
      state: problem.start, initialStep: 3, maximumStep: 0.125)
    let solution = integrator.integrate(to: 6) { integrator in
      let step = integrator.lastStep
      #expect(step.upperBound - step.lowerBound <= 0.125 * (1 + 1e-9))
      return true
    }
    #expect(solution.ending == .reached && solution.statistics.accepted == 48)
  }

  /// y' = -y: the first step after Hairer, Norsett and Wanner has an error below its tolerance, and is
  /// not needlessly short.
  @Test(arguments: embedded, [1e-3, 1e-6, 1e-10])
  func theFirstStepFits(_ method: RungeKuttaMethod, tolerance: Double) throws {
    let integrator = try SolvedProblem.dampedOscillator.integrator(method, tolerance: tolerance)
    let first = integrator.stepSize
    #expect(integrator.step(notBeyond: 8) == .accepted)
    #expect(integrator.statistics.rejected == 0)
    #expect(integrator.stepSize > first)
    // (0.01 / derivative)^(1/k) misses the step of error 1 by the error constant alone, which lies between
    // 1/2 and 1e-4: a factor below 1e6^(1/k).
    let k = Double(try #require(method.embedded).order + 1)
    #expect(integrator.stepSize < first * 10)
    #expect(first > pow(0.01 * tolerance, 1 / k) * 0.1)
  }

  /// After a rejection the step does not grow, whatever its error; otherwise at most tenfold.
  @Test func factorsStayWithinTheirBounds() {
    let controller = StepController(embeddedOrder: 4, previousError: 0.5)
    for exponent in stride(from: -20.0, through: 0, by: 0.25) {
      let error = pow(10, exponent)
      let free = controller.factor(accepted: error, afterRejection: false)
      #expect(free <= 10 && free >= 0.2)
      #expect(controller.factor(accepted: error, afterRejection: true) == min(free, 1))
    }
    #expect(controller.factor(accepted: 0, afterRejection: false) == 10)
    #expect(controller.factor(accepted: 0, afterRejection: true) == 1)
    // DOPRI5: h 0.9 e^(-0.17) e_old^0.04.
    let expected = 0.9 * pow(0.3, -0.17) * pow(0.5, 0.04)
    let found = controller.factor(accepted: 0.3, afterRejection: false)
    #expect(abs(found - expected) <= 4 * expected.ulp)
    #expect(controller.factor(rejected: 1e30) == 0.2)
    #expect(controller.factor(rejected: 1) < 1)
  }

  /// Two oscillators of different frequency: the group with the fine tolerance decides the steps, and
  /// loosening the other changes nothing.
  @Test func groupsActApart() throws {
    struct Pair: DifferentialSystem {
      let dimension = 4
      func derivative(
        time: Double, state: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>
      ) {
        (derivative[0], derivative[1]) = (state[1], -state[0])
        (derivative[2], derivative[3]) = (20 * state[3], -20 * state[2])
      }
    }
    func run(_ slow: Double, _ fast: Double) throws -> Solution {
      try Integrator(
        Pair(),
        tolerances: [
          ToleranceGroup(range: 2..<4, relative: 0, absolute: fast),
          ToleranceGroup(range: 0..<2, relative: 0, absolute: slow),
        ], state: [0, 1, 0, 1], initialStep: 1e-3
      ).integrate(to: 5)
    }
    // Only the fast one limits, until its tolerance is too large to see it.
    let both = try run(1e-6, 1e-6)
    #expect(try run(1e-3, 1e-6) == both)
    #expect(abs(both.state[2] - sin(100)) < 1e-3)
    // An error of a step grows like (20 h)^5: ignoring the fast one, steps are as for the slow one alone,
    // up to what stability allows.
    let loose = try run(1e-6, 1e6)
    #expect(loose.statistics.accepted < both.statistics.accepted / 4)
    #expect(abs(loose.state[0] - sin(5)) < 1e-4)
  }

  /// Stored between two steps, at some twenty places, and continued: the same bytes to the end.
  @Test(arguments: embedded) func resumedBytes(_ method: RungeKuttaMethod) throws {
    let problem = SolvedProblem.dampedOscillator
    let tolerances = [ToleranceGroup(range: 0..<2, relative: 1e-5, absolute: 1e-5)]
    let event = Event(name: "zero") { $1[0] }
    var stored: [Data] = []
    let whole = try problem.integrator(method, tolerance: 1e-5, initialStep: 2)
    let solution = try whole.integrate(to: 8, events: [event]) { integrator in
      stored.append(try JSONEncoder().encode(integrator.checkpoint))
      return true
    }
    #expect(solution.statistics.rejected > 0 && solution.occurrences.count == 3)
    for place in stride(from: 0, to: stored.count, by: max(1, stored.count / 20)) {
      let state = try JSONDecoder().decode(IntegratorState.self, from: stored[place])
      let resumed = try Integrator(
        problem, method: method, tolerances: tolerances, resuming: state)
      #expect(resumed.lastStep == state.time...state.time)
      #expect(resumed.interpolate(at: state.time) == state.state)
      let rest = resumed.integrate(to: 8, events: [event])
      #expect(resumed.checkpoint == whole.checkpoint)
      #expect(rest.occurrences[...] == solution.occurrences.suffix(rest.occurrences.count))
      #expect(rest.occurrences.count == solution.occurrences.count { $0.time > state.time })
    }
  }

  @Test func resumedFixedSteps() throws {
    let problem = SolvedProblem.bell
    let whole = try Integrator(problem, method: .rungeKutta4, fixedStep: 0.1, state: [1])
    _ = whole.integrate(to: 4, maximumSteps: 7)
    let resumed = try Integrator(
      problem, method: .rungeKutta4, tolerances: nil, resuming: whole.checkpoint)
    #expect(whole.integrate(to: 4) == resumed.integrate(to: 4))
    #expect(throws: IntegrationError.methodMismatch(stored: "runge-kutta-4", found: "heun")) {
      try Integrator(problem, method: .heun, tolerances: nil, resuming: whole.checkpoint)
    }
    var broken = whole.checkpoint
    broken.derivative = []
    #expect(throws: IntegrationError.stateLength(found: 0, expected: 1)) {
      try Integrator(problem, method: .rungeKutta4, tolerances: nil, resuming: broken)
    }
  }

  /// A step ends in the state itself, byte for byte, and begins in the one before.
  @Test(arguments: RungeKuttaMethod.all) func interpolationMeetsBothEnds(
    _ method: RungeKuttaMethod
  ) throws {
    let problem = SolvedProblem.dampedOscillator
    let integrator = try Integrator(problem, method: method, fixedStep: 0.1, state: problem.start)
    var before = integrator.state
    for _ in 0..<5 {
      #expect(integrator.step(notBeyond: 1) == .accepted)
      #expect(integrator.interpolate(at: integrator.lastStep.lowerBound) == before)
      #expect(integrator.interpolate(at: integrator.lastStep.upperBound) == integrator.state)
      before = integrator.state
    }
  }
}
