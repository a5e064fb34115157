import LinearCore

/// Cholesky factorisation of small symmetric matrices, in place and without allocation. Inner loops run
/// along rows, so that they are vectorised; larger matrices are cut into panels of rows, with matrix
/// products for the rest.
enum SmallCholesky {
  /// Rows of a panel.
  private static var panel: Int { 64 }

  /// Overwrites the upper triangle of the row-major (n, n) matrix by U with A = U^T U.
  /// - Returns: false where A is not numerically positive definite; the matrix is destroyed then.
  @inline(__always)
  static func factorize(_ n: Int, _ a: UnsafeMutablePointer<Double>) -> Bool {
    if n <= 2 * panel { return eliminate(n, a, rows: 0..<n) }
    for first in stride(from: 0, to: n, by: panel) {
      let end = min(n, first + panel)
      if !eliminate(n, a, rows: first..<end) { return false }
      // Only the upper triangle counts: stripes of rows, each from its diagonal on.
      for top in stride(from: end, to: n, by: 2 * panel) {
        Double.gemm(
          transposeA: true, transposeB: false, m: min(2 * panel, n - top), n: n - top,
          k: end - first, alpha: -1, a: a + first * n + top, leadingA: n,
          b: a + first * n + top, leadingB: n, beta: 1, c: a + top * n + top, leadingC: n)
      }
    }
    return true
  }

  /// Finishes some rows, and subtracts their part from those of the rows that are below them.
  @inline(__always)
  private static func eliminate(
    _ n: Int, _ a: UnsafeMutablePointer<Double>, rows: Range<Int>
  ) -> Bool {
    for k in rows {
      let pivot = a + k * n
      if !(pivot[k] > 0) { return false }
      let inverse = 1 / pivot[k].squareRoot()
      for j in k..<n { pivot[j] *= inverse }
      for i in k + 1..<max(rows.upperBound, k + 1) {
        let factor = pivot[i]
        if factor == 0 { continue }
        let row = a + i * n
        for j in i..<n { row[j] -= factor * pivot[j] }
      }
    }
    return true
  }

  /// x <- A^-1 x with the factor of ``factorize(_:_:)``.
  @inline(__always)
  static func solve(
    _ n: Int, _ u: UnsafePointer<Double>, _ x: UnsafeMutablePointer<Double>
  ) {
    for i in 0..<n {
      let row = u + i * n
      let value = x[i] / row[i]
      x[i] = value
      for j in i + 1..<max(n, i + 1) { x[j] -= value * row[j] }
    }
    for i in stride(from: n - 1, through: 0, by: -1) {
      let row = u + i * n
      var sum = x[i]
      for j in i + 1..<max(n, i + 1) { sum -= row[j] * x[j] }
      x[i] = sum / row[i]
    }
  }
}
