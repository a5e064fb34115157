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
    inverseNorms = Self.inverseNorms(of: weights)
  }

  /// 1 / ||w_j||.
  private static func inverseNorms(of weights: Matrix<Scalar>) -> [Scalar] {
    var result = [Scalar](repeating: 0, count: weights.rows)
    result.withUnsafeMutableBufferPointer { result in
      weights.withPointer { first in
        nonisolated(unsafe) let (result, first) = (result, first)
        Parallel.forEachBlock(of: weights.rows, size: max(1, normsOfBlock / weights.columns)) {
          for j in $1 {
            result[j] = inverse(RowKernels.norm(weights.columns, first + j * weights.columns))
          }
        }
      }
    }
    return result
  }

  /// Weights whose norms one thread computes at a time.
  private static var normsOfBlock: Int { 1 << 17 }

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
  ///
  /// - Parameter chosen: the neurons, so the columns, that are computed; all unless given.
  func forward(
    _ count: Int, rows: UnsafePointer<Scalar>, inverseRowNorms: [Scalar],
    features: UnsafeMutablePointer<Scalar>, slopes: UnsafeMutablePointer<Scalar>,
    among chosen: Range<Int>? = nil
  ) {
    let chosen = chosen ?? 0..<neurons
    weights.withPointer {
      Scalar.gemm(
        transposeA: false, transposeB: true, m: count, n: chosen.count, k: dimension, alpha: 1,
        a: rows, leadingA: dimension, b: $0 + chosen.lowerBound * dimension,
        leadingB: dimension, beta: 0, c: features + chosen.lowerBound, leadingC: neurons)
    }
    applySlopes(
      count, chosen, features, leading: neurons, columnScales: inverseNorms,
      rowScales: inverseRowNorms.isEmpty ? nil : inverseRowNorms, power: slopePower, into: slopes)
  }

  /// delta_ij = p a_ij g_ij of `count` rows, (count, neurons).
  ///
  /// - Parameters:
  ///   - cotangent: g, the derivatives with respect to the features, (count, neurons).
  ///   - chosen: the neurons, so the columns, that are computed; all unless given.
  func computeDelta(
    _ count: Int, slopes: UnsafePointer<Scalar>, cotangent: UnsafePointer<Scalar>,
    into delta: UnsafeMutablePointer<Scalar>, among chosen: Range<Int>? = nil
  ) {
    let factor = Scalar(exponent)
    guard let chosen, chosen.count < neurons else {
      return scaledProduct(count * neurons, factor, cotangent, slopes, into: delta)
    }
    for i in 0..<count {
      let first = i * neurons + chosen.lowerBound
      scaledProduct(chosen.count, factor, cotangent + first, slopes + first, into: delta + first)
    }
  }

  /// Adds the first term of the derivatives with respect to the weights; the second follows from it, see
  /// ``addRadialPart(to:among:)``.
  ///
  /// - Parameters:
  ///   - rows: (count, dimension).
  ///   - delta: see ``computeDelta(_:slopes:cotangent:into:among:)``.
  ///   - gradient: (neurons, dimension).
  ///   - isFirst: whether `gradient` holds nothing yet, and is not read.
  ///   - chosen: the neurons, so the rows of the gradient, that are computed; all unless given.
  func addWeightGradient(
    _ count: Int, rows: UnsafePointer<Scalar>, delta: UnsafePointer<Scalar>,
    to gradient: UnsafeMutablePointer<Scalar>, isFirst: Bool = false,
    among chosen: Range<Int>? = nil
  ) {
    let chosen = chosen ?? 0..<neurons
    Scalar.gemm(
      transposeA: true, transposeB: false, m: chosen.count, n: dimension, k: count, alpha: 1,
      a: delta + chosen.lowerBound, leadingA: neurons, b: rows, leadingB: dimension,
      beta: isFirst ? 0 : 1, c: gradient + chosen.lowerBound * dimension, leadingC: dimension)
  }

  /// Adds the second term of the derivatives with respect to the weights to the whole first one, D_j:
  /// as g_ij h_ij = delta_ij z_ij / p, its sum over i is <w_j, D_j> / p.
  func addRadialPart(
    to gradient: UnsafeMutablePointer<Scalar>, among chosen: Range<Int>? = nil
  ) {
    guard exponent != 1 else { return }
    let share = Scalar((1 - exponent) / exponent)
    weights.withPointer { weights in
      for j in chosen ?? 0..<neurons {
        let (weight, sum) = (weights + j * dimension, gradient + j * dimension)
        // In this order: the square of the reciprocal may overflow where the whole does not.
        let factor = Scalar.dot(dimension, weight, sum) * inverseNorms[j] * inverseNorms[j]
        Scalar.add(dimension, share * factor, weight, to: sum)
      }
    }
  }

  /// The derivatives with respect to the rows, (count, dimension).
  ///
  /// - Parameter chosen: the coordinates, so the columns, that are computed; all unless given.
  func computeRowGradient(
    _ count: Int, rows: UnsafePointer<Scalar>, inverseRowNorms: [Scalar],
    features: UnsafePointer<Scalar>, cotangent: UnsafePointer<Scalar>,
    delta: UnsafePointer<Scalar>, into gradient: UnsafeMutablePointer<Scalar>,
    among chosen: Range<Int>? = nil
  ) {
    let chosen = chosen ?? 0..<dimension
    weights.withPointer {
      Scalar.gemm(
        transposeA: false, transposeB: false, m: count, n: chosen.count, k: neurons, alpha: 1,
        a: delta, leadingA: neurons, b: $0 + chosen.lowerBound, leadingB: dimension, beta: 0,
        c: gradient + chosen.lowerBound, leadingC: dimension)
    }
    guard normalizesInput else { return }
    for i in 0..<count {
      let product = Scalar.dot(neurons, cotangent + i * neurons, features + i * neurons)
      // In this order: the square of the reciprocal may overflow where the whole does not.
      let factor = product * inverseRowNorms[i] * inverseRowNorms[i]
      let first = i * dimension + chosen.lowerBound
      Scalar.add(chosen.count, (1 - Scalar(exponent)) * factor, rows + first, to: gradient + first)
    }
  }

  /// - Throws: `NetworkError` for a p that is none.
  static func check(exponent: Double) throws(NetworkError) {
    guard Degree.allowed.contains(exponent) else {
      throw NetworkError("p is \(exponent); a pReLU layer needs \(Degree.expectation)")
    }
  }
}

/// From pre-activations z, in place, to features h, and to slopes a; both (count, leading), of which the
/// chosen columns are treated.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func applySlopes<Scalar: LinearScalar>(
  _ count: Int, _ chosen: Range<Int>, _ values: UnsafeMutablePointer<Scalar>, leading: Int,
  columnScales: [Scalar], rowScales: [Scalar]?, power: VectorPower<Scalar>,
  into slopes: UnsafeMutablePointer<Scalar>
) {
  let neurons = chosen.count
  columnScales.withUnsafeBufferPointer { scales in
    let scales = scales.baseAddress! + chosen.lowerBound
    withUnsafeTemporaryAllocation(of: Scalar.self, capacity: neurons) { buffer in
      let cosines = buffer.baseAddress!
      for i in 0..<count {
        let first = i * leading + chosen.lowerBound
        let (z, a) = (values + first, slopes + first)
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
