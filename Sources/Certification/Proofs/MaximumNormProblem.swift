import LinearCore

/// A ``DecisionProblem`` for perturbations measured by max_i |d_i|, which needs the coordinates of the input.
///
/// For any eta_i > 0 with sum eta_i <= 1, max_i |d_i|^2 >= sum_i eta_i d_i^2: what bounds the weighted
/// Euclidean length from below bounds the maximum norm, and for convex problems the best eta lets nothing
/// go. It is proportional to the magnitudes of a normal of the boundary, hence given by few numbers y,
///
///     eta_i = |(U^T y)_i| / sum, a little more than 0 everywhere,
///
/// U the directions in the coordinates of the input.
struct MaximumNormProblem: Sendable {
  /// The problem in l2, with its units.
  let plain: DecisionProblem
  /// U, (neurons, inputDimension).
  let rows: Matrix<Double>
  /// The largest |<u_j, d>| of max_i |d_i| <= 1, or a little more.
  let reach: [Double]
  /// <u_j, x>, with hidden biases.
  let start: [Double]

  init(_ problem: DecisionProblem, basis: Matrix<Double>?) {
    plain = problem
    let rows = basis.map { Matrix.product(problem.directions, $0) } ?? problem.directions
    let columns = rows.columns
    self.rows = rows
    reach = (0..<rows.rows).map { j in
      rows.withPointer { Double.absoluteSum(columns, $0 + j * columns) } * (1 + 1e-12)
    }
    start = problem.preActivations
  }

  /// At most the bias term minus the error that P - N may have, for max_i |d_i| <= radius.
  func constant(within radius: Double) -> Double {
    plain.constant(within: radius * Double(rows.columns).squareRoot() * (1 + 1e-12))
  }

  /// The intervals of the z_k for max_i |d_i| <= radius: a little wider than exact.
  func root(within radius: Double) -> [ClosedRange<Double>] {
    (plain.supporting..<plain.count).map { k in
      let size = plain.extent + radius * reach[k]
      let width = radius * reach[k] + (1e-12 + Double(rows.columns) * 0x1p-51) * size
      return start[k] - width...start[k] + width
    }
  }

  /// U^T y.
  func combination(_ y: [Double]) -> [Double] {
    let n = rows.columns
    var result = [Double](repeating: 0, count: n)
    rows.withPointer {
      Double.gemv(
        transposeA: true, m: rows.rows, n: n, alpha: 1, a: $0, leadingA: n, x: y, beta: 0,
        y: &result)
    }
    return result
  }

  /// 1/eta for the coefficients y; nil for numbers that make no metric.
  func inverseMetric(_ y: [Double]) -> [Double]? {
    guard y.count == rows.rows, y.allSatisfy(\.isFinite) else { return nil }
    let n = rows.columns
    var weights = combination(y)
    let sum = weights.reduce(0) { $0 + $1.magnitude }
    guard sum > 0, sum.isFinite else { return nil }
    // Coordinates that do not matter must not matter much.
    let floor = 1e-4 * sum / Double(n)
    for i in 0..<n { weights[i] = weights[i].magnitude + floor }
    let total = weights.reduce(0, +) * (1 + Double(n) * 0x1p-51)
    return weights.map { total / $0 }
  }

  /// U diag(1/eta) U^T for the metric of the coefficients y; nil for numbers that make none.
  func gram(metric y: [Double]) -> Matrix<Double>? {
    guard let inverse = inverseMetric(y) else { return nil }
    let n = rows.columns
    let factors = inverse.map { $0.squareRoot() }
    var scaled = rows
    scaled.withMutablePointer { entries in
      for j in 0..<rows.rows {
        for i in 0..<n { entries[j * n + i] *= factors[i] }
      }
    }
    return Matrix.product(scaled, scaled, transposeB: true)
  }
}
