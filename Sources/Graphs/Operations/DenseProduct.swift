import LinearCore

/// The product of a value, (rows, inner) for every sample, with one constant matrix.
struct DenseProduct: GraphOperation {
  /// Rows of a sample, one in a plain network.
  let rows: Int
  let inner: Int
  let columns: Int
  /// Whether the constant is stored as (columns, inner) rather than (inner, columns).
  let isTransposed: Bool

  var work: Int { rows * inner * columns }
  var description: String { rows == 1 ? "dense" : "dense in \(rows) rows" }

  func forward<Scalar: LinearScalar>(
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
