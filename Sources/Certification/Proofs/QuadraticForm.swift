import LinearCore

/// Sums of squares of linear functions as matrices.
enum QuadraticForm {
  /// Dimensions from which on matrix products are quicker than loops.
  private static var smallest: Int { 65 }

  /// Adds sum_j c_j u_j u_j^T to the upper triangle of a row-major (n, n) matrix; below the diagonal the
  /// matrix is of no meaning.
  ///
  /// - Parameter rows: u_j, (coefficients.count, n).
  @inline(__always)
  static func add(
    _ n: Int, rows: UnsafePointer<Double>, coefficients: UnsafeBufferPointer<Double>,
    to target: UnsafeMutablePointer<Double>
  ) {
    if n < smallest {
      for j in coefficients.indices where coefficients[j] != 0 {
        let row = rows + j * n
        for i in 0..<n where row[i] != 0 {
          let factor = coefficients[j] * row[i]
          let sum = target + i * n
          for k in i..<n { sum[k] += factor * row[k] }
        }
      }
      return
    }
    let active = coefficients.indices.filter { coefficients[$0] != 0 }
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * max(1, active.count) * n) { copy in
      let (plain, scaled) = (copy.baseAddress!, copy.baseAddress! + active.count * n)
      for (position, j) in active.enumerated() {
        (plain + position * n).update(from: rows + j * n, count: n)
        (scaled + position * n).update(from: rows + j * n, count: n)
        Double.scale(n, coefficients[j], scaled + position * n)
      }
      Double.gemm(
        transposeA: true, transposeB: false, m: n, n: n, k: active.count, alpha: 1, a: scaled,
        leadingA: n, b: plain, leadingB: n, beta: 1, c: target, leadingC: n)
    }
  }
}
