/// A floating-point type for which BLAS and LAPACK routines exist: `Float` and `Double`.
///
/// The requirements are the routines the package uses, in row-major convention for BLAS and in
/// LAPACK's own column-major convention for factorisations. They are building blocks; ordinary code
/// uses ``Matrix``.
public protocol LinearScalar:
  BinaryFloatingPoint, SIMDScalar, Codable, Sendable, CustomStringConvertible
{
  /// C <- beta C + alpha op(A) op(B) on row-major storage, on one thread.
  ///
  /// `op(A)` is (m, k), `op(B)` is (k, n), C is (m, n); leading dimensions count elements of a row.
  static func gemm(
    transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Self,
    a: UnsafePointer<Self>, leadingA: Int, b: UnsafePointer<Self>, leadingB: Int,
    beta: Self, c: UnsafeMutablePointer<Self>, leadingC: Int)

  /// y <- beta y + alpha op(A) x for a row-major A of shape (m, n), on one thread.
  static func gemv(
    transposeA: Bool, m: Int, n: Int, alpha: Self, a: UnsafePointer<Self>, leadingA: Int,
    x: UnsafePointer<Self>, beta: Self, y: UnsafeMutablePointer<Self>)

  /// The inner product of two vectors of `count` elements.
  static func dot(_ count: Int, _ x: UnsafePointer<Self>, _ y: UnsafePointer<Self>) -> Self
  /// The Euclidean norm of a vector, without overflow or underflow of the squares.
  static func euclideanNorm(_ count: Int, _ x: UnsafePointer<Self>) -> Self
  /// The sum of absolute values of a vector.
  static func absoluteSum(_ count: Int, _ x: UnsafePointer<Self>) -> Self
  /// The largest absolute value among `count` numbers, none of them NaN; 0 for none.
  static func largestMagnitude(_ count: Int, _ x: UnsafePointer<Self>) -> Self
  /// y <- y + alpha x.
  static func add(
    _ count: Int, _ alpha: Self, _ x: UnsafePointer<Self>, to y: UnsafeMutablePointer<Self>)
  /// x <- alpha x.
  static func scale(_ count: Int, _ alpha: Self, _ x: UnsafeMutablePointer<Self>)

  /// LAPACK `geqrf` followed by `orgqr`: overwrites the column-major (m, n) `a`, m >= n, with Q, and
  /// returns the diagonal of R.
  static func orthonormalize(_ m: Int, _ n: Int, _ a: UnsafeMutablePointer<Self>)
    throws(FactorizationError) -> [Self]
  /// LAPACK `gesdd` with `jobz = 'S'` on a column-major (m, n) `a` (destroyed).
  static func singularValues(
    _ m: Int, _ n: Int, _ a: UnsafeMutablePointer<Self>, vectors: Bool,
    s: UnsafeMutablePointer<Self>, u: UnsafeMutablePointer<Self>, vt: UnsafeMutablePointer<Self>)
    throws(FactorizationError)
  /// LAPACK `syevd`: eigenvalues in ascending order; with `vectors`, `a` is overwritten by them, one
  /// a column (column-major).
  static func symmetricEigen(
    _ n: Int, _ a: UnsafeMutablePointer<Self>, vectors: Bool, w: UnsafeMutablePointer<Self>)
    throws(FactorizationError)

  /// x_i <- x_i^fraction for x_i >= 0 and 0 < fraction < 1.
  static func raise(_ count: Int, _ x: UnsafeMutablePointer<Self>, toFraction fraction: Double)

  /// x_i <- sqrt(x_i) for x_i >= 0, quicker than one by one. In `Float` the relative error is below 2e-7
  /// for normal numbers; a denormal number becomes some number below 1e-18.
  static func root(_ count: Int, _ x: UnsafeMutablePointer<Self>)

  /// Replaces denormal numbers by 0, without branches.
  static func flushDenormals(_ count: Int, _ x: UnsafeMutablePointer<Self>)

  /// e to the power x.
  static func exponential(_ x: Self) -> Self
  /// The natural logarithm of x > 0.
  static func logarithm(_ x: Self) -> Self
  /// x^y for x >= 0, from the C library.
  static func power(_ x: Self, _ y: Self) -> Self
}

/// Why a matrix factorisation failed.
public enum FactorizationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The matrix holds NaN or infinity.
  case notFinite
  /// LAPACK's iteration did not converge; `info` is LAPACK's code.
  case notConverged(routine: String, info: Int)

  /// One line for a person.
  public var description: String {
    switch self {
    case .notFinite:
      "cannot factorise a matrix that holds NaN or infinity"
    case .notConverged(let routine, let info):
      "LAPACK's \(routine) did not converge (info = \(info))"
    }
  }
}
