import LinearCore

/// Upper bounds of squared spectral norms, proved.
///
/// s I - A A^T is positive definite exactly where s exceeds the squared norm, and a Cholesky factorisation that runs to its
/// end in floating point proves it up to (n + 2) rounding units of the trace (Rump, BIT 2006), which are taken off
/// beforehand, with the rounding of A A^T. For hundreds of rows this takes a tenth of a singular value
/// decomposition's time.
enum EigenvalueBound {
  /// At least the square of the largest singular value of `rows`, and hardly more.
  static func squaredNorm(_ rows: Matrix<Double>) -> Double {
    if rows.rows == 0 || rows.columns == 0 { return 0 }
    let isTall = rows.rows > rows.columns
    let gram = Matrix.product(rows, transposeA: isTall, rows, transposeB: !isTall)
    let (n, terms) = (gram.rows, isTall ? rows.rows : rows.columns)
    let trace = (0..<n).reduce(0) { $0 + gram[$1, $1] }
    guard trace.isFinite else { return .infinity }
    let estimate = self.estimate(gram)
    for factor in [1 + 1e-6, 1 + 1e-4, 1.01, 1.2] {
      let bound = factor * estimate
      guard bound < trace else { break }
      let operations = Double(n + terms + 16) * 0x1p-50
      let shift = operations * (Double(n) * bound + trace)
      var matrix = gram.elements.map { -$0 }
      for i in 0..<n { matrix[i * n + i] += bound - shift }
      let isProved = matrix.withUnsafeMutableBufferPointer {
        SmallCholesky.factorize(n, $0.baseAddress!)
      }
      if isProved { return bound }
    }
    // The squared Frobenius norm always is a bound.
    return trace * (1 + Double(terms + 16) * 0x1p-50)
  }

  /// The largest eigenvalue of a symmetric positive semidefinite matrix, not proved.
  static func estimate(_ gram: Matrix<Double>) -> Double {
    var stream = RandomStream(seed: 0).child("eigenvalue")
    let start = (0..<gram.rows).map { _ in stream.nextGaussian() }
    return SpectralNorm.squared(dimension: gram.rows, start: start) { gram.times($0) }
  }
}
