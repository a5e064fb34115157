import Foundation
import Integration
import Testing

/// An initial value problem whose solution is known.
struct SolvedProblem: DifferentialSystem, CustomTestStringConvertible {
  let name: String
  let dimension: Int
  let span: ClosedRange<Double>
  /// What steps are measured in: less where the solution has singularities near the real axis.
  let timeScale: Double
  let solution: @Sendable (Double) -> [Double]
  private let slope: @Sendable (Double, UnsafePointer<Double>) -> [Double]

  var testDescription: String { name }
  var start: [Double] { solution(span.lowerBound) }

  func derivative(
    time: Double, state: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>
  ) {
    for (i, value) in slope(time, state).enumerated() { derivative[i] = value }
  }

  /// The largest difference from the solution in any component.
  func error(_ state: [Double], at time: Double) -> Double {
    zip(state, solution(time)).map { abs($0 - $1) }.max()!
  }

  /// y'' + 2 d y' + y = 0 with d = 0.1, y(0) = 1 and y'(0) = -d: y = e^(-d t) cos(w t), w^2 = 1 - d^2.
  static let dampedOscillator = {
    let damping = 0.1
    let frequency = (1 - damping * damping).squareRoot()
    return SolvedProblem(
      name: "damped oscillator", dimension: 2, span: 0...8, timeScale: 1,
      solution: { t in
        let (decay, angle) = (exp(-damping * t), frequency * t)
        return [
          decay * cos(angle), -decay * (damping * cos(angle) + frequency * sin(angle)),
        ]
      }, slope: { _, y in [y[1], -2 * damping * y[1] - y[0]] })
  }()

  /// y' = y (1 - y), y(0) = 1/10.
  static let logistic = SolvedProblem(
    name: "logistic equation", dimension: 1, span: 0...6, timeScale: 1,
    solution: { [1 / (1 + 9 * exp(-$0))] }, slope: { _, y in [y[0] * (1 - y[0])] })

  /// y' = -2 t y^2, y(0) = 1: y = 1 / (1 + t^2).
  static let bell = SolvedProblem(
    name: "y' = -2 t y^2", dimension: 1, span: 0...4, timeScale: 0.5,
    solution: { [1 / (1 + $0 * $0)] }, slope: { t, y in [-2 * t * y[0] * y[0]] })

  static let all = [dampedOscillator, logistic, bell]

  /// An integrator with one tolerance, relative and absolute, for all components.
  func integrator(
    _ method: RungeKuttaMethod = .dormandPrince54, tolerance: Double, initialStep: Double? = nil
  ) throws -> Integrator<SolvedProblem> {
    try Integrator(
      self, method: method,
      tolerances: [
        ToleranceGroup(range: 0..<dimension, relative: tolerance, absolute: tolerance)
      ], time: span.lowerBound, state: start, initialStep: initialStep)
  }
}

/// The slope of the least squares line.
func slope(_ points: [(x: Double, y: Double)]) -> Double {
  let count = Double(points.count)
  let meanX = points.reduce(0) { $0 + $1.x } / count
  let meanY = points.reduce(0) { $0 + $1.y } / count
  return points.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) }
    / points.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
}
