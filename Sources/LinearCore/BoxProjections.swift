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
    precondition(radius >= 0, "a ball has a radius of at least 0")
    guard let base = d.baseAddress else { return }
    let count = d.count
    if self == .linf { project(d, radius: radius) }
    // |d_i| after clipping is min(|d_i|, room_i): each coordinate has one bound that can matter.
    var room = [Double](repeating: 0, count: count)
    var size = [Double](repeating: 0, count: count)
    var clippedNorm = 0.0
    for i in 0..<count {
      let space = base[i] < 0 ? origin[i] - box.lowerBound : box.upperBound - origin[i]
      room[i] = Swift.max(Double(space), 0)
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

  /// min(s size_i, room_i) with the s in [0, 1] for which the squares sum to `target`.
  private static func shrink(_ size: [Double], _ room: [Double], target: Double) -> [Double] {
    // Coordinate i meets its bound at s = room_i / size_i. Walk s upwards through these points.
    let meeting = size.indices.filter { size[$0] > room[$0] }
      .map { (s: room[$0] / size[$0], index: $0) }.sorted { $0.s < $1.s }
    var free = size.reduce(0) { $0 + $1 * $1 }
    var fixed = 0.0
    var s = 1.0
    for point in meeting {
      if fixed + free * point.s * point.s >= target { break }
      let i = point.index
      free -= size[i] * size[i]
      fixed += room[i] * room[i]
    }
    s = free > 0 ? (Swift.max(target - fixed, 0) / free).squareRoot() : 1
    return zip(size, room).map { Swift.min(s * $0, $1) }
  }

  /// min(max(size_i - t, 0), room_i) with the t >= 0 for which they sum to `target`.
  private static func threshold(_ size: [Double], _ room: [Double], target: Double) -> [Double] {
    // Coordinate i moves with t on (size_i - room_i, size_i): walk t downwards from the largest size.
    var events: [(t: Double, slope: Int)] = []
    for i in size.indices where size[i] > 0 && room[i] > 0 {
      events.append((size[i], 1))
      if size[i] > room[i] { events.append((size[i] - room[i], -1)) }
    }
    events.sort { $0.t > $1.t }
    var t = events.first?.t ?? 0
    var sum = 0.0
    var slope = 0
    for event in events {
      let next = sum + Double(slope) * (t - event.t)
      if next >= target { break }
      sum = next
      t = event.t
      slope += event.slope
    }
    if slope > 0 { t -= (target - sum) / Double(slope) }
    return zip(size, room).map { Swift.min(Swift.max($0 - t, 0), $1) }
  }
}
