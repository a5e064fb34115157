import COpenBLAS
import Foundation

extension Double: LinearScalar {
  /// C <- beta C + alpha op(A) op(B).
  public static func gemm(
    transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Self,
    a: UnsafePointer<Self>, leadingA: Int, b: UnsafePointer<Self>, leadingB: Int,
    beta: Self, c: UnsafeMutablePointer<Self>, leadingC: Int
  ) {
    if m == 0 || n == 0 { return }
    BLAS.useOneThread()
    cblas_dgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans,
      transposeB ? CblasTrans : CblasNoTrans, blasint(m), blasint(n), blasint(k), alpha, a,
      blasint(leadingA), b, blasint(leadingB), beta, c, blasint(leadingC))
  }

  /// y <- beta y + alpha op(A) x.
  public static func gemv(
    transposeA: Bool, m: Int, n: Int, alpha: Self, a: UnsafePointer<Self>, leadingA: Int,
    x: UnsafePointer<Self>, beta: Self, y: UnsafeMutablePointer<Self>
  ) {
    if m == 0 || n == 0 { return }
    BLAS.useOneThread()
    cblas_dgemv(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, blasint(m), blasint(n), alpha, a,
      blasint(leadingA), x, 1, beta, y, 1)
  }

  /// The inner product of two vectors of `count` numbers.
  public static func dot(_ count: Int, _ x: UnsafePointer<Self>, _ y: UnsafePointer<Self>) -> Self {
    BLAS.useOneThread()
    return cblas_ddot(blasint(count), x, 1, y, 1)
  }

  /// The Euclidean norm of `count` numbers, without overflow or underflow of the squares.
  public static func euclideanNorm(_ count: Int, _ x: UnsafePointer<Self>) -> Self {
    BLAS.useOneThread()
    return cblas_dnrm2(blasint(count), x, 1)
  }

  /// The largest absolute value.
  public static func largestMagnitude(_ count: Int, _ x: UnsafePointer<Self>) -> Self {
    BLAS.useOneThread()
    return count > 0 ? x[Int(cblas_idamax(Int32(count), x, 1))].magnitude : 0
  }

  /// Sum of absolute values.
  public static func absoluteSum(_ count: Int, _ x: UnsafePointer<Self>) -> Self {
    BLAS.useOneThread()
    return cblas_dasum(blasint(count), x, 1)
  }

  /// y <- y + alpha x.
  public static func add(
    _ count: Int, _ alpha: Self, _ x: UnsafePointer<Self>, to y: UnsafeMutablePointer<Self>
  ) {
    BLAS.useOneThread()
    cblas_daxpy(blasint(count), alpha, x, 1, y, 1)
  }

  /// x <- alpha x.
  public static func scale(_ count: Int, _ alpha: Self, _ x: UnsafeMutablePointer<Self>) {
    BLAS.useOneThread()
    cblas_dscal(blasint(count), alpha, x, 1)
  }

  /// Q of the QR factorisation in place, and the diagonal of R.
  public static func orthonormalize(_ m: Int, _ n: Int, _ a: UnsafeMutablePointer<Self>)
    throws(FactorizationError) -> [Self]
  {
    BLAS.useOneThread()
    var rows = blasint(m)
    var columns = blasint(n)
    var info: blasint = 0
    var workSize: blasint = -1
    var tau = [Self](repeating: 0, count: n)
    var work = [Self](repeating: 0, count: 1)
    dgeqrf_(&rows, &columns, a, &rows, &tau, &work, &workSize, &info)
    workSize = blasint(work[0])
    work = [Self](repeating: 0, count: Int(workSize))
    dgeqrf_(&rows, &columns, a, &rows, &tau, &work, &workSize, &info)
    if info != 0 { throw .notConverged(routine: "dgeqrf", info: Int(info)) }
    let diagonal = (0..<n).map { a[$0 * m + $0] }
    var reflectors = columns
    workSize = -1
    dorgqr_(&rows, &columns, &reflectors, a, &rows, &tau, &work, &workSize, &info)
    workSize = blasint(work[0])
    work = [Self](repeating: 0, count: Int(workSize))
    dorgqr_(&rows, &columns, &reflectors, a, &rows, &tau, &work, &workSize, &info)
    if info != 0 { throw .notConverged(routine: "dorgqr", info: Int(info)) }
    return diagonal
  }

  /// LAPACK `gesdd` on a column-major (m, n) `a`, which is destroyed.
  public static func singularValues(
    _ m: Int, _ n: Int, _ a: UnsafeMutablePointer<Self>, vectors: Bool,
    s: UnsafeMutablePointer<Self>, u: UnsafeMutablePointer<Self>, vt: UnsafeMutablePointer<Self>
  ) throws(FactorizationError) {
    BLAS.useOneThread()
    var job: CChar = vectors ? 83 : 78  // 'S' : 'N'
    var rows = blasint(m)
    var columns = blasint(n)
    var leadingU = rows
    var leadingV = blasint(Swift.max(1, Swift.min(m, n)))
    var info: blasint = 0
    var workSize: blasint = -1
    var work = [Self](repeating: 0, count: 1)
    var integers = [blasint](repeating: 0, count: 8 * Swift.min(m, n))
    dgesdd_(
      &job, &rows, &columns, a, &rows, s, u, &leadingU, vt, &leadingV, &work, &workSize, &integers,
      &info)
    workSize = blasint(work[0])
    work = [Self](repeating: 0, count: Int(workSize))
    dgesdd_(
      &job, &rows, &columns, a, &rows, s, u, &leadingU, vt, &leadingV, &work, &workSize, &integers,
      &info)
    if info != 0 { throw .notConverged(routine: "dgesdd", info: Int(info)) }
  }

  /// LAPACK `syevd`: eigenvalues in ascending order, eigenvectors as columns of `a`.
  public static func symmetricEigen(
    _ n: Int, _ a: UnsafeMutablePointer<Self>, vectors: Bool, w: UnsafeMutablePointer<Self>
  ) throws(FactorizationError) {
    BLAS.useOneThread()
    var job: CChar = vectors ? 86 : 78  // 'V' : 'N'
    var triangle: CChar = 85  // 'U'
    var order = blasint(n)
    var info: blasint = 0
    var workSize: blasint = -1
    var integerSize: blasint = -1
    var work = [Self](repeating: 0, count: 1)
    var integers = [blasint](repeating: 0, count: 1)
    dsyevd_(
      &job, &triangle, &order, a, &order, w, &work, &workSize, &integers, &integerSize, &info)
    workSize = blasint(work[0])
    integerSize = integers[0]
    work = [Self](repeating: 0, count: Int(workSize))
    integers = [blasint](repeating: 0, count: Int(integerSize))
    dsyevd_(
      &job, &triangle, &order, a, &order, w, &work, &workSize, &integers, &integerSize, &info)
    if info != 0 { throw .notConverged(routine: "dsyevd", info: Int(info)) }
  }

  /// e to the power x.
  public static func exponential(_ x: Self) -> Self { Foundation.exp(x) }
  /// The natural logarithm of x > 0.
  public static func logarithm(_ x: Self) -> Self { Foundation.log(x) }
  /// x to the power y for x >= 0.
  public static func power(_ x: Self, _ y: Self) -> Self { Foundation.pow(x, y) }
}
