import Foundation
import Integration
import Testing

/// Orders of convergence, measured.
struct ConvergenceTests {
  /// Step sizes, as powers of 1/2, whose errors lie between 1e-2 and 1e-14: small enough for the leading
  /// term, large enough for rounding not to matter.
  private static func exponents(_ order: Int) -> ClosedRange<Int> {
    switch order {
    case 1: 7...11
    case 2: 5...9
    case 3: 4...8
    case 4: 4...7
    default: 4...6
    }
  }

  /// The global error, largest at any step, falls like h^order.
  @Test(arguments: RungeKuttaMethod.all, SolvedProblem.all)
  func order(_ method: RungeKuttaMethod, _ problem: SolvedProblem) throws {
    let points = try Self.exponents(method.order).map { exponent in
      let step = problem.timeScale * exp2(-Double(exponent))
      let integrator = try Integrator(
        problem, method: method, fixedStep: step, state: problem.start)
      var worst = 0.0
      let solution = integrator.integrate(to: problem.span.upperBound) { integrator in
        worst = max(worst, problem.error(integrator.state, at: integrator.time))
        return true
      }
      #expect(solution.ending == .reached)
      return (x: log(step), y: log(worst))
    }
    let measured = slope(points)
    #expect(abs(measured - Double(method.order)) < 0.2, "measured order \(measured)")
  }

  /// One step from the exact solution: the interpolant of order q is wrong by h^(q + 1).
  @Test(arguments: RungeKuttaMethod.all, SolvedProblem.all)
  func orderOfTheInterpolant(_ method: RungeKuttaMethod, _ problem: SolvedProblem) throws {
    let start = 0.7
    let points = try (4...7).map { exponent in
      let step = exp2(-Double(exponent))
      let integrator = try Integrator(
        problem, method: method, fixedStep: step, time: start, state: problem.solution(start))
      #expect(integrator.step(notBeyond: .infinity) == .accepted)
      let worst = (1...9).map { tenth in
        let time = start + step * Double(tenth) / 10
        return problem.error(integrator.interpolate(at: time), at: time)
      }.max()!
      return (x: log(step), y: log(worst))
    }
    let measured = slope(points)
    #expect(
      abs(measured - Double(method.interpolant.order + 1)) < 0.2,
      "measured order of the step \(measured)")
  }

  /// The global error is proportional to the tolerance: a slope of 1 in logarithms, within 0.2 over six
  /// decades. What is left are steps too long for the leading term, and estimates that pass through zero.
  @Test(
    arguments: [
      RungeKuttaMethod.bogackiShampine32, .dormandPrince54, .tsitouras54,
    ], SolvedProblem.all)
  func errorIsProportionalToTheTolerance(_ method: RungeKuttaMethod, _ problem: SolvedProblem)
    throws
  {
    let points = try (0...12).map { index in
      let tolerance = pow(10, -4 - Double(index) / 2)
      let integrator = try problem.integrator(method, tolerance: tolerance)
      var worst = 0.0
      let solution = integrator.integrate(to: problem.span.upperBound) { integrator in
        worst = max(worst, problem.error(integrator.state, at: integrator.time))
        return true
      }
      #expect(solution.ending == .reached)
      return (x: log(tolerance), y: log(worst))
    }
    let measured = slope(points)
    #expect(abs(measured - 1) < 0.2, "measured slope \(measured)")
  }
}
