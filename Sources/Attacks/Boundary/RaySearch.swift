import LinearCore

/// The search for the decision boundary on one ray delta = s d: which scale s to look at next.
///
/// The margin m(s) falls from above 0, at s = 0, to below. Newton steps with the slope at hand bracket
/// its root; then false position with halved weights (the Illinois method) closes in on it. Points aim
/// at the fooled side by half of the tolerance, so that the end found is as near as asked for.
struct RaySearch<Scalar: LinearScalar> {
  /// A scale and the margin there.
  typealias Point = (scale: Scalar, margin: Scalar)

  /// The smallest scale known to fool: its margin is below 0.
  private(set) var upper: Point?
  /// The largest scale below it known not to.
  private(set) var lower: Point?
  /// The margin's slope; 0 where unknown.
  private var slope: Scalar
  /// Larger scales are of no use.
  private let limit: Scalar
  /// How far the end may lie from the boundary, relative to the scale.
  private let tolerance: Scalar
  private var weights: (lower: Scalar, upper: Scalar) = (1, 1)
  private var hasFailed = false
  private var isFirst = true
  private var lastWasUpper: Bool?

  /// A search that looks at s = 1 first.
  ///
  /// - Parameter slope: the slope of the margin near s = 1, below 0; 0 where unknown.
  init(slope: Scalar, limit: Scalar = .infinity, tolerance: Scalar) {
    self.slope = slope < 0 && slope.isFinite ? slope : 0
    self.limit = limit
    self.tolerance = tolerance
  }

  /// Whether the margin is above 0 at `limit`, or almost certainly so.
  var isAbandoned: Bool { hasFailed }

  /// The scale to evaluate next, or nil at the end.
  mutating func next() -> Scalar? {
    if hasFailed { return nil }
    if isFirst {
      isFirst = false
      return Swift.min(1, limit)
    }
    if let lower, let upper { return between(lower, upper) }
    if let upper { return below(upper) }
    if let lower { return above(lower) }
    return 1
  }

  /// Takes note of the margin at a scale.
  mutating func record(_ scale: Scalar, _ margin: Scalar) {
    isFirst = false
    guard margin.isFinite else {
      hasFailed = upper == nil
      if let upper { lower = (upper.scale * (1 - tolerance / 2), 0) }
      return
    }
    // Illinois: an end that stays where it is while the other moves twice in a row loses half its weight.
    let isUpper = margin < 0
    let repeats = isUpper == lastWasUpper
    lastWasUpper = isUpper
    if isUpper {
      if let upper, lower == nil { improveSlope(upper, (scale, margin)) }
      weights = (repeats ? weights.lower / 2 : weights.lower, 1)
      upper = (scale, margin)
    } else {
      if let lower, upper == nil { improveSlope(lower, (scale, margin)) }
      weights = (1, repeats ? weights.upper / 2 : weights.upper)
      lower = (scale, margin)
    }
    if upper == nil || lower == nil { weights = (1, 1) }
  }

  private mutating func improveSlope(_ a: Point, _ b: Point) {
    let secant = (a.margin - b.margin) / (a.scale - b.scale)
    if secant < 0 && secant.isFinite { slope = secant }
  }

  private func between(_ lower: Point, _ upper: Point) -> Scalar? {
    let width = upper.scale - lower.scale
    if width <= tolerance * upper.scale { return nil }
    let rest = width * (-upper.margin / (lower.margin - upper.margin))
    if rest <= tolerance / 2 * upper.scale { return nil }
    let (high, low) = (weights.upper * -upper.margin, weights.lower * lower.margin)
    let root = upper.scale - width * (high / (low + high))
    let aim = root + tolerance / 2 * upper.scale
    let next = Swift.min(Swift.max(aim, lower.scale + width / 64), upper.scale - width / 64)
    return next > lower.scale && next < upper.scale ? next : nil
  }

  private func below(_ upper: Point) -> Scalar? {
    let rest = slope < 0 ? upper.margin / slope : upper.scale / 8
    if rest <= tolerance * upper.scale { return nil }
    return Swift.max(upper.scale - rest + tolerance / 2 * upper.scale, upper.scale / 2)
  }

  private mutating func above(_ lower: Point) -> Scalar? {
    let rest = slope < 0 ? -lower.margin / slope : lower.scale / 8
    if lower.scale >= limit || rest > 2 * (limit - lower.scale) {
      hasFailed = true
      return nil
    }
    let aim = lower.scale + rest + tolerance / 2 * lower.scale
    return Swift.min(
      Swift.min(Swift.max(aim, lower.scale * (1 + tolerance)), 2 * lower.scale), limit)
  }
}

extension BoundarySearch {
  /// Goes on with one search a row along the rays of `directions`: (n, inputDimension), until all have
  /// ended or each has taken `evaluations` margins.
  func run(
    _ searches: inout [RaySearch<C.Scalar>], _ directions: Matrix<C.Scalar>, evaluations: Int
  ) {
    precondition(searches.count == directions.rows && directions.rows == problem.count)
    for _ in 0..<evaluations {
      var open: [Int] = []
      var scales: [C.Scalar] = []
      for i in searches.indices {
        if let scale = searches[i].next() {
          open.append(i)
          scales.append(scale)
        }
      }
      if open.isEmpty { return }
      for (row, margin) in margins(directions, open, scales).enumerated() {
        searches[open[row]].record(scales[row], margin)
      }
    }
  }

  /// The margins of some rows at a scale each.
  func margins(_ directions: Matrix<C.Scalar>, _ rows: [Int], _ scales: [C.Scalar]) -> [C.Scalar] {
    var points = directions.rows(at: rows)
    for (row, scale) in scales.enumerated() where scale != 1 { points.scaleRow(row, by: scale) }
    let part = rows.count == problem.count ? problem : problem.subset(rows)
    return part.margins(points)
  }
}
