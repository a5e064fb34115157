import LinearCore

/// Rows of mean 0 and variance 1, and the way back.
package enum RowNormalization {
  /// The samples with mean 0 and variance 1, and 1 / sqrt(variance + epsilon) of each.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package static func normalize<Scalar: LinearScalar>(_ inputs: Matrix<Scalar>, epsilon: Double)
    -> (Matrix<Scalar>, [Scalar])
  {
    let count = inputs.columns
    var result = Matrix<Scalar>(uninitializedRows: inputs.rows, columns: count)
    var inverses = [Scalar](repeating: 0, count: inputs.rows)
    result.withMutablePointer { target in
      inputs.withPointer { source in
        for i in 0..<inputs.rows {
          let (x, y) = (source + i * count, target + i * count)
          let mean = Scalar(BlockedSummation.sum(count, x) / Double(count))
          for k in 0..<count { y[k] = x[k] - mean }
          let variance = BlockedSummation.dot(count, y, y) / Double(count)
          let inverse = Scalar(1 / (variance + epsilon).squareRoot())
          for k in 0..<count { y[k] *= inverse }
          inverses[i] = inverse
        }
      }
    }
    return (result, inverses)
  }

  /// From the derivatives with respect to normalised samples u, in place, to those with respect to samples:
  /// inverse deviation x (g - mean g - u mean(g u)).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package static func projectOut<Scalar: LinearScalar>(
    _ gradient: inout Matrix<Scalar>, _ normalized: Matrix<Scalar>, _ inverses: [Scalar]
  ) {
    let (rows, count) = (gradient.rows, gradient.columns)
    gradient.withMutablePointer { gradient in
      normalized.withPointer { normalized in
        for i in 0..<rows {
          let (g, u) = (gradient + i * count, normalized + i * count)
          let mean = Scalar(BlockedSummation.sum(count, g) / Double(count))
          let slope = Scalar(BlockedSummation.dot(count, g, u) / Double(count))
          let inverse = inverses[i]
          for k in 0..<count { g[k] = inverse * (g[k] - mean - u[k] * slope) }
        }
      }
    }
  }
}
