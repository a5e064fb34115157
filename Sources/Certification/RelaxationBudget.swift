import LinearCore

/// How much negative curvature the relaxation of each neuron against the label may have.
///
/// With theta_k = 2 lambda b_k gamma_k the Lagrangian stays strongly convex as long as
/// sum_k theta_k u_k u_k^T <= (1 - modulus) I: the part of ||d||^2/2 that is to be spent. For orthogonal
/// directions every neuron may have nearly 1.
struct RelaxationBudget {
  /// The modulus that searches aim at, above what certificates need.
  static let modulus = 2 * CertificateKernel.modulus

  /// u_k.
  private let rows: Matrix<Double>
  /// <u_j, u_k> where there are few neurons.
  private let cosines: Matrix<Double>?
  /// The same theta for all neurons: (1 - modulus) divided by the largest eigenvalue of
  /// sum_k u_k u_k^T, a little less.
  let even: [Double]
  /// Whether directions are orthogonal: nothing is to be gained by shifting budgets.
  var isOrthogonal: Bool { even.allSatisfy { $0 > 0.99 } }

  init(_ problem: DecisionProblem) {
    rows = problem.directions.rows(in: problem.supporting..<problem.count)
    cosines = rows.rows <= 64 ? Matrix.product(rows, rows, transposeB: true) : nil
    // A failing factorisation costs tightness, not soundness: no budget is always allowed.
    let largest = rows.rows == 0 ? 1 : (try? rows.singularValues().first) ?? .infinity
    let theta = (1 - Self.modulus) / (largest * largest)
    even = [Double](repeating: theta, count: rows.rows)
  }

  /// Weights that shift budgets to the neurons whose relaxations cost most.
  static func shifted(_ weights: [Double], gains: [Double]) -> [Double] {
    let mean = gains.reduce(0, +) / Double(max(1, gains.count))
    if !(mean > 0) { return weights }
    return zip(weights, gains).map { weight, gain in
      weight * min(20, max(0.05, gain / mean)).squareRoot()
    }
  }

  /// theta_k = min(tau weight_k, headroom enough_k) for the largest tau that is allowed; where enough can
  /// be had by all, as many times enough as is allowed, since multipliers are yet to move.
  func filled(weights: [Double], enough: [Double]) -> [Double] {
    let limits = enough.map { 1.1 * $0 }
    if limits.allSatisfy(\.isFinite), isAllowed(limits) {
      return largest { factor in limits.map { factor * $0 } }
    }
    return largest { tau in zip(weights, limits).map { min(tau * $0, $1) } }
  }

  /// The largest budgets of a growing family that are allowed.
  private func largest(_ budgets: (Double) -> [Double]) -> [Double] {
    var (low, high) = (0.0, 1.0)
    for _ in 0..<30 {
      if !isAllowed(budgets(high)) { break }
      low = high
      high *= 16
    }
    for _ in 0..<20 where high - low > 1e-2 * high {
      let middle = low > 0 ? (low * high).squareRoot() : high / 16
      if isAllowed(budgets(middle)) { low = middle } else { high = middle }
    }
    return budgets(low)
  }

  private func isAllowed(_ theta: [Double]) -> Bool {
    largestEigenvalue(theta) * (1 + 1e-6) <= 1 - Self.modulus
  }

  /// Of sum_k theta_k u_k u_k^T.
  private func largestEigenvalue(_ theta: [Double]) -> Double {
    if var matrix = cosines {
      let roots = theta.map { $0.squareRoot() }
      for j in roots.indices {
        for k in roots.indices { matrix[j, k] *= roots[j] * roots[k] }
      }
      return (try? matrix.symmetricEigendecomposition().values.last) ?? .infinity
    }
    let start = rows.row(theta.indices.max { theta[$0] < theta[$1] } ?? 0)
    return SpectralNorm.squared(dimension: rows.columns, start: start) { x in
      let products = zip(rows.times(x), theta).map { $0 * $1 }
      var image = [Double](repeating: 0, count: rows.columns)
      rows.withPointer {
        Double.gemv(
          transposeA: true, m: rows.rows, n: rows.columns, alpha: 1, a: $0,
          leadingA: rows.columns, x: products, beta: 0, y: &image)
      }
      return image
    }
  }
}
