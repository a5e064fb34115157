import Foundation
import Testing

@testable import Integration

/// Events against the times at which the solution crosses.
struct EventTests {
  /// y'' = -y from y(t_0) = sin t_0: y = sin t.
  struct Sine: DifferentialSystem {
    let dimension = 2
    func derivative(
      time: Double, state: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>
    ) {
      derivative[0] = state[1]
      derivative[1] = -state[0]
    }
  }

  private func sine(
    from start: Double = 0, method: RungeKuttaMethod = .dormandPrince54, maximumStep: Double = 0.1,
    tolerance: Double = 1e-12
  ) throws -> Integrator<Sine> {
    try Integrator(
      Sine(), method: method,
      tolerances: [ToleranceGroup(range: 0..<2, relative: tolerance, absolute: tolerance)],
      time: start,
      state: [sin(start), cos(start)], maximumStep: maximumStep)
  }

  private func level(
    _ level: Double, _ direction: Event.Direction = .either, isTerminal: Bool = false,
    subdivisions: Int = 1
  ) -> Event {
    Event(
      name: "\(level)", direction: direction, isTerminal: isTerminal, subdivisions: subdivisions
    ) { $1[0] - level }
  }

  private func expectTimes(_ found: [Double], _ expected: [Double]) {
    #expect(found.count == expected.count, "\(found)")
    for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-9, "\(a) instead of \(b)") }
  }

  private static let up = asin(0.3)

  @Test(arguments: [RungeKuttaMethod.dormandPrince54, .tsitouras54])
  func crossingsAreFound(_ method: RungeKuttaMethod) throws {
    let end = 6 * Double.pi + 1
    let times = [0, 1, 2, 3].map { 2 * .pi * Double($0) + Self.up }
    let falls = [0, 1, 2].map { 2 * .pi * Double($0) + .pi - Self.up }
    let rising = try sine(method: method).integrate(to: end, events: [level(0.3, .rising)])
    #expect(rising.ending == .reached)
    expectTimes(rising.occurrences.map(\.time), times)
    let falling = try sine(method: method).integrate(to: end, events: [level(0.3, .falling)])
    expectTimes(falling.occurrences.map(\.time), falls)
    let either = try sine(method: method).integrate(to: end, events: [level(0.3)])
    expectTimes(either.occurrences.map(\.time), (times + falls).sorted())
  }

  /// The rest of the interpolants are of order 3: the error of the time follows from that of the method.
  @Test func crossingsAreFoundByOtherMethods() throws {
    let method = RungeKuttaMethod.bogackiShampine32
    let solution = try sine(method: method, tolerance: 1e-11)
      .integrate(to: 3, events: [level(0.3)])
    expectTimes(solution.occurrences.map(\.time), [Self.up, .pi - Self.up])
    let fixed = try Integrator(
      Sine(), method: .rungeKutta4, fixedStep: 1e-3, state: [0, 1])
    expectTimes(
      fixed.integrate(to: 3, events: [level(0.3)]).occurrences.map(\.time),
      [Self.up, .pi - Self.up])
  }

  /// A function of time alone, whose roots do not depend on the solution.
  @Test func timesAreExactToRounding() throws {
    let event = Event(name: "time") { time, _ in pow(time - 1.25, 3) }
    let solution = try sine().integrate(to: 2, events: [event])
    #expect(solution.occurrences.count == 1)
    #expect(abs(solution.occurrences[0].time - 1.25) <= 4 * 1.25.ulp)
  }

  /// sin is zero at the start, which is no event; it starts by rising, and falls at pi.
  @Test(arguments: [0.1, 1]) func aZeroAtTheStartIsNoEvent(maximumStep: Double) throws {
    for direction in Event.Direction.allCases {
      let solution = try sine(maximumStep: maximumStep).integrate(
        to: 4, events: [level(0, direction)])
      expectTimes(solution.occurrences.map(\.time), direction == .rising ? [] : [.pi])
    }
  }

  /// One fixed step over the crossing, from a zero.
  @Test func aZeroAtTheStartAndACrossingInTheFirstStep() throws {
    struct Constant: DifferentialSystem {
      let dimension = 1
      func derivative(
        time: Double, state: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>
      ) {
        derivative[0] = 1 - 2 * time
      }
    }
    // y = t - t^2, which the interpolant of order 3 holds exactly.
    let integrator = try Integrator(
      Constant(), method: .rungeKutta4, fixedStep: 2, state: [0])
    let solution = integrator.integrate(to: 2, events: [level(0, .falling), level(0, .rising)])
    expectTimes(solution.occurrences.map(\.time), [1])
    let never = try Integrator(Constant(), method: .rungeKutta4, fixedStep: 2, state: [0])
      .integrate(to: 2, events: [Event(name: "zero") { _, _ in 0 }])
    #expect(never.occurrences.isEmpty)
  }

  /// Fixed steps long enough to hold several crossings each.
  @Test func eventsOfOneStepAreOrdered() throws {
    let integrator = try Integrator(
      Sine(), method: .dormandPrince54, fixedStep: 0.5, time: 0, state: [0, 1])
    let levels = [0.4, 0.1, 0.3, 0.2, 0.1]
    let solution = integrator.integrate(to: 0.5, events: levels.map { level($0) })
    #expect(solution.statistics.accepted == 1)
    #expect(solution.occurrences.map(\.name) == ["0.1", "0.1", "0.2", "0.3", "0.4"])
    #expect(solution.occurrences.map(\.time) == solution.occurrences.map(\.time).sorted())
  }

  /// Up and down again within a step: seen with subdivisions only.
  @Test func subdivisionsSeeTwoCrossings() throws {
    let found = try [1, 4].map { subdivisions in
      let integrator = try Integrator(
        Sine(), method: .dormandPrince54, fixedStep: 0.8, time: 1.2, state: [sin(1.2), cos(1.2)])
      return integrator.integrate(
        to: 2, events: [level(0.99, subdivisions: subdivisions)]
      ).occurrences.map(\.time)
    }
    #expect(found[0].isEmpty)
    #expect(found[1].count == 2)
    // Within the error of one long step, about 1e-4 of the state, over a slope of 0.14.
    for (time, expected) in zip(found[1], [asin(0.99), .pi - asin(0.99)]) {
      #expect(abs(time - expected) < 1e-2)
    }
  }

  /// The state of a terminal event is that of its time, with what was noticed before it and nothing after,
  /// and the integration goes on from there without noticing it again.
  @Test func aTerminalEventEndsThere() throws {
    let integrator = try Integrator(
      Sine(), tolerances: [ToleranceGroup(range: 0..<2, relative: 1e-12, absolute: 1e-12)],
      state: [0, 1])
    let events = [level(0.3, isTerminal: true), level(0.299), level(0.301)]
    var steps: [ClosedRange<Double>] = []
    let solution = integrator.integrate(to: 3, events: events) { integrator in
      steps.append(integrator.lastStep)
      let middle = (integrator.lastStep.lowerBound + integrator.lastStep.upperBound) / 2
      #expect(abs(integrator.interpolate(at: middle)[0] - sin(middle)) < 1e-9)
      #expect(integrator.interpolate(at: integrator.lastStep.upperBound) == integrator.state)
      return true
    }
    #expect(solution.ending == .event("0.3"))
    #expect(solution.occurrences.map(\.name) == ["0.299", "0.3"])
    #expect(solution.time == solution.occurrences.last?.time && solution.time == integrator.time)
    #expect(steps.last?.upperBound == solution.time)
    expectTimes([solution.time], [Self.up])
    #expect(solution.state == integrator.state && solution.state[0] >= 0.3)
    #expect(abs(solution.state[0] - 0.3) < 1e-15 * 10)
    #expect(abs(solution.state[1] - cos(Self.up)) < 1e-9)
    #expect(integrator.derivative == [integrator.state[1], -integrator.state[0]])
    let rest = integrator.integrate(to: 3, events: events)
    #expect(rest.ending == .event("0.3"))
    #expect(rest.occurrences.map(\.name) == ["0.301", "0.301", "0.3"])
    expectTimes([rest.time], [.pi - Self.up])
  }

  /// ITP against roots in closed form, with at most one evaluation more than bisection.
  @Test func rootsInClosedForm() {
    let functions: [(root: Double, function: (Double) -> Double)] = [
      (2.0.squareRoot(), { $0 * $0 - 2 }), (1 / 3, { 1 - 3 * $0 }), (1, { pow($0 - 1, 9) }),
      (log(3), { exp(20 * $0) - exp(20 * log(3)) }), (1.5, { $0 < 1.5 ? -1 : 1 }),
    ]
    for (root, function) in functions {
      var evaluations = 0
      let tolerance = 4 * 2.0.ulp
      let found = BracketedRoot.find(
        from: 0, value: function(0), to: 2, value: function(2), tolerance: tolerance
      ) {
        evaluations += 1
        return function($0)
      }
      #expect(abs(found - root) <= 2 * tolerance)
      #expect(function(found) == 0 || function(found).sign == function(2).sign)
      #expect(evaluations <= Int(ceil(log2(2 / tolerance))) + 1)
    }
  }
}
