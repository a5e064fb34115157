import LinearCore
import Networks

/// The pReLU formula on rows x_i against weights w_j, the common part of the dense and the convolutional
/// layer:
///
///     h_ij = z_ij a_ij,   z_ij = <w_j, x_i>,   a_ij = relu(z_ij / ||w_j||)^(p-1),
///
/// with input normalisation a_ij = relu(z_ij / (||w_j|| ||x_i||))^(p-1). Neither weights nor rows of
/// length 0 contribute. With delta_ij = p a_ij times the derivative g_ij with respect to h_ij,
///
///     dL/dw_j = sum_i delta_ij x_i - (p-1) (sum_i g_ij h_ij) w_j / ||w_j||^2,
///
/// and with respect to x_i the same with the parts of x and w exchanged; its second term is there with
/// input normalisation only. Products of moderate numbers: z^p and ||w||^(p-1) would underflow for the
/// weights that small initialisation starts from.
struct PReLUKernel<Scalar: LinearScalar> {
  let exponent: Double
  let slopePower: VectorPower<Scalar>
  let neurons: Int
  let dimension: Int
  /// (neurons, dimension).
  let weights: Matrix<Scalar>
  /// 1 / ||w_j||, 0 for w_j = 0.
  private let inverseNorms: [Scalar]
  let normalizesInput: Bool

  init(exponent: Double, weights: Matrix<Scalar>, normalizesInput: Bool) {
    self.exponent = exponent
    slopePower = VectorPower(exponent: exponent - 1)
    neurons = weights.rows
    dimension = weights.columns
    self.weights = weights
    // At p = 1 there is nothing to divide by.
    self.normalizesInput = normalizesInput && exponent != 1
    inverseNorms = weights.withPointer { first in
      (0..<weights.rows).map {
        Self.inverse(RowKernels.norm(weights.columns, first + $0 * weights.columns))
      }
    }
  }

  /// The reciprocal of a denormal norm may be infinite: such a vector counts as 0.
  private static func inverse(_ norm: Scalar) -> Scalar {
    norm >= Scalar.leastNormalMagnitude ? 1 / norm : 0
  }

  /// 1 / ||x_i|| of every row; empty without input normalisation.
  func inverseRowNorms(_ count: Int, _ rows: UnsafePointer<Scalar>) -> [Scalar] {
    guard normalizesInput else { return [] }
    return (0..<count).map { Self.inverse(RowKernels.norm(dimension, rows + $0 * dimension)) }
  }

  /// Features and slopes of `count` rows: both (count, neurons).
  func forward(
    _ count: Int, rows: UnsafePointer<Scalar>, inverseRowNorms: [Scalar],
    features: UnsafeMutablePointer<Scalar>, slopes: UnsafeMutablePointer<Scalar>
  ) {
    weights.withPointer {
      Scalar.gemm(
        transposeA: false, transposeB: true, m: count, n: neurons, k: dimension, alpha: 1,
        a: rows, leadingA: dimension, b: $0, leadingB: dimension, beta: 0, c: features,
        leadingC: neurons)
    }
    applySlopes(
      count, neurons, features, columnScales: inverseNorms,
      rowScales: inverseRowNorms.isEmpty ? nil : inverseRowNorms, power: slopePower, into: slopes)
  }

  /// Adds the derivatives of `count` rows.
  ///
  /// - Parameters:
  ///   - rows: (count, dimension).
  ///   - cotangent: the derivatives with respect to the features, (count, neurons).
  ///   - delta: (count, neurons) numbers to work in.
  ///   - weightGradient: gets its first term added, (neurons, dimension).
  ///   - radial: gets sum_i g_ij h_ij added, the coefficients of its second term.
  ///   - rowGradient: receives the derivatives with respect to the rows, (count, dimension).
  func backward(
    _ count: Int, rows: UnsafePointer<Scalar>, inverseRowNorms: [Scalar],
    features: UnsafePointer<Scalar>, slopes: UnsafePointer<Scalar>,
    cotangent: UnsafePointer<Scalar>, delta: UnsafeMutablePointer<Scalar>,
    weightGradient: UnsafeMutablePointer<Scalar>?, radial: UnsafeMutablePointer<Scalar>?,
    rowGradient: UnsafeMutablePointer<Scalar>?
  ) {
    scaledProduct(count * neurons, Scalar(exponent), cotangent, slopes, into: delta)
    if let weightGradient {
      Scalar.gemm(
        transposeA: true, transposeB: false, m: neurons, n: dimension, k: count, alpha: 1,
        a: delta, leadingA: neurons, b: rows, leadingB: dimension, beta: 1, c: weightGradient,
        leadingC: dimension)
      if let radial, exponent != 1 {
        addColumnProducts(count, neurons, cotangent, features, to: radial)
      }
    }
    guard let rowGradient else { return }
    weights.withPointer {
      Scalar.gemm(
        transposeA: false, transposeB: false, m: count, n: dimension, k: neurons, alpha: 1,
        a: delta, leadingA: neurons, b: $0, leadingB: dimension, beta: 0, c: rowGradient,
        leadingC: dimension)
    }
    guard normalizesInput else { return }
    for i in 0..<count {
      let product = Scalar.dot(neurons, cotangent + i * neurons, features + i * neurons)
      // In this order: the square of the reciprocal may overflow where the whole does not.
      let factor = product * inverseRowNorms[i] * inverseRowNorms[i]
      Scalar.add(
        dimension, (1 - Scalar(exponent)) * factor, rows + i * dimension,
        to: rowGradient + i * dimension)
    }
  }

  /// Adds the second term of the derivatives with respect to the weights, once for a whole block.
  func addRadialPart(_ radial: [Scalar], to gradient: inout Matrix<Scalar>) {
    guard exponent != 1 else { return }
    gradient.withMutablePointer { gradient in
      weights.withPointer { weights in
        for j in 0..<neurons {
          let factor = radial[j] * inverseNorms[j] * inverseNorms[j]
          Scalar.add(
            dimension, (1 - Scalar(exponent)) * factor, weights + j * dimension,
            to: gradient + j * dimension)
        }
      }
    }
  }

  /// - Throws: `NetworkError` for a p that is none.
  static func check(exponent: Double) throws(NetworkError) {
    guard exponent >= 1, exponent.isFinite else {
      throw NetworkError("p is \(exponent); a pReLU layer needs a finite p >= 1")
    }
  }
}

/// From pre-activations z, in place, to features h, and to slopes a; both (count, neurons).
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func applySlopes<Scalar: LinearScalar>(
  _ count: Int, _ neurons: Int, _ values: UnsafeMutablePointer<Scalar>, columnScales: [Scalar],
  rowScales: [Scalar]?, power: VectorPower<Scalar>, into slopes: UnsafeMutablePointer<Scalar>
) {
  columnScales.withUnsafeBufferPointer { scales in
    let scales = scales.baseAddress!
    withUnsafeTemporaryAllocation(of: Scalar.self, capacity: neurons) { buffer in
      let cosines = buffer.baseAddress!
      for i in 0..<count {
        let (z, a) = (values + i * neurons, slopes + i * neurons)
        for j in 0..<neurons { cosines[j] = z[j] * scales[j] }
        power.apply(neurons, scale: rowScales?[i] ?? 1, cosines, into: a)
        for j in 0..<neurons { z[j] *= a[j] }
      }
    }
  }
}

/// result_i <- factor x_i y_i.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func scaledProduct<Scalar: LinearScalar>(
  _ count: Int, _ factor: Scalar, _ x: UnsafePointer<Scalar>, _ y: UnsafePointer<Scalar>,
  into result: UnsafeMutablePointer<Scalar>
) {
  for i in 0..<count { result[i] = factor * x[i] * y[i] }
}

/// sums_j <- sums_j + sum_i x_ij y_ij.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func addColumnProducts<Scalar: LinearScalar>(
  _ rows: Int, _ columns: Int, _ x: UnsafePointer<Scalar>, _ y: UnsafePointer<Scalar>,
  to sums: UnsafeMutablePointer<Scalar>
) {
  for i in 0..<rows {
    for j in 0..<columns { sums[j] += x[i * columns + j] * y[i * columns + j] }
  }
}

/// What a backward pass reads: features, slopes and the derivatives with respect to the features.
struct PReLUBackwardSource<Scalar: LinearScalar> {
  let features: Matrix<Scalar>
  let slopes: Matrix<Scalar>
  let cotangent: Matrix<Scalar>

  /// Calls `body` with pointers to the three, each `offset` values from its start.
  func at(
    _ offset: Int,
    _ body: (UnsafePointer<Scalar>, UnsafePointer<Scalar>, UnsafePointer<Scalar>) -> Void
  ) {
    features.withPointer { features in
      slopes.withPointer { slopes in
        cotangent.withPointer { body(features + offset, slopes + offset, $0 + offset) }
      }
    }
  }
}
