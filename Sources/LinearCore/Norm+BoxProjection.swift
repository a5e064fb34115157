extension Norm {
  /// Replaces the perturbation `d` by its Euclidean projection on the set of u with ||u|| <= radius
  /// and lower <= origin + u <= upper, where the origin lies in the box.
  ///
  /// By the optimality conditions the projection is clip(d / (1 + t)) for l2 and
  /// clip(soft threshold of d at t) for l1, with the smallest t >= 0 that fits the ball. The norm falls
  /// monotonically in t and is explicit between the points where a coordinate meets its bound; these
  /// are sorted, so t is exact.
  /// - Complexity: O(n) when the clipped point lies in the ball, else O(n log n).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func project<Scalar: LinearScalar>(
    _ d: UnsafeMutableBufferPointer<Scalar>, radius: Scalar, around origin: UnsafePointer<Scalar>,
    box: ClosedRange<Scalar>
  ) {
    project(d, radius: radius, around: origin) { _ in (box.lowerBound, box.upperBound) }
  }

  /// ``project(_:radius:around:box:)`` with a range a coordinate.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func project<Scalar: LinearScalar>(
    _ d: UnsafeMutableBufferPointer<Scalar>, radius: Scalar, around origin: UnsafePointer<Scalar>,
    bounds: BoxBounds<Scalar>
  ) {
    let (lower, upper) = (bounds.lower, bounds.upper)
    project(d, radius: radius, around: origin) { (lower[$0], upper[$0]) }
  }

  @inline(__always)
  private func project<Scalar: LinearScalar>(
    _ d: UnsafeMutableBufferPointer<Scalar>, radius: Scalar, around origin: UnsafePointer<Scalar>,
    bounds: (Int) -> (lower: Scalar, upper: Scalar)
  ) {
    precondition(radius >= 0, "a ball has a radius of at least 0")
    guard let base = d.baseAddress else { return }
    let count = d.count
    if self == .linf { project(d, radius: radius) }
    // |d_i| after clipping is min(|d_i|, room_i): each coordinate has one bound that can matter.
    var room = [Double](repeating: 0, count: count)
    var size = [Double](repeating: 0, count: count)
    var clippedNorm = 0.0
    for i in 0..<count {
      room[i] = Double(Self.room(origin[i], towardsLower: base[i] < 0, bounds(i)))
      size[i] = Double(base[i].magnitude)
      let clipped = Swift.min(size[i], room[i])
      clippedNorm += self == .l2 ? clipped * clipped : clipped
    }
    let target = self == .l2 ? Double(radius) * Double(radius) : Double(radius)
    var result = zip(size, room).map { Swift.min($0, $1) }
    if self != .linf && clippedNorm > target {
      result =
        self == .l2
        ? Self.shrink(size, room, target: target) : Self.threshold(size, room, target: target)
    }
    for i in 0..<count { base[i] = Scalar(base[i] < 0 ? -result[i] : result[i]) }
  }

  /// How far a coordinate may move such that origin + room, as rounded, still lies in the box.
  @inline(__always)
  private static func room<Scalar: LinearScalar>(
    _ origin: Scalar, towardsLower: Bool, _ box: (lower: Scalar, upper: Scalar)
  ) -> Scalar {
    let space = towardsLower ? origin - box.lower : box.upper - origin
    let outside =
      towardsLower ? origin - space < box.lower : origin + space > box.upper
    return Swift.max(outside ? space.nextDown : space, 0)
  }

  /// min(s size_i, room_i) with the s in [0, 1] for which the squares sum to `target`.
  private static func shrink(_ size: [Double], _ room: [Double], target: Double) -> [Double] {
    // Coordinate i meets its bound at s = room_i / size_i. Walk s upwards through these points.
    let meeting = size.indices.filter { size[$0] > room[$0] }
      .map { (s: room[$0] / size[$0], index: $0) }.sorted { $0.s < $1.s }
    // free[k]: the squares that still move after the first k points. Summed from the end: taking a
    // huge square off a sum would drown the small ones.
    var free = [Double](repeating: 0, count: meeting.count + 1)
    for i in size.indices where size[i] <= room[i] { free[meeting.count] += size[i] * size[i] }
    for k in meeting.indices.reversed() {
      let moving = size[meeting[k].index]
      free[k] = free[k + 1] + moving * moving
    }
    var fixed = 0.0
    var passed = 0
    for point in meeting {
      if fixed + free[passed] * point.s * point.s >= target { break }
      fixed += room[point.index] * room[point.index]
      passed += 1
    }
    let rest = free[passed]
    let s = rest > 0 ? (Swift.max(target - fixed, 0) / rest).squareRoot() : 1
    return zip(size, room).map { Swift.min(s * $0, $1) }
  }

  /// min(max(size_i - t, 0), room_i) with the t >= 0 for which they sum to `target`.
  private static func threshold(_ size: [Double], _ room: [Double], target: Double) -> [Double] {
    func sum(_ t: Double) -> Double {
      zip(size, room).reduce(0) { $0 + Swift.min(Swift.max($1.0 - t, 0), $1.1) }
    }
    // Between two neighbours among the points size_i and size_i - room_i the sum is linear in t. Find
    // the last point that does not fit the ball by bisection: the sum at a point, unlike one carried
    // along from point to point, is accurate whatever the other sizes are.
    var points: [Double] = [0]
    for i in size.indices where size[i] > 0 && room[i] > 0 {
      points.append(size[i])
      if size[i] > room[i] { points.append(size[i] - room[i]) }
    }
    points.sort()
    var low = 0
    var high = points.count - 1
    while high - low > 1 {
      let middle = (low + high) / 2
      if sum(points[middle]) > target { low = middle } else { high = middle }
    }
    // In between, coordinates rest at their bound, move with t, or are 0.
    var resting = 0.0
    var moving = 0.0
    var count = 0.0
    for i in size.indices where room[i] > 0 && size[i] > points[low] {
      if size[i] - room[i] >= points[high] {
        resting += room[i]
      } else {
        // Relative to the lower point, which keeps the digits of the difference.
        moving += size[i] - points[low]
        count += 1
      }
    }
    let excess = moving - (target - resting)
    let t = count > 0 ? points[low] + excess / count : points[high]
    return zip(size, room).map { Swift.min(Swift.max($0 - t, 0), $1) }
  }
}
