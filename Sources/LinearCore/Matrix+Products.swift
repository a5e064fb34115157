extension Matrix {
  /// Rows or columns of the result that one piece of work computes. Part of the definition of the
  /// result: another size rounds differently.
  private static var blockSize: Int { 256 }

  /// op(a) op(b), where op transposes when asked to.
  public static func product(
    _ a: Matrix, transposeA: Bool = false, _ b: Matrix, transposeB: Bool = false
  ) -> Matrix {
    var result = Matrix(
      uninitializedRows: transposeA ? a.columns : a.rows,
      columns: transposeB ? b.rows : b.columns)
    result.accumulate(a, transposeA: transposeA, b, transposeB: transposeB, beta: 0)
    return result
  }

  /// self <- beta self + alpha op(a) op(b), without a temporary.
  ///
  /// With `beta` zero the old entries are not read. The result is the same on any number of threads.
  public mutating func accumulate(
    _ a: Matrix, transposeA: Bool = false, _ b: Matrix, transposeB: Bool = false,
    alpha: Scalar = 1, beta: Scalar = 1
  ) {
    let m = transposeA ? a.columns : a.rows
    let inner = transposeA ? a.rows : a.columns
    let n = transposeB ? b.rows : b.columns
    precondition(inner == (transposeB ? b.columns : b.rows), "inner dimensions differ")
    precondition(rows == m && columns == n, "the product has another shape")
    let leadingA = Swift.max(1, a.columns)
    let leadingB = Swift.max(1, b.columns)
    a.withPointer { aBase in
      b.withPointer { bBase in
        withMutablePointer { cBase in
          // The longer side of the result is cut, so that every piece is a decent product.
          if m >= n {
            Parallel.forEachBlock(of: m, size: Self.blockSize) { _, range in
              Scalar.gemm(
                transposeA: transposeA, transposeB: transposeB, m: range.count, n: n, k: inner,
                alpha: alpha,
                a: aBase + (transposeA ? range.lowerBound : range.lowerBound * leadingA),
                leadingA: leadingA, b: bBase, leadingB: leadingB, beta: beta,
                c: cBase + range.lowerBound * n, leadingC: n)
            }
          } else {
            Parallel.forEachBlock(of: n, size: Self.blockSize) { _, range in
              Scalar.gemm(
                transposeA: transposeA, transposeB: transposeB, m: m, n: range.count, k: inner,
                alpha: alpha, a: aBase, leadingA: leadingA,
                b: bBase + (transposeB ? range.lowerBound * leadingB : range.lowerBound),
                leadingB: leadingB, beta: beta, c: cBase + range.lowerBound, leadingC: n)
            }
          }
        }
      }
    }
  }

  /// The matrix times a vector of `columns` entries.
  public func times(_ vector: [Scalar]) -> [Scalar] {
    precondition(vector.count == columns, "the vector has another length than a row")
    var result = [Scalar](repeating: 0, count: rows)
    withPointer {
      Scalar.gemv(
        transposeA: false, m: rows, n: columns, alpha: 1, a: $0, leadingA: Swift.max(1, columns),
        x: vector, beta: 0, y: &result)
    }
    return result
  }
}
