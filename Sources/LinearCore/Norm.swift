/// The norms in which the size of a perturbation is measured.
public enum Norm: String, Sendable, Codable, CaseIterable {
  /// Sum of absolute values.
  case l1
  /// Euclidean length.
  case l2
  /// Largest absolute value.
  case linf

  /// The norm ‖.‖* that |<g, d>| <= ‖g‖* ‖d‖ holds with.
  package var dual: Norm {
    switch self {
    case .l1: .linf
    case .l2: .l2
    case .linf: .l1
    }
  }

  /// The norm of a vector of `count` numbers.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func length<Scalar: LinearScalar>(_ count: Int, _ x: UnsafePointer<Scalar>) -> Scalar {
    switch self {
    case .l1: return Scalar.absoluteSum(count, x)
    case .l2: return Scalar.euclideanNorm(count, x)
    case .linf:
      // The search for the largest entry passes over NaN, a sum does not.
      return Scalar.absoluteSum(count, x).isNaN ? .nan : Scalar.largestMagnitude(count, x)
    }
  }

  /// The norm of a vector.
  public func length<Scalar: LinearScalar>(_ x: [Scalar]) -> Scalar { length(x.count, x) }

  /// The norm of every row of a matrix.
  public func rowLengths<Scalar: LinearScalar>(_ matrix: Matrix<Scalar>) -> [Scalar] {
    matrix.withPointer { base in
      (0..<matrix.rows).map { length(matrix.columns, base + $0 * matrix.columns) }
    }
  }

  /// Replaces `x` by its Euclidean projection on the ball of this norm around 0.
  ///
  /// l2 scales, linf clamps, l1 soft-thresholds at the exact level found by sorting (Held, Wolfe and
  /// Crowder 1974; Duchi et al., *Efficient projections onto the l1-ball*, ICML 2008).
  /// - Complexity: O(n) for l2 and linf, O(n log n) for l1.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func project<Scalar: LinearScalar>(
    _ x: UnsafeMutableBufferPointer<Scalar>, radius: Scalar
  ) {
    precondition(radius >= 0, "a ball has a radius of at least 0")
    guard let base = x.baseAddress else { return }
    switch self {
    case .l2:
      let size = Scalar.euclideanNorm(x.count, base)
      if size > radius { Scalar.scale(x.count, radius / size, base) }
    case .linf:
      for i in 0..<x.count { base[i] = Swift.min(Swift.max(base[i], -radius), radius) }
    case .l1:
      let level = softThreshold(x, radius: radius)
      if level <= 0 { return }
      for i in 0..<x.count {
        // In Double: a rounded level would shift every coordinate the same way, out of the ball.
        let magnitude = Scalar(Swift.max(Double(base[i].magnitude) - level, 0))
        base[i] = base[i] < 0 ? -magnitude : magnitude
      }
    }
  }

  /// The level t >= 0 with sum max(|x_i| - t, 0) = radius, or 0 when x lies in the ball.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func softThreshold<Scalar: LinearScalar>(
    _ x: UnsafeMutableBufferPointer<Scalar>, radius: Scalar
  ) -> Double {
    var total = 0.0
    for value in x { total += Double(value.magnitude) }
    if total <= Double(radius) { return 0 }
    let sorted = x.map { Double($0.magnitude) }.sorted(by: >)
    var sum = 0.0
    var level = sorted[0]
    for (i, value) in sorted.enumerated() {
      sum += value
      let candidate = (sum - Double(radius)) / Double(i + 1)
      if value <= candidate { break }
      level = candidate
    }
    return level
  }
}
