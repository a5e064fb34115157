import LinearCore

/// The left side of the inequality of a ``DecisionProblem`` at x + t v for one v and many t: pre-activations
/// are linear in t, so that v meets the directions of the neurons once.
struct MarginAlongRay {
  private let problem: DecisionProblem
  /// <u_j, x> and <u_j, v>.
  private let start: [Double]
  private let slopes: [Double]
  /// ||x + t v||^2 = constant + 2 linear t + quadratic t^2.
  private let length: (constant: Double, linear: Double, quadratic: Double)

  /// - Parameters:
  ///   - start: the pre-activations of the problem.
  ///   - direction: v.
  init(_ problem: DecisionProblem, start: [Double], direction: [Double]) {
    self.problem = problem
    self.start = start
    slopes = problem.directions.times(direction)
    let inside = problem.point.reduce(0) { $0 + $1 * $1 }
    length = (
      max(problem.squaredDistance, inside),
      zip(problem.point, direction).reduce(0) { $0 + $1.0 * $1.1 },
      direction.reduce(0) { $0 + $1 * $1 }
    )
  }

  /// The value at x + t v.
  func callAsFunction(_ t: Double) -> Double {
    var value = 0.0
    for j in start.indices {
      let z = start[j] + t * slopes[j]
      if z <= 0 { continue }
      let term = problem.weights[j] * problem.activation(z)
      value += j < problem.supporting ? term : -term
    }
    let square = max(0, length.constant + t * (2 * length.linear + t * length.quadratic))
    return value + problem.biasTerm(square)
  }
}
