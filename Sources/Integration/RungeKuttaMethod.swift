/// An explicit Runge-Kutta method: a tableau that has checked itself.
///
/// Stage i is k_i = f(t + c_i h, y + h sum_{j<i} a_ij k_j), the step y_new = y + h sum_i b_i k_i, and the
/// solution within the step y(t + theta h) = y + h sum_i b_i(theta) k_i with polynomials b_i.
package struct RungeKuttaMethod: Sendable, CustomStringConvertible {
  /// A second method with the same stages, whose distance from the first estimates the error of a step.
  package struct Embedded: Sendable {
    /// b_i minus the weights of the second method, one a stage.
    package let errorWeights: [Double]
    /// The order of the less accurate of the two.
    package let order: Int

    /// Error weights of a second method of the given order.
    package init(errorWeights: [Double], order: Int) {
      self.errorWeights = errorWeights
      self.order = order
    }
  }

  /// The polynomials b_i(theta).
  package struct Interpolant: Sendable {
    /// Row i holds the coefficients of theta, theta^2, ... in b_i(theta). One row a stage, and where the
    /// last stage is not f at the end of the step, one more for that derivative.
    package let coefficients: [[Double]]
    /// The order of the method that steps to an inner point theta.
    package let order: Int

    /// An interpolant with the given coefficients and order.
    package init(coefficients: [[Double]], order: Int) {
      self.coefficients = coefficients
      self.order = order
    }
  }

  /// What users call it, and what a stored state remembers.
  package let name: String
  /// The order of convergence: the global error falls like h^order.
  package let order: Int
  /// Row i has i entries.
  package let a: [[Double]]
  /// The weights of the step, one a stage.
  package let b: [Double]
  /// The times of the stages, in steps.
  package let c: [Double]
  /// Estimates the error of a step; without it, steps have to be fixed.
  package let embedded: Embedded?
  /// The solution within a step.
  package let interpolant: Interpolant

  package var description: String { name }
  /// The number of stages.
  package var stageCount: Int { b.count }
  /// Whether the last stage is the derivative at the end of the step, which the next step begins with.
  package let isFirstSameAsLast: Bool

  /// A method with the given tableau. See ``checkTableau()`` for what is checked.
  ///
  /// - Parameter interpolant: without it, the cubic Hermite polynomial through the values and derivatives
  ///   at both ends, which is of order 3 or that of the method.
  package init(
    name: String, order: Int, a: [[Double]], b: [Double], c: [Double], embedded: Embedded? = nil,
    interpolant: Interpolant? = nil
  ) throws(IntegrationError) {
    self.name = name
    self.order = order
    self.a = a
    self.b = b
    self.c = c
    self.embedded = embedded
    // b_s = 0, because row s has no such entry.
    isFirstSameAsLast = b.last == 0 && b.dropLast() == a.last?[...] && c.last == 1
    self.interpolant =
      interpolant
      ?? Interpolant(
        coefficients: Self.hermite(b: b, hasEndStage: isFirstSameAsLast), order: min(order, 3))
    try checkTableau()
  }

  /// The Hermite polynomial theta^2 (3 - 2 theta) y_new + theta (1 - theta)^2 h f + theta^2 (theta - 1)
  /// h f_new, and the rest of y, as weights of the stages. Also the start of better interpolants.
  static func hermite(b: [Double], hasEndStage: Bool) -> [[Double]] {
    var rows = b.map { [0, 3 * $0, -2 * $0] }
    if !hasEndStage { rows.append([0, 0, 0]) }
    for (degree, (start, end)) in zip([1.0, -2, 1], [0.0, -1, 1]).enumerated() {
      rows[0][degree] += start
      rows[rows.count - 1][degree] += end
    }
    return rows
  }
}
