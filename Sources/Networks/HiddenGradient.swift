import LinearCore

/// The gradient of a batch loss with respect to the weights of some hidden neurons, in factored form
///
///     G X + diag(s) W,
///
/// with G of shape (neurons, samples), X of shape (samples, dimension) and one number s_j a neuron. The
/// gradient itself, as large as the weights, need never be formed: plain gradient descent is one
/// accumulating product.
public struct HiddenGradient<Scalar: LinearScalar> {
  /// Which neurons.
  public let neurons: Range<Int>
  /// The number of input coordinates.
  public let dimension: Int
  /// The live weights of these neurons, (neurons.count, dimension). Whoever receives this value may
  /// change them.
  public let weights: UnsafeMutablePointer<Scalar>
  let samples: Int
  let coefficients: UnsafePointer<Scalar>
  let inputs: UnsafePointer<Scalar>
  let rowScales: UnsafePointer<Scalar>

  /// target <- beta target + alpha (G X + diag(s) W), for a target of the weights' shape; the weights
  /// themselves may be the target.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func accumulate(into target: UnsafeMutablePointer<Scalar>, alpha: Scalar, beta: Scalar) {
    let count = dimension
    for j in 0..<neurons.count {
      let row = target + j * count
      let own = alpha * rowScales[j]
      if target == weights {
        if beta + own != 1 { Scalar.scale(count, beta + own, row) }
        continue
      }
      if beta == 0 {
        let source = weights + j * count
        for i in 0..<count { row[i] = own * source[i] }
      } else {
        if beta != 1 { Scalar.scale(count, beta, row) }
        if own != 0 { Scalar.add(count, own, weights + j * count, to: row) }
      }
    }
    Scalar.gemm(
      transposeA: false, transposeB: false, m: neurons.count, n: dimension, k: samples,
      alpha: alpha, a: coefficients, leadingA: samples, b: inputs, leadingB: dimension,
      beta: 1, c: target, leadingC: dimension)
  }
}
