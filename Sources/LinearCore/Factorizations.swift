/// A = U diag(s) V^T with orthonormal columns in U and V.
package struct SingularValueDecomposition<Scalar: LinearScalar>: Sendable {
  /// (rows, r) with r = min(rows, columns).
  package let u: Matrix<Scalar>
  /// The singular values, largest first; r of them.
  package let singularValues: [Scalar]
  /// (r, columns): the right singular vectors as rows.
  package let vTransposed: Matrix<Scalar>
}

/// A = sum_i values[i] vectors[i] vectors[i]^T for a symmetric A.
package struct SymmetricEigendecomposition<Scalar: LinearScalar>: Sendable {
  /// The eigenvalues in ascending order.
  package let values: [Scalar]
  /// The eigenvectors as rows, in the order of `values`.
  package let vectors: Matrix<Scalar>
}

extension Matrix {
  /// The thin singular value decomposition (LAPACK `gesdd`).
  package func singularValueDecomposition() throws(FactorizationError)
    -> SingularValueDecomposition<Scalar>
  {
    let rank = Swift.min(rows, columns)
    var right = Matrix(rows: rank, columns: columns)
    var left = Matrix(rows: rows, columns: rank)
    let values = try factorize(vectors: true, left: &left, right: &right)
    return SingularValueDecomposition(u: left, singularValues: values, vTransposed: right)
  }

  /// The singular values alone, largest first.
  public func singularValues() throws(FactorizationError) -> [Scalar] {
    var none = Matrix(rows: 0, columns: 0)
    var alsoNone = Matrix(rows: 0, columns: 0)
    return try factorize(vectors: false, left: &none, right: &alsoNone)
  }

  /// Row-major memory of A is column-major memory of A^T = V S U^T, so LAPACK's left factor is our
  /// right one, already in the layout we want, and the other way round.
  private func factorize(vectors: Bool, left: inout Matrix, right: inout Matrix)
    throws(FactorizationError) -> [Scalar]
  {
    let rank = Swift.min(rows, columns)
    if rank == 0 { return [] }
    guard isFinite() else { throw .notFinite }
    var work = elements
    var values = [Scalar](repeating: 0, count: rank)
    var leftElements = left.elements
    var rightElements = right.elements
    // LAPACK wants non-null addresses even where it does not look.
    if leftElements.isEmpty { leftElements = [0] }
    if rightElements.isEmpty { rightElements = [0] }
    try Scalar.singularValues(
      columns, rows, &work, vectors: vectors, s: &values, u: &rightElements, vt: &leftElements)
    if vectors {
      left.elements = leftElements
      right.elements = rightElements
    }
    return values
  }

  /// An orthonormal basis of the span of the rows' leading part: Q^T of the QR factorisation of the
  /// transpose, as (rows, columns) with rows <= columns, and the diagonal of R.
  ///
  /// Row i lies in the span of the first i + 1 rows of the matrix when these are independent.
  public func orthonormalizedRows() throws(FactorizationError) -> (
    basis: Matrix, diagonal: [Scalar]
  ) {
    precondition(rows <= columns, "more rows than dimensions cannot be orthonormal")
    guard isFinite() else { throw .notFinite }
    if rows == 0 { return (self, []) }
    var result = self
    // Our rows are LAPACK's columns.
    var work = elements
    let diagonal = try Scalar.orthonormalize(columns, rows, &work)
    result.elements = work
    return (result, diagonal)
  }

  /// Eigenvalues and eigenvectors of a symmetric matrix (LAPACK `syevd`); the upper and lower
  /// triangle must agree.
  package func symmetricEigendecomposition() throws(FactorizationError)
    -> SymmetricEigendecomposition<Scalar>
  {
    precondition(rows == columns, "only a square matrix is symmetric")
    guard isFinite() else { throw .notFinite }
    var work = elements
    var values = [Scalar](repeating: 0, count: rows)
    if rows > 0 { try Scalar.symmetricEigen(rows, &work, vectors: true, w: &values) }
    return SymmetricEigendecomposition(
      values: values, vectors: Matrix(rows: rows, columns: rows, elements: work))
  }
}
