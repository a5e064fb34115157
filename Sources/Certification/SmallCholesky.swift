/// Cholesky factorisation of small symmetric matrices, in place and without allocation. Inner loops run
/// along rows, so that they are vectorised.
enum SmallCholesky {
  /// Overwrites the upper triangle of the row-major (n, n) matrix by U with A = U^T U.
  /// - Returns: false where A is not numerically positive definite; the matrix is destroyed then.
  @inline(__always)
  static func factorize(_ n: Int, _ a: UnsafeMutablePointer<Double>) -> Bool {
    for k in 0..<n {
      let pivot = a + k * n
      if !(pivot[k] > 0) { return false }
      let inverse = 1 / pivot[k].squareRoot()
      for j in k..<n { pivot[j] *= inverse }
      for i in k + 1..<max(n, k + 1) {
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
