/// The largest singular value of a matrix that is only multiplied, never factorised.
///
/// Lanczos iteration on A^T A with full reorthogonalisation: a few dozen products at most, where a
/// singular value decomposition costs thousands. The vectors are `Double`, so the result is as accurate
/// as the products.
package enum SpectralNorm {
  /// The square of the largest singular value of A.
  ///
  /// - Parameters:
  ///   - dimension: the number of columns of A.
  ///   - start: a vector that is not orthogonal to the leading singular vector; A^T 1 for matrices
  ///     of non-negative numbers, anything random otherwise.
  ///   - tolerance: relative accuracy of the result.
  ///   - apply: x to A^T A x.
  /// - Complexity: one call of `apply` an iteration, at most `dimension` of them.
  package static func squared(
    dimension: Int, start: [Double], tolerance: Double = 1e-7, apply: ([Double]) -> [Double]
  ) -> Double {
    precondition(start.count == dimension, "a start vector of the wrong length")
    var basis: [[Double]] = []
    var diagonal: [Double] = []
    var offDiagonal: [Double] = []
    var vector = start
    var length = norm(vector)
    var previous = 0.0
    while basis.count < dimension, length > 0, length.isFinite {
      for i in vector.indices { vector[i] /= length }
      basis.append(vector)
      var image = apply(vector)
      diagonal.append(dot(image, vector))
      // Twice is enough (Parlett): once leaves a remainder where the image nearly lies in the span.
      for _ in 0..<2 {
        for b in basis {
          let share = dot(image, b)
          for i in image.indices { image[i] -= share * b[i] }
        }
      }
      length = norm(image)
      let (value, last) = leading(diagonal, offDiagonal)
      // The residual of the Ritz vector bounds the distance to an eigenvalue.
      if length * last.magnitude <= tolerance * value && value - previous <= tolerance * value {
        return value
      }
      if length <= 1e-14 * value { return value }
      previous = value
      offDiagonal.append(length)
      vector = image
    }
    return diagonal.isEmpty
      ? 0 : leading(diagonal, Array(offDiagonal.prefix(basis.count - 1))).value
  }

  /// The largest eigenvalue of a symmetric tridiagonal matrix, and the last entry of its vector.
  private static func leading(_ diagonal: [Double], _ offDiagonal: [Double])
    -> (value: Double, last: Double)
  {
    let n = diagonal.count
    var matrix = Matrix<Double>(rows: n, columns: n)
    for i in 0..<n { matrix[i, i] = diagonal[i] }
    for i in 0..<(n - 1) {
      matrix[i, i + 1] = offDiagonal[i]
      matrix[i + 1, i] = offDiagonal[i]
    }
    guard let result = try? matrix.symmetricEigendecomposition() else { return (.nan, 0) }
    return (result.values[n - 1], result.vectors[n - 1, n - 1])
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double { Double.dot(a.count, a, b) }
  private static func norm(_ a: [Double]) -> Double { Double.euclideanNorm(a.count, a) }
}

extension Matrix {
  /// ||A||_F^2 / ||A||_2^2, a smooth count of the directions that matter: between 1 and the rank. 0 for
  /// a matrix of zeros.
  public func stableRank() -> Double {
    let square = Double(frobeniusNorm) * Double(frobeniusNorm)
    if square == 0 { return 0 }
    var stream = RandomStream(seed: 0).child("stable rank")
    let start = (0..<columns).map { _ in stream.nextGaussian() }
    let largest = SpectralNorm.squared(dimension: columns, start: start) { x in
      let image = times(x.map { Scalar($0) })
      var back = [Scalar](repeating: 0, count: columns)
      withPointer {
        Scalar.gemv(
          transposeA: true, m: rows, n: columns, alpha: 1, a: $0,
          leadingA: Swift.max(1, columns), x: image, beta: 0, y: &back)
      }
      return back.map { Double($0) }
    }
    return square / largest
  }
}
