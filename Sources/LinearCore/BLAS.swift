import COpenBLAS

/// Process-wide set-up of the BLAS library.
enum BLAS {
  private static let oneThread: Void = openblas_set_num_threads(1)

  /// Makes every BLAS call run on the calling thread.
  ///
  /// The package partitions work itself (``Parallel``), by a rule that does not depend on the number
  /// of threads, so that results do not either.
  @inline(__always)
  static func useOneThread() { _ = oneThread }
}
