/// Cholesky factorisation of small symmetric matrices, in place and without allocation.
enum SmallCholesky {
  /// Overwrites the lower triangle of the row-major (n, n) matrix by L with A = L L^T.
  /// - Returns: false where A is not numerically positive definite; the matrix is destroyed then.
  @inline(__always)
  static func factorize(_ n: Int, _ a: UnsafeMutablePointer<Double>) -> Bool {
    for i in 0..<n {
      let row = a + i * n
      for j in 0..<i {
        let other = a + j * n
        var sum = row[j]
        for k in 0..<j { sum -= row[k] * other[k] }
        row[j] = sum / other[j]
      }
      var sum = row[i]
      for k in 0..<i { sum -= row[k] * row[k] }
      if !(sum > 0) { return false }
      row[i] = sum.squareRoot()
    }
    return true
  }

  /// x <- A^-1 x with the factor of ``factorize(_:_:)``.
  @inline(__always)
  static func solve(
    _ n: Int, _ l: UnsafePointer<Double>, _ x: UnsafeMutablePointer<Double>
  ) {
    for i in 0..<n {
      let row = l + i * n
      var sum = x[i]
      for k in 0..<i { sum -= row[k] * x[k] }
      x[i] = sum / row[i]
    }
    for i in stride(from: n - 1, through: 0, by: -1) {
      let value = x[i] / l[i * n + i]
      x[i] = value
      for k in 0..<i { x[k] -= l[i * n + k] * value }
    }
  }
}
