import LinearCore

/// Inputs as the hidden layer sees them: shifted by the network's center and, with input
/// normalisation, scaled to unit length.
///
/// With input normalisation f(x) = ||x|| g(x / ||x||) + bias, where g is the network without
/// normalisation and bias (x already shifted). So everything reduces to g on unit inputs; the lengths
/// come back in as `outputScales`.
public struct PreparedInputs<Scalar: LinearScalar>: Sendable {
  /// (n, inputDimension).
  public let rows: Matrix<Scalar>
  /// ||x_i|| with input normalisation, otherwise nil.
  public let outputScales: [Scalar]?

  /// The inputs listed by number.
  public func subset(_ indices: [Int]) -> PreparedInputs {
    PreparedInputs(
      rows: rows.rows(at: indices),
      outputScales: outputScales.map { all in indices.map { all[$0] } })
  }
}

extension PReLUNetwork {
  /// Shifts and scales inputs of shape (n, inputDimension) for the hidden layer.
  public func prepare(_ inputs: Matrix<Scalar>) -> PreparedInputs<Scalar> {
    precondition(inputs.columns == inputDimension, "inputs of another dimension than the network's")
    var rows = inputs
    if let center { rows.subtractFromRows(center) }
    guard normalizeInput else { return PreparedInputs(rows: rows, outputScales: nil) }
    let lengths = rows.rowNorms()
    return PreparedInputs(rows: rows.rowsNormalized(), outputScales: lengths)
  }
}
