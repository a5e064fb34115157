import LinearCore

/// The gradient of a batch loss with respect to the weights of some hidden neurons, in factored form
///
///     G X + diag(s) W,
///
/// with G of shape (neurons, samples), X of shape (samples, dimension) and one number s_j a neuron. The
/// gradient itself, as large as the weights, need never be formed: plain gradient descent is one
/// accumulating product.
package struct HiddenGradient<Scalar: LinearScalar> {
  package let neurons: Range<Int>
  /// The number of weights of a neuron: input coordinates, and a hidden bias where there is one.
  package let dimension: Int
  /// The live weights of these neurons, (neurons.count, dimension). Whoever receives this value may
  /// change them.
  package let weights: UnsafeMutablePointer<Scalar>
  let samples: Int
  let coefficients: UnsafePointer<Scalar>
  let inputs: UnsafePointer<Scalar>
  let rowScales: UnsafePointer<Scalar>

  /// target <- beta target + alpha (G X + diag(s) W), for a target of the weights' shape; the weights
  /// themselves may be the target.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func accumulate(into target: UnsafeMutablePointer<Scalar>, alpha: Scalar, beta: Scalar) {
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
    let active = activeSamples()
    // The factor pays for copying the rest of the samples, measured.
    if active.count * 8 > samples * 7 {
      addProduct(coefficients, inputs, samples: samples, alpha: alpha, to: target)
      return
    }
    withUnsafeTemporaryAllocation(
      of: Scalar.self, capacity: max(1, active.count * (neurons.count + dimension))
    ) { packed in
      let rows = packed.baseAddress!
      let columns = rows + active.count * dimension
      for (position, sample) in active.enumerated() {
        (rows + position * dimension).update(from: inputs + sample * dimension, count: dimension)
        for j in 0..<neurons.count {
          columns[j * active.count + position] = coefficients[j * samples + sample]
        }
      }
      addProduct(columns, rows, samples: active.count, alpha: alpha, to: target)
    }
  }

  /// The samples for which the coefficient of some of these neurons is not 0; the others add nothing.
  ///
  /// Neurons that have aligned with one class are silent on the other, so with p = 1 and neurons in
  /// the order of ``PReLUNetwork/neuronsBySign`` about half of the samples drop out.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func activeSamples() -> [Int] {
    var sums = [Scalar](repeating: 0, count: samples)
    sums.withUnsafeMutableBufferPointer { sums in
      for start in stride(from: 0, to: neurons.count, by: 25) {
        for j in start..<min(neurons.count, start + 25) {
          let row = coefficients + j * samples
          for i in 0..<samples { sums[i] += row[i].magnitude }
        }
        // Usually the first few neurons show that nothing can be left out.
        if sums.allSatisfy({ $0 != 0 }) { return }
      }
    }
    return sums.indices.filter { sums[$0] != 0 }
  }

  /// target <- target + alpha G X for the given G (neurons, samples) and X (samples, dimension).
  private func addProduct(
    _ coefficients: UnsafePointer<Scalar>, _ inputs: UnsafePointer<Scalar>, samples: Int,
    alpha: Scalar, to target: UnsafeMutablePointer<Scalar>
  ) {
    if samples == 0 { return }
    Scalar.gemm(
      transposeA: false, transposeB: false, m: neurons.count, n: dimension, k: samples,
      alpha: alpha, a: coefficients, leadingA: samples, b: inputs, leadingB: dimension,
      beta: 1, c: target, leadingC: dimension)
  }
}
