import LinearCore

/// The smallest perturbation beyond several hyperplanes at once, in a norm and a box.
///
/// For a mixture m of the planes, the sum of m_j (<normal_j, u> - offset_j) over the perturbations u of size
/// r in the box is largest at a point that is simply told (``Ball``); below 0 it shows that no u of size r is
/// beyond all planes, and its slope in r says from which size on the mixture alone allows one. So r grows
/// from below, by Newton's method. Where no mixture objects any more, the mean of these points with the
/// shares that make the worst plane best is beyond all planes (``MatrixGame``; the decomposition of Dantzig
/// and Wolfe, *Operations Research* 1960).
struct PlaneIntersection {
  /// A row a plane.
  let normals: [[Double]]
  /// <normal_j, u> >= offset_j is beyond plane j.
  let offsets: [Double]
  let ball: Ball

  private static var rounds: Int { 200 }
  /// How far behind a plane the result may be, relative to the largest offset.
  private static var tolerance: Double { 1e-8 }
  private static var memory: Int { 32 }

  /// A mixture of planes with the point where it is largest.
  private struct Column {
    let shares: [Double]
    let point: [Double]
    /// How far the point is beyond each plane.
    let gains: [Double]
    let total: Double
    let slope: Double
  }

  /// The smallest perturbation; nil where 0 is beyond all planes, and where no perturbation smaller than
  /// `limit` is.
  func nearestPoint(below limit: Double) -> [Double]? {
    let count = offsets.count
    let largest = offsets.reduce(0) { max($0, $1) }
    if !(largest > 0 && largest.isFinite) { return nil }
    let tolerance = Self.tolerance * largest
    var radius = 0.0
    for j in 0..<count where offsets[j] > 0 {
      radius = max(radius, offsets[j] / ball.norm.dual.length(normals[j]))
    }
    if !(radius > 0 && radius.isFinite) { return nil }
    var mixtures = (0..<count).map { j in (0..<count).map { $0 == j ? 1.0 : 0.0 } }
    var columns = mixtures.map { column($0, radius) }
    for _ in 0..<Self.rounds where radius < limit {
      let game = MatrixGame(columns: columns.map(\.gains))
      if game.value >= -tolerance { return mean(columns, game.columnShares) }
      let next = column(game.rowShares, radius)
      if next.total < -tolerance {
        if !(next.slope > 0) { return nil }
        radius -= next.total / next.slope
        mixtures = Array((mixtures + [next.shares]).suffix(Self.memory))
        columns = mixtures.map { column($0, radius) }
      } else if next.total - game.value <= tolerance {
        return mean(columns, game.columnShares)
      } else {
        mixtures.append(next.shares)
        columns.append(next)
      }
    }
    return nil
  }

  private func column(_ shares: [Double], _ radius: Double) -> Column {
    var direction = [Double](repeating: 0, count: normals[0].count)
    for (normal, share) in zip(normals, shares) where share > 0 {
      for k in direction.indices { direction[k] += share * normal[k] }
    }
    let (point, slope) = ball.farthest(along: direction, radius: radius)
    let gains = zip(normals, offsets).map { normal, offset in
      zip(normal, point).reduce(0) { $0 + $1.0 * $1.1 } - offset
    }
    return Column(
      shares: shares, point: point, gains: gains,
      total: zip(shares, gains).reduce(0) { $0 + $1.0 * $1.1 }, slope: slope)
  }

  private func mean(_ columns: [Column], _ shares: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: normals[0].count)
    for (column, share) in zip(columns, shares) where share > 0 {
      for k in result.indices { result[k] += share * column.point[k] }
    }
    return result
  }
}

extension PlaneIntersection {
  /// The perturbations of at most some size that keep a sample in its box.
  struct Ball {
    let norm: Norm
    /// How far each coordinate may fall and rise; nil without a box.
    let room: (below: [Double], above: [Double])?

    /// The point that goes farthest in a direction, and how much farther it goes for every unit of radius.
    func farthest(along direction: [Double], radius: Double) -> (point: [Double], slope: Double) {
      let limits = direction.indices.map { j in
        room.map { direction[j] > 0 ? $0.above[j] : $0.below[j] } ?? .infinity
      }
      switch norm {
      case .linf:
        let sizes = limits.map { min($0, radius) }
        let slope = direction.indices.reduce(0) {
          $0 + (limits[$1] > radius ? direction[$1].magnitude : 0)
        }
        return (signed(sizes, direction), slope)
      case .l1: return greedy(direction, limits, radius)
      case .l2: return round(direction, limits, radius)
      }
    }

    private func signed(_ sizes: [Double], _ direction: [Double]) -> [Double] {
      zip(sizes, direction).map { $1 > 0 ? $0 : $1 < 0 ? -$0 : 0 }
    }

    /// l1: the coordinates of largest weight first, each as far as the box allows.
    private func greedy(_ direction: [Double], _ limits: [Double], _ radius: Double) -> (
      [Double], Double
    ) {
      var sizes = [Double](repeating: 0, count: direction.count)
      let heights = direction.map(\.magnitude)
      let open = direction.indices.filter { heights[$0] > 0 && limits[$0] > 0 }
      // Without a box the first takes all.
      let order =
        room == nil
        ? Array([open.max { heights[$0] < heights[$1] }].compactMap { $0 })
        : open.sorted { heights[$0] > heights[$1] }
      var left = radius
      for j in order {
        sizes[j] = min(left, limits[j])
        left -= sizes[j]
        if left <= 0 && limits[j] > sizes[j] { return (signed(sizes, direction), heights[j]) }
      }
      return (signed(sizes, direction), 0)
    }

    /// l2: clip(s direction) with the factor s that gives it its length.
    private func round(_ direction: [Double], _ limits: [Double], _ radius: Double) -> (
      [Double], Double
    ) {
      // Of a coordinate on its bound the size is known; the others share the rest. Every round finds more
      // on their bounds.
      var isFree = direction.map { $0 != 0 }
      var factor = 0.0
      for _ in 0...direction.count {
        var (rest, square) = (radius * radius, 0.0)
        for j in direction.indices where direction[j] != 0 {
          if isFree[j] {
            square += direction[j] * direction[j]
          } else {
            rest -= limits[j] * limits[j]
          }
        }
        if square == 0 || rest <= 0 { break }
        factor = (rest / square).squareRoot()
        var hasChanged = false
        for j in direction.indices where isFree[j] && factor * direction[j].magnitude > limits[j] {
          isFree[j] = false
          hasChanged = true
        }
        if !hasChanged {
          let sizes = zip(direction, limits).map { min(factor * $0.magnitude, $1) }
          return (signed(sizes, direction), radius / factor)
        }
      }
      return (signed(limits.map { $0.isFinite ? $0 : 0 }, direction), 0)
    }
  }
}
