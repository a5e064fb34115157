import LinearCore

/// The product of a value, (rows, inner) for every sample, with one constant matrix.
package struct DenseProduct: GraphOperation {
  /// Rows of a sample, one in a plain network.
  package let rows: Int
  package let inner: Int
  package let columns: Int
  /// Whether the constant is stored as (columns, inner) rather than (inner, columns).
  package let isTransposed: Bool

  package var work: Int { rows * inner * columns }
  package var description: String { rows == 1 ? "dense" : "dense in \(rows) rows" }

  package func forward<Scalar: LinearScalar>(
    _ inputs: inout [Matrix<Scalar>], constants: [Matrix<Scalar>], keepsWayBack: Bool
  ) -> GraphPass<Scalar> {
    let weights = constants[0].reshaped(columns: isTransposed ? inner : columns)
    let values = Matrix.product(
      inputs[0].taken().reshaped(columns: inner), weights, transposeB: isTransposed
    ).reshaped(columns: rows * columns)
    guard keepsWayBack else { return GraphPass(values, backward: nil) }
    return GraphPass(values) { cotangent in
      [
        Matrix.product(
          cotangent.reshaped(columns: columns), weights, transposeB: !isTransposed
        ).reshaped(columns: rows * inner)
      ]
    }
  }
}
