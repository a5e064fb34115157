import LinearCore

/// How much negative curvature the relaxation of each neuron against the label may have.
///
/// With theta_k = 2 lambda b_k gamma_k the Lagrangian stays strongly convex as long as
/// sum_k theta_k u_k u_k^T <= (1 - modulus) I: the part of ||d||^2/2 that is to be spent. For orthogonal
/// directions every neuron may have nearly 1.
struct CurvatureBudget {
  /// The modulus that searches aim at, above what certificates need.
  static let modulus = 2 * CertificateKernel.modulus

  /// Neurons up to which a singular value decomposition takes no time.
  private static var few: Int { 64 }

  /// <u_j, u_k>.
  private var cosines: Matrix<Double>
  /// The same without cut directions.
  private let plain: Matrix<Double>
  /// The same theta for all neurons: (1 - modulus) divided by the largest eigenvalue of
  /// sum_k u_k u_k^T, a little less.
  let even: [Double]
  /// Whether directions are orthogonal: nothing is to be gained by shifting budgets.
  var isOrthogonal: Bool { even.allSatisfy { $0 > 0.99 } }

  /// Whether many neurons look in similar directions: together they get less than half the curvature.
  var isCrowded: Bool { even.contains { $0 < 0.5 } }

  init(_ problem: DecisionProblem) {
    let rows = problem.directions.rows(in: problem.supporting..<problem.count)
    plain = Matrix.product(rows, rows, transposeB: true)
    cosines = plain
    // No budget is always allowed: what goes wrong here costs tightness, not soundness.
    let squared =
      rows.rows <= Self.few
      ? (try? rows.singularValues().first).map { $0 * $0 } ?? .infinity
      : (1 + 1e-6) * EigenvalueBound.estimate(plain)
    let theta = rows.rows == 0 ? 1 - Self.modulus : (1 - Self.modulus) / squared
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

  /// Takes the curvature that the slabs of cut directions add: budgets may then be as large as
  /// sum_k theta_k u_k u_k^T <= (1 - modulus) (I + 2 sum_i mu_i v_i v_i^T).
  ///
  /// With w = (I + 2 sum_i mu_i v_i v_i^T)^(-1/2) u, <w_j, w_k> = <u_j, u_k> - sum_i c_ij c_ik 2 mu_i/(1 + 2 mu_i).
  mutating func take(_ slabMultipliers: [Double], along cuts: CutDirections) {
    var scaled = cuts.cosines
    for i in slabMultipliers.indices {
      let share = 2 * slabMultipliers[i] / (1 + 2 * slabMultipliers[i])
      for k in 0..<scaled.rows { scaled[k, i] *= share.squareRoot() }
    }
    cosines = plain
    cosines.subtract(Matrix.product(scaled, scaled, transposeB: true))
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

  /// The largest part of budgets that is allowed, and which part that is.
  func allowed(_ budgets: [Double]) -> (budgets: [Double], share: Double) {
    var (low, high) = (0.0, 1.0)
    for share in [1, 1 - 1e-4, 1 - 1e-3, 0.99, 0.9] {
      if isAllowed(budgets.map { share * $0 }) {
        low = share
        break
      }
      high = share
    }
    if low == 0 {
      for _ in 0..<8 {
        let middle = 0.5 * (low + high)
        if isAllowed(budgets.map { middle * $0 }) { low = middle } else { high = middle }
      }
    }
    return (budgets.map { low * $0 }, low)
  }

  /// Whether sum_k theta_k u_k u_k^T < (1 - modulus) I, by a factorisation.
  ///
  /// The matrix has the eigenvalues of the one with the entries sqrt(theta_j theta_k) <u_j, u_k>.
  private func isAllowed(_ theta: [Double]) -> Bool {
    let count = theta.count
    let roots = theta.map { $0.squareRoot() }
    let limit = (1 - Self.modulus) / (1 + 1e-6)
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: max(1, count * count)) {
      matrix in
      cosines.withPointer { cosines in
        for j in 0..<count {
          let (row, root) = (cosines + j * count, roots[j])
          for k in j..<count { matrix[j * count + k] = -root * roots[k] * row[k] }
          matrix[j * count + j] += limit
        }
      }
      return count == 0 || SmallCholesky.factorize(count, matrix.baseAddress!)
    }
  }
}
