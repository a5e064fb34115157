import LinearCore
import Synchronization

private let threadCountLock = Mutex(())

/// Runs `body` with ``Parallel/threadCount`` set, while no other test of this target sets it.
func withThreads<Result>(_ count: Int, _ body: () throws -> Result) rethrows -> Result {
  try threadCountLock.withLock { _ in
    Parallel.threadCount = count
    defer { Parallel.threadCount = 0 }
    return try body()
  }
}

extension LinearScalar {
  /// The unit roundoff u: a correctly rounded operation is exact up to a factor 1 + d, |d| <= u.
  static var unitRoundoff: Double { Double(ulpOfOne) / 2 }
}

extension Matrix {
  /// A copy in Double.
  var wide: Matrix<Double> { converted(to: Double.self) }
}

/// The largest entry of |a - b| / bound, counting 0/0 as 0; not above 1 when every entry keeps its bound.
func worstRatio(_ a: [Double], _ b: [Double], bound: [Double]) -> Double {
  zip(zip(a, b), bound).reduce(0) { worst, entry in
    let difference = abs(entry.0.0 - entry.0.1)
    if difference.isNaN { return .infinity }
    return difference == 0 ? worst : max(worst, difference / entry.1)
  }
}
