import COpenBLAS

extension Double {
  /// B <- B U^-1 for an upper triangular U; below its diagonal U is not read.
  ///
  /// - Parameters:
  ///   - rows: rows of B.
  ///   - n: columns of B, rows and columns of U; both are row-major without gaps.
  package static func solveFromRight(
    rows: Int, _ n: Int, _ u: UnsafePointer<Double>, _ b: UnsafeMutablePointer<Double>
  ) {
    if rows == 0 || n == 0 { return }
    BLAS.useOneThread()
    cblas_dtrsm(
      CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, blasint(rows),
      blasint(n), 1, u, blasint(n), b, blasint(n))
  }

  /// x <- U^-1 x, or U^-T x, for an upper triangular row-major (n, n) matrix U.
  package static func solveTriangular(
    _ n: Int, _ u: UnsafePointer<Double>, transposed: Bool, _ x: UnsafeMutablePointer<Double>
  ) {
    if n == 0 { return }
    BLAS.useOneThread()
    cblas_dtrsv(
      CblasRowMajor, CblasUpper, transposed ? CblasTrans : CblasNoTrans, CblasNonUnit,
      blasint(n), u, blasint(n), x, 1)
  }
}
