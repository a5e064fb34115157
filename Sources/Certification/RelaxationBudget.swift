import LinearCore

/// How much negative curvature the relaxation of each neuron against the label may have.
///
/// With theta_k = 2 lambda b_k gamma_k the Lagrangian stays strongly convex as long as
/// sum_k theta_k u_k u_k^T <= (1 - modulus) I: the part of ||d||^2/2 that is to be spent. For orthogonal
/// directions every neuron may have nearly 1.
enum RelaxationBudget {
  /// The modulus that searches aim at, above what certificates need.
  static let modulus = 2 * CertificateKernel.modulus

  /// The same theta for all neurons: (1 - modulus) divided by the largest eigenvalue of
  /// sum_k u_k u_k^T, a little less.
  static func even(_ problem: DecisionProblem) -> [Double] {
    let rows = problem.directions.rows(in: problem.supporting..<problem.count)
    if rows.rows == 0 { return [] }
    // A failing factorisation costs tightness, not soundness: no budget is always allowed.
    let largest = (try? rows.singularValues().first) ?? .infinity
    let theta = (1 - modulus) / (largest * largest)
    return [Double](repeating: theta, count: rows.rows)
  }
}
