/// Loops over one row whose sums are taken eight lanes at a time: a plain loop cannot be vectorised,
/// because that would change the order of its additions.
package enum RowKernels {
  /// The Euclidean norm of `count` numbers: sums of squares in eight lanes, rescaled first where the
  /// squares would leave the normal range (numbers below 1e-15 in Float).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package static func norm<Scalar: LinearScalar>(_ count: Int, _ x: UnsafePointer<Scalar>) -> Scalar
  {
    var sums = SIMD8<Scalar>(repeating: 0)
    var i = 0
    while i &+ 8 <= count {
      let lane = UnsafeRawPointer(x + i).loadUnaligned(as: SIMD8<Scalar>.self)
      sums += lane * lane
      i &+= 8
    }
    var sum = sums.sum()
    while i < count {
      sum += x[i] * x[i]
      i &+= 1
    }
    let safe = Scalar.leastNormalMagnitude / Scalar.ulpOfOne
    return sum > safe && sum.isFinite ? sum.squareRoot() : Scalar.euclideanNorm(count, x)
  }

  /// The sum of `count` numbers, in eight lanes.
  @inline(__always)
  private static func sum<Scalar: LinearScalar>(_ count: Int, _ x: UnsafePointer<Scalar>) -> Scalar
  {
    var sums = SIMD8<Scalar>(repeating: 0)
    var i = 0
    while i &+ 8 <= count {
      sums += UnsafeRawPointer(x + i).loadUnaligned(as: SIMD8<Scalar>.self)
      i &+= 8
    }
    var sum = sums.sum()
    while i < count {
      sum += x[i]
      i &+= 1
    }
    return sum
  }

  /// How many of the numbers are at least `level`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package static func countAtLeast<Scalar: LinearScalar>(
    _ level: Scalar, _ count: Int, _ x: UnsafePointer<Scalar>
  ) -> Int {
    // Integers may be added in any order, which leaves the loop to the compiler.
    var total: Int32 = 0
    for i in 0..<count { total &+= x[i] >= level ? 1 : 0 }
    return Int(total)
  }

  /// The `k`-th largest of `count` non-negative numbers, 1 <= k <= count, found by bisection: all
  /// numbers that are at least the result are the k largest, and those equal to the smallest of them.
  ///
  /// Of numbers closer together than 2^-60 of the largest, more than k may be kept.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package static func threshold<Scalar: LinearScalar>(
    ofLargest k: Int, _ count: Int, _ x: UnsafePointer<Scalar>
  ) -> Scalar {
    precondition(k >= 1 && k <= count, "a rank among the numbers")
    var low: Scalar = 0
    var high: Scalar = 0
    for i in 0..<count { high = Swift.max(high, x[i]) }
    if countAtLeast(high, count, x) >= k { return high }
    // At least k numbers reach `low`, fewer than k reach `high`.
    for _ in 0..<60 {
      let middle = low + (high - low) / 2
      if middle <= low || middle >= high { break }
      let reached = countAtLeast(middle, count, x)
      if reached >= k { low = middle } else { high = middle }
      if reached == k { break }
    }
    return low
  }

  /// sum_i min(max(size_i - level, 0), room_i), and the number of terms that move with the level.
  @inline(__always)
  private static func clippedSum<Scalar: LinearScalar>(
    _ level: Scalar, _ count: Int, sizes: UnsafePointer<Scalar>, room: UnsafePointer<Scalar>,
    scratch: UnsafeMutablePointer<Scalar>
  ) -> (sum: Scalar, moving: Int) {
    var moving: Int32 = 0
    for i in 0..<count {
      let rest = sizes[i] - level
      scratch[i] = Swift.min(Swift.max(rest, 0), room[i])
      moving &+= (rest > 0 ? 1 : 0) & (rest < room[i] ? 1 : 0)
    }
    return (sum(count, scratch), Int(moving))
  }

  /// The level t >= 0 with sum_i min(max(size_i - t, 0), room_i) = radius, or 0 where the sum at 0 is
  /// not larger: the projection of a perturbation with the absolute values `sizes` on the l1 ball and
  /// the box that leaves `room` to each coordinate.
  ///
  /// The sum is piecewise linear in t: Newton's method inside a bracket ends within a few steps. The
  /// sum at the result exceeds the radius by a few units in the last place at most.
  /// ``Norm/project(_:radius:around:box:)`` is the exact and slower way.
  ///
  /// - Parameter scratch: `count` numbers.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package static func softThreshold<Scalar: LinearScalar>(
    radius: Scalar, _ count: Int, sizes: UnsafePointer<Scalar>, room: UnsafePointer<Scalar>,
    scratch: UnsafeMutablePointer<Scalar>
  ) -> Scalar {
    var (sum, moving) = clippedSum(0, count, sizes: sizes, room: room, scratch: scratch)
    if sum <= radius { return 0 }
    var low: Scalar = 0
    var high: Scalar = 0
    for i in 0..<count { high = Swift.max(high, sizes[i]) }
    var level: Scalar = 0
    let tolerance = 8 * Scalar.ulpOfOne * radius
    for _ in 0..<100 {
      if (sum - radius).magnitude <= tolerance { return level }
      if sum > radius { low = level } else { high = level }
      let newton = level + (sum - radius) / Scalar(moving)
      let next = newton > low && newton < high ? newton : low + (high - low) / 2
      if next <= low || next >= high { break }
      level = next
      (sum, moving) = clippedSum(level, count, sizes: sizes, room: room, scratch: scratch)
    }
    return high
  }
}
