import Foundation
import Testing

@testable import Integration

/// How integrations end, and what is refused before they begin.
struct EndingTests {
  /// A right-hand side of one component, given as a function.
  struct Scalar: DifferentialSystem {
    var dimension = 1
    let slope: (Double, Double) -> Double

    func derivative(
      time: Double, state: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>
    ) {
      for i in 0..<dimension { derivative[i] = slope(time, state[i]) }
    }
  }

  static let tolerances = [ToleranceGroup(range: 0..<1, relative: 1e-8, absolute: 1e-8)]
  private static let embedded = RungeKuttaMethod.all.filter { $0.embedded != nil }

  /// y' = y^2 from 1 is infinite at t = 1. How near an integration comes: the state is 1 / (1 - t) up to
  /// its relative error, and steps shrink with 1 - t.
  @Test(arguments: [RungeKuttaMethod.bogackiShampine32, .dormandPrince54, .tsitouras54])
  func blowUp(_ method: RungeKuttaMethod) throws {
    let integrator = try Integrator(
      Scalar { $1 * $1 }, method: method, tolerances: Self.tolerances, state: [1])
    let solution = integrator.integrate(to: 2)
    #expect(solution.ending == .stepUnderflow || solution.ending == .nonFinite)
    #expect(abs(solution.time - 1) < 1e-6)
    #expect(solution.state[0] > 1e6 && solution.state[0].isFinite)
    #expect(solution.state == integrator.state && solution.time == integrator.time)
  }

  @Test(arguments: RungeKuttaMethod.all) func aDerivativeThatIsNotANumber(
    _ method: RungeKuttaMethod
  ) throws {
    let fixed = try Integrator(Scalar { _, _ in .nan }, method: method, fixedStep: 0.1, state: [1])
    #expect(fixed.integrate(to: 1).ending == .nonFinite)
    #expect(fixed.state == [1] && fixed.time == 0)
    if method.embedded == nil { return }
    let integrator = try Integrator(
      Scalar { _, _ in .nan }, method: method, tolerances: Self.tolerances, state: [1])
    #expect(integrator.integrate(to: 1).ending == .nonFinite)
    #expect(integrator.state == [1] && integrator.time == 0)
    #expect(integrator.statistics.accepted == 0)
  }

  /// The derivative is NaN beyond y = 1, which
  /// the solution of y' = 2 - y from 0 reaches at t = log 2.
  @Test(arguments: embedded) func theDerivativeEnds(_ method: RungeKuttaMethod) throws {
    let integrator = try Integrator(
      Scalar { $1 <= 1 ? 2 - $1 : .nan }, method: method, tolerances: Self.tolerances, state: [0])
    let solution = integrator.integrate(to: 2)
    #expect(solution.ending == .nonFinite)
    #expect(abs(solution.time - log(2)) < 1e-6)
    #expect(solution.state[0] <= 1)
  }

  /// Time that runs beside a huge number has no steps of the size the tolerance asks for.
  @Test func stepsTooShortForTheClock() throws {
    let integrator = try Integrator(
      Scalar { time, _ in 1e10 * sin(1e10 * time) }, tolerances: Self.tolerances, time: 1e6,
      state: [0], initialStep: 1)
    #expect(integrator.integrate(to: 2e6).ending == .stepUnderflow)
    #expect(integrator.time < 1.1e6)
    let fixed = try Integrator(
      Scalar { _, _ in 1 }, method: .euler, fixedStep: 1e-12, time: 1e6, state: [0])
    #expect(fixed.step(notBeyond: 2e6) == .stepUnderflow)
  }

  @Test func tooManySteps() throws {
    let problem = SolvedProblem.dampedOscillator
    let integrator = try problem.integrator(tolerance: 1e-8)
    let solution = integrator.integrate(to: 8, maximumSteps: 5)
    #expect(solution.ending == .tooManySteps && solution.statistics.accepted == 5)
    #expect(problem.error(solution.state, at: solution.time) < 1e-6)
    // And goes on as if nothing had been.
    let whole = try problem.integrator(tolerance: 1e-8)
    _ = whole.integrate(to: 8)
    #expect(integrator.integrate(to: 8).ending == .reached)
    #expect(integrator.checkpoint == whole.checkpoint)
    #expect(integrator.integrate(to: 8, maximumSteps: 0).ending == .reached)
  }

  @Test func stopped() throws {
    let integrator = try SolvedProblem.logistic.integrator(tolerance: 1e-6)
    let solution = integrator.integrate(to: 6) { $0.statistics.accepted < 3 }
    #expect(solution.ending == .stopped && solution.statistics.accepted == 3)
  }

  @Test func anErrorOfTheCallerPassesThrough() throws {
    struct Full: Error {}
    let integrator = try SolvedProblem.logistic.integrator(tolerance: 1e-6)
    #expect(throws: Full.self) {
      _ = try integrator.integrate(to: 6) { _ throws(Full) in throw Full() }
    }
  }

  @Test func settingsAreRefused() {
    func expect(
      _ error: IntegrationError, method: RungeKuttaMethod = .dormandPrince54,
      relative: Double = 1e-6, absolute: Double = 1e-6, groups: [Range<Int>] = [0..<1, 1..<4],
      time: Double = 0, state: [Double] = [1, 2, 3, 4], initialStep: Double? = nil,
      maximumStep: Double = .infinity
    ) {
      #expect(throws: error) {
        try Integrator(
          Scalar(dimension: 4) { $1 }, method: method,
          tolerances: groups.map {
            ToleranceGroup(range: $0, relative: relative, absolute: absolute)
          }, time: time, state: state, initialStep: initialStep, maximumStep: maximumStep)
      }
    }
    expect(.noErrorEstimate(method: "euler"), method: .euler)
    expect(.noErrorEstimate(method: "runge-kutta-4"), method: .rungeKutta4)
    expect(.stateLength(found: 0, expected: 4), groups: [], state: [])
    expect(.stateLength(found: 3, expected: 4), groups: [0..<3], state: [1, 2, 3])
    expect(.stateNotFinite(component: 2), state: [1, 2, .nan, 4])
    expect(
      .invalid(field: "the absolute tolerance", found: "0.0", expected: "a positive number"),
      absolute: 0)
    expect(
      .invalid(
        field: "the relative tolerance", found: "-1.0", expected: "a number that is not negative"),
      relative: -1)
    expect(
      .toleranceGroups(component: 1, problem: "have none for"), groups: [0..<1, 2..<4])
    expect(.toleranceGroups(component: 3, problem: "have none for"), groups: [0..<3])
    expect(
      .toleranceGroups(component: 2, problem: "have more than one for"), groups: [2..<4, 0..<3])
    expect(
      .toleranceGroups(component: 4, problem: "go beyond the state, which has no"), groups: [0..<5])
    expect(
      .invalid(field: "the range of a tolerance group", found: "1..<1", expected: "components"),
      groups: [0..<1, 1..<1, 1..<4])
    expect(
      .invalid(field: "the initial time", found: "inf", expected: "a finite number"),
      time: .infinity)
    expect(
      .invalid(field: "the initial step", found: "0.0", expected: "a positive number"),
      initialStep: 0)
    expect(
      .invalid(field: "the maximum step", found: "-1.0", expected: "a positive number"),
      maximumStep: -1)
    #expect(throws: IntegrationError.self) {
      try Integrator(Scalar { $1 }, method: .heun, fixedStep: .nan, state: [1])
    }
  }

  @Test func errorsAreOneLine() {
    let errors: [IntegrationError] = [
      .tableau(method: "m", problem: "p"), .invalid(field: "f", found: "1", expected: "2"),
      .stateLength(found: 0, expected: 1), .stateLength(found: 2, expected: 1),
      .stateNotFinite(component: 1), .noErrorEstimate(method: "m"),
      .toleranceGroups(component: 3, problem: "have none for"),
      .methodMismatch(stored: "a", found: "b"),
    ]
    #expect(
      errors.map(\.description) == [
        "the tableau of m is wrong: p", "f is 1, expected 2", "the state has no components",
        "the state has 2 components, expected 1, the dimension of the system",
        "component 1 of the initial state is not a finite number",
        "m does not estimate its error: give a fixed step, or take an embedded method",
        "the tolerance groups have none for component 3",
        "the stored state belongs to the method a, not to b",
      ])
  }
}
