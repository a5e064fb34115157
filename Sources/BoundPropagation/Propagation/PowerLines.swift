import LinearCore

/// Lines above and below phi(z) = relu(z)^p / c^(p-1) on an interval, as one function.
///
/// Everything is measured from a reference z0 with h0 near phi(z0): with dz = z - z0 and dh = phi(z) - h0,
///
///     a dz + b <= dh <= A dz + B   for all dz in [lower, upper].
///
/// phi is convex. So dh - A dz is largest at an end of the interval, for any A: the chord is the best choice. And
/// dh - a dz is at least a z0 - h0 - phi*(a) everywhere, for any a >= 0, where phi* is the conjugate function,
///
///     phi*(a) = sup over z of (a z - phi(z)) = (1 - 1/p) a t,   t = c (a/p)^(1/(p-1)),   a <= 1 and phi* = 0 at p = 1.
///
/// The line of slope a touches phi at t. All numbers are rounded outward.
struct PowerLines {
  let power: BoundedNetwork.PowerNode
  private let valueError: Double

  init(_ power: BoundedNetwork.PowerNode) {
    self.power = power
    valueError = power.relativeError
  }

  /// A line, dh against dz.
  struct Line {
    var slope: Double
    var intercept: Double
  }

  /// What the sum of two numbers of such sizes may be off by.
  private func doubt(_ sizes: Double...) -> Double {
    8 * Rounding.unit * sizes.reduce(0) { $0 + $1.magnitude } + Rounding.tiny
  }

  /// At least phi(z).
  func most(_ z: Double, at j: Int) -> Double {
    z > 0 ? power.value(z, at: j) * (1 + valueError) + Rounding.tiny : 0
  }

  /// At most phi(z).
  func least(_ z: Double, at j: Int) -> Double {
    z > 0 ? max(0, power.value(z, at: j) * (1 - valueError) - Rounding.tiny) : 0
  }

  /// Whether phi is 0 on the whole interval.
  func isDead(upper: Double, _ z0: Double) -> Bool { (z0 + upper).nextUp <= 0 || upper == -z0 }

  /// Whether phi is z on the whole interval.
  func isLinear(lower: Double, _ z0: Double) -> Bool {
    power.exponent == 1 && ((z0 + lower).nextDown >= 0 || lower == -z0)
  }

  /// A line of any slope above phi on the interval, by default the chord.
  func above(
    _ lower: Double, _ upper: Double, _ z0: Double, _ h0: Double, at j: Int
  ) -> Line {
    if isDead(upper: upper, z0) { return Line(slope: 0, intercept: -h0) }
    if isLinear(lower: lower, z0) { return Line(slope: 1, intercept: shift(z0, h0)) }
    guard lower > -.infinity, upper < .infinity else {
      return Line(slope: 0, intercept: .infinity)
    }
    let (start, end) = ((z0 + lower).nextUp, (z0 + upper).nextUp)
    let (low, high) = (most(start, at: j), most(end, at: j))
    let width = upper - lower
    var slope = width > 0 ? (high - low) / width : power.slope(end, at: j)
    if !slope.isFinite { slope = 0 }
    let atStart = low - h0 - slope * lower + doubt(low, h0, slope * lower)
    let atEnd = high - h0 - slope * upper + doubt(high, h0, slope * upper)
    return Line(slope: slope, intercept: max(atStart, atEnd))
  }

  /// z0 - h0 for p = 1: exact, as one of both is 0 or both are equal.
  private func shift(_ z0: Double, _ h0: Double) -> Double { z0 - h0 }

  /// The line of a slope below phi; slopes that no line below has are replaced by the nearest.
  func below(
    _ lower: Double, _ upper: Double, _ z0: Double, _ h0: Double, slope: Double, at j: Int
  ) -> Line {
    if isDead(upper: upper, z0) { return Line(slope: 0, intercept: -h0) }
    if isLinear(lower: lower, z0) { return Line(slope: 1, intercept: shift(z0, h0)) }
    let a = slope > 0 && slope.isFinite ? (power.exponent == 1 ? min(slope, 1) : slope) : 0
    if a == 0 { return Line(slope: 0, intercept: -h0) }
    let conjugate = conjugate(a, at: j)
    let product = a * z0
    return Line(slope: a, intercept: product - h0 - conjugate - doubt(product, h0, conjugate))
  }

  /// At least phi*(a), for a > 0.
  private func conjugate(_ a: Double, at j: Int) -> Double {
    let p = power.exponent
    if p == 1 { return 0 }
    let value = (1 - 1 / p) * a * touching(a, at: j)
    // The exponent 1/(p-1) is rounded, and the logarithm of a double below 750.
    let error = 1.01 * (power.normError + (16 + 1000 / (p - 1)) * Rounding.unit)
    return value.isNaN ? .infinity : value * (1 + error) + Rounding.tiny
  }

  /// t, where the line of slope a touches phi, as computed.
  func touching(_ a: Double, at j: Int) -> Double {
    let (p, c) = (power.exponent, power.norm(j))
    if p == 1 { return 0 }
    if !(a > 0) { return 0 }
    if p == 2 { return c * (a / 2) }
    if p == 3 { return c * (a / 3).squareRoot() }
    return c * Double.power(a / p, 1 / (p - 1))
  }

  /// What phi(z0 + dz) - h0 lies between for dz of the interval.
  func values(
    _ lower: Double, _ upper: Double, _ z0: Double, _ h0: Double, at j: Int
  ) -> (lower: Double, upper: Double) {
    let (low, high) = (least((z0 + lower).nextDown, at: j), most((z0 + upper).nextUp, at: j))
    return ((low - h0).nextDown, (high - h0).nextUp)
  }
}
