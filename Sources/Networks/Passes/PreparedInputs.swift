import LinearCore

/// Inputs as the hidden layer sees them: shifted by the network's center, with input normalisation scaled
/// to unit length, and with hidden biases followed by a coordinate that is 1.
///
/// With input normalisation f(x) = ||x|| g(x / ||x||) + bias, where g is the network without
/// normalisation and bias (x already shifted). So everything reduces to g on unit inputs; the lengths
/// come back in as `outputScales`.
package struct PreparedInputs<Scalar: LinearScalar>: Sendable {
  /// (n, columns of the hidden weights).
  package let rows: Matrix<Scalar>
  /// ||x_i|| with input normalisation, otherwise nil.
  package let outputScales: [Scalar]?

  /// The same inputs, rounded to another scalar type.
  package func converted<Other: LinearScalar>(to _: Other.Type = Other.self)
    -> PreparedInputs<Other>
  {
    PreparedInputs<Other>(
      rows: rows.converted(), outputScales: outputScales.map { $0.map { Other($0) } })
  }

  /// The inputs listed by number.
  package func subset(_ indices: [Int]) -> PreparedInputs {
    PreparedInputs(
      rows: rows.rows(at: indices),
      outputScales: outputScales.map { all in indices.map { all[$0] } })
  }
}

extension PReLUNetwork {
  /// Shifts and scales inputs of shape (n, inputDimension) for the hidden layer.
  package func prepare(_ inputs: Matrix<Scalar>) -> PreparedInputs<Scalar> {
    precondition(inputs.columns == inputDimension, "inputs of another dimension than the network's")
    if center == nil && !normalizeInput && !hasHiddenBias {
      return PreparedInputs(rows: inputs, outputScales: nil)
    }
    let (dimension, stride) = (inputDimension, hiddenWeights.columns)
    var rows = Matrix<Scalar>(uninitializedRows: inputs.rows, columns: stride)
    var scales = [Scalar](repeating: 0, count: normalizeInput ? inputs.rows : 0)
    rows.withMutablePointer { target in
      inputs.withPointer { source in
        scales.withUnsafeMutableBufferPointer { scales in
          nonisolated(unsafe) let (target, source, scales) = (target, source, scales.baseAddress)
          Parallel.forEachBlock(of: inputs.rows, size: 64) { _, range in
            prepareRows(
              range.count, dimension, source + range.lowerBound * dimension, center: center,
              into: target + range.lowerBound * stride, stride: stride,
              scales: normalizeInput ? scales! + range.lowerBound : nil)
          }
        }
      }
    }
    return PreparedInputs(rows: rows, outputScales: normalizeInput ? scales : nil)
  }
}

/// rows_i <- (x_i - center), divided by its length where `scales` asks for the lengths; a row of length
/// 0 stays 0. Rows are `stride` apart, and one number more than an input is a 1.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func prepareRows<Scalar: LinearScalar>(
  _ count: Int, _ dimension: Int, _ inputs: UnsafePointer<Scalar>, center: [Scalar]?,
  into rows: UnsafeMutablePointer<Scalar>, stride: Int,
  scales: UnsafeMutablePointer<Scalar>?
) {
  for i in 0..<count {
    let source = inputs + i * dimension
    let row = rows + i * stride
    if stride > dimension { row[dimension] = 1 }
    if let center {
      center.withUnsafeBufferPointer { center in
        for j in 0..<dimension { row[j] = source[j] - center[j] }
      }
    } else {
      row.update(from: source, count: dimension)
    }
    guard let scales else { continue }
    let length = RowKernels.norm(dimension, row)
    scales[i] = length
    if length >= Scalar.leastNormalMagnitude {
      let inverse = 1 / length
      for j in 0..<dimension { row[j] *= inverse }
    } else if length > 0 {
      // The reciprocal of a denormal norm may be infinite.
      for j in 0..<dimension { row[j] /= length }
    }
  }
}
