import LinearCore

/// The boundary of one sample as its linearisation at a perturbation delta has it: the hyperplane
/// {u: <g, u> = t}, t = <g, delta> - margin, g the margin's gradient.
///
/// ``HyperplaneProjection`` solves the same problem as FAB's paper states it, from a point inside the box
/// and to the exact set of coordinates on their bounds. This one ends as soon as the hyperplane is met up
/// to rounding. They agree but for the last digits, which results depend on.
enum LinearizedBoundary {
  /// Writes the shortest u of a hyperplane, in the box as far as there is one.
  ///
  /// For l2 u is the multiple of g, for linf that of sign(g), for l1 it spends all on the coordinates of
  /// largest |g|. Coordinates that would leave the box stay on its face, and the others make up for them:
  /// u = clip(lambda e), and sum_j g_j clip(lambda e_j) is concave in |lambda|, so that Newton's
  /// method from 0 approaches lambda from below and ends with the exact active set. Where the box does
  /// not reach the hyperplane, u is its nearest corner.
  ///
  /// - Parameters:
  ///   - gradient: of length 1, `count` numbers.
  ///   - target: t.
  ///   - input: the sample, from which the box leaves room.
  ///   - point: receives u.
  ///   - scratch: 2 * `count` numbers.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  static func nearestPoint<Scalar: LinearScalar>(
    _ norm: Norm, _ count: Int, gradient: UnsafePointer<Scalar>, target: Scalar,
    input: UnsafePointer<Scalar>, box: BoxBounds<Scalar>?,
    point: UnsafeMutablePointer<Scalar>, scratch: UnsafeMutablePointer<Scalar>
  ) {
    if norm == .l1 {
      return spendGreedily(
        count, gradient, target: target, input: input, box: box, point: point, scratch: scratch)
    }
    let direction = scratch
    if norm == .l2 {
      direction.update(from: gradient, count: count)
    } else {
      for j in 0..<count {
        let up: Scalar = gradient[j] > 0 ? 1 : 0
        let down: Scalar = gradient[j] < 0 ? 1 : 0
        direction[j] = up - down
      }
    }
    var factor = target / Scalar.dot(count, gradient, direction)
    guard let box else {
      for j in 0..<count { point[j] = factor * direction[j] }
      return
    }
    let free = scratch + count
    let (lower, upper) = (box.lower, box.upper)
    for _ in 0..<32 {
      for j in 0..<count {
        let wish = factor * direction[j]
        let kept = Swift.min(Swift.max(wish, lower[j] - input[j]), upper[j] - input[j])
        point[j] = kept
        free[j] = kept == wish ? direction[j] : 0
      }
      let missing = target - Scalar.dot(count, gradient, point)
      let slope = Scalar.dot(count, gradient, free)
      if missing.magnitude <= 4 * Scalar.ulpOfOne * target.magnitude || slope <= 0 { return }
      let next = factor + missing / slope
      if next == factor || !next.isFinite { return }
      factor = next
    }
  }

  /// l1: the coordinates of largest |g| first, each as far as the box allows.
  @inline(__always)
  private static func spendGreedily<Scalar: LinearScalar>(
    _ count: Int, _ gradient: UnsafePointer<Scalar>, target: Scalar, input: UnsafePointer<Scalar>,
    box: BoxBounds<Scalar>?, point: UnsafeMutablePointer<Scalar>,
    scratch: UnsafeMutablePointer<Scalar>
  ) {
    point.update(repeating: 0, count: count)
    let sizes = scratch
    let sign: Scalar = target > 0 ? 1 : -1
    for j in 0..<count { sizes[j] = gradient[j].magnitude }
    if let box {
      let (lower, upper) = (box.lower, box.upper)
      for j in 0..<count {
        let goesUp = sign * gradient[j] > 0
        let room = goesUp ? upper[j] - input[j] : input[j] - lower[j]
        scratch[count + j] = room > 0 ? sizes[j] : 0
      }
      sizes.update(from: scratch + count, count: count)
    }
    var missing = target.magnitude
    for _ in 0..<count where missing > 0 {
      var largest: Scalar = 0
      for j in 0..<count { largest = Swift.max(largest, sizes[j]) }
      if largest <= 0 { return }
      var best = 0
      while sizes[best] != largest { best += 1 }
      sizes[best] = 0
      let goesUp = sign * gradient[best] > 0
      var move = missing / largest
      if let box {
        let room = goesUp ? box.upper[best] - input[best] : input[best] - box.lower[best]
        move = Swift.min(move, room)
      }
      point[best] = goesUp ? move : -move
      missing -= move * largest
    }
  }
}
