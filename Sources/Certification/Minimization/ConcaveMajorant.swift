import LinearCore

/// The smallest function M >= phi on an interval [l, u] for which M(z) - gamma z^2 is concave.
///
/// M(z) = gamma z^2 + hull(z), hull the concave envelope of h(z) = phi(z) - gamma z^2 on [l, u]. Relaxing a
/// neuron that speaks against the label by M costs a convexity of 2 gamma, which ||d||^2 can pay for; the
/// more is spent, the tighter is M, and beyond some gamma it is phi itself. With gamma = 0 it is the chord.
///
/// For z < 0, h = -gamma z^2 is concave; for z > 0 it changes once between concave and convex. The envelope
/// therefore is h with one stretch replaced by a straight bridge from `start` to `end`: up to u for p >= 2
/// (h turns convex), from l or from z < 0 on for p < 2 (h is convex first).
struct ConcaveMajorant {
  let activation: RectifiedPower
  /// l and u.
  let lower: Double
  let upper: Double
  /// gamma >= 0.
  let curvature: Double
  /// The gamma from which on M is phi itself: phi''(u)/2 where phi'' grows.
  let exactCurvature: Double
  /// The ends of the bridge; equal where there is none.
  private(set) var start: Double
  private(set) var end: Double
  private(set) var bridgeSlope = 0.0
  private(set) var startValue = 0.0

  init(_ activation: RectifiedPower, lower: Double, upper: Double, curvature: Double) {
    self.activation = activation
    self.lower = lower
    self.upper = upper
    let p = activation.exponent
    exactCurvature =
      upper <= 0 ? 0 : p >= 2 ? activation.derivatives(upper).curvature / 2 : .infinity
    self.curvature = min(curvature, exactCurvature)
    (start, end) = (lower, lower)
    if upper <= 0 || upper <= lower { return }
    if p >= 2 { bridgeUp() } else if lower >= 0 { bridgeFromEnd() } else { bridgeOverZero() }
    // A bridge as short as rounding has no slope.
    if end - start <= 1e-9 * (upper - lower) { end = start }
    if end > start {
      startValue = height(start)
      bridgeSlope = (height(end) - startValue) / (end - start)
    }
  }

  private func height(_ z: Double) -> Double { activation(z) - curvature * z * z }

  private func slope(_ z: Double) -> Double {
    activation.derivatives(z).slope - 2 * curvature * z
  }

  /// Where h'' = 0 for z > 0 and p other than 1 and 2.
  private var inflection: Double {
    let p = activation.exponent
    if p == 1 { return 0 }
    if p == 2 { return curvature >= 1 ? .infinity : 0 }
    if curvature == 0 { return p > 2 ? 0 : .infinity }
    return Double.power(2 * curvature / (p * (p - 1)), 1 / (p - 2))
  }

  /// p >= 2: h is concave up to the inflection, convex from there to u.
  private mutating func bridgeUp() {
    let turn = inflection
    if turn >= upper { return }
    end = upper
    start = lower
    if turn <= lower { return }
    // The tangent at z <= 0 through (u, h(u)).
    if lower < 0 {
      let tangent =
        curvature > 0 ? upper - (activation(upper) / curvature).squareRoot() : -.infinity
      if tangent <= 0 {
        start = max(lower, tangent)
        return
      }
    }
    let top = height(upper)
    start = Self.root(from: max(lower, 0), to: turn) { t in
      top - height(t) - slope(t) * (upper - t)
    }
  }

  /// p < 2, l >= 0: h is convex up to the inflection, concave beyond.
  private mutating func bridgeFromEnd() {
    let turn = inflection
    if turn <= lower { return }
    start = lower
    end = upper
    if turn >= upper { return }
    let bottom = height(lower)
    end = Self.root(from: turn, to: upper) { t in
      height(t) - bottom - slope(t) * (t - lower)
    }
  }

  /// p < 2, l < 0 < u: the bridge spans the kink at 0.
  private mutating func bridgeOverZero() {
    let turn = min(inflection, upper)
    let p = activation.exponent
    // The tangent to -gamma z^2 at z <= 0 through (t, h(t)).
    func foot(_ t: Double) -> Double {
      curvature == 0 ? lower : min(0, max(lower, t - (activation(t) / curvature).squareRoot()))
    }
    end = turn
    if turn < upper {
      end = Self.root(from: p == 1 ? 1e-12 * upper : turn, to: upper) { t in
        let other = foot(t)
        return height(t) - height(other) - slope(t) * (t - other)
      }
    }
    start = foot(end)
  }

  /// The zero of a function that changes from negative to positive once, or the end it does not leave:
  /// regula falsi in the Illinois variant.
  private static func root(from a: Double, to b: Double, _ f: (Double) -> Double) -> Double {
    var (left, right) = (a, b)
    var (low, high) = (f(a), f(b))
    if low >= 0 { return a }
    if high <= 0 { return b }
    var side = 0
    for _ in 0..<60 {
      if right - left <= 1e-13 * max(abs(left), abs(right)) { break }
      var t = right - high * (right - left) / (high - low)
      if !(t > left && t < right) { t = 0.5 * (left + right) }
      let value = f(t)
      if value < 0 {
        (left, low) = (t, value)
        if side < 0 { high /= 2 }
        side = -1
      } else {
        (right, high) = (t, value)
        if side > 0 { low /= 2 }
        side = 1
        if value == 0 { break }
      }
    }
    return right
  }

  /// M with its derivatives. Beyond [l, u] the envelope goes on as a straight line.
  @inline(__always)
  func derivatives(_ z: Double) -> Jet {
    let inside = min(max(z, lower), upper)
    var jet: Jet
    if end > start && inside >= start && inside <= end {
      jet = Jet(
        value: startValue + bridgeSlope * (inside - start), slope: bridgeSlope, curvature: 0)
    } else {
      jet = activation.derivatives(inside)
      // At an interval that begins in the kink of p = 1, the slope is that of its inside.
      if activation.exponent == 1 && lower >= 0 { jet.slope = 1 }
      jet.value -= curvature * inside * inside
      jet.slope -= 2 * curvature * inside
      jet.curvature -= 2 * curvature
    }
    if inside != z {
      jet.value += jet.slope * (z - inside)
      jet.curvature = 0
    }
    jet.value += curvature * z * z
    jet.slope += 2 * curvature * z
    jet.curvature += 2 * curvature
    return jet
  }

  /// Where on its bridge M is farthest above phi, by a search for the zero of the concave or convex
  /// difference of slopes; nil without a bridge.
  var loosest: Double? {
    guard end > start else { return nil }
    let slope = { (z: Double) in
      bridgeSlope + 2 * curvature * z - activation.derivatives(z).slope
    }
    // Beyond p = 2 the gap M - phi is largest where its slope turns from positive to negative; 20 halvings
    // are plenty to choose a cut.
    var (a, b) = (start, end)
    for _ in 0..<20 {
      let middle = 0.5 * (a + b)
      if slope(middle) > 0 { a = middle } else { b = middle }
    }
    return 0.5 * (a + b)
  }

  /// The mean of phi over the points that the envelope at z mixes: the derivative of lambda M with respect
  /// to lambda, where lambda gamma is kept.
  @inline(__always)
  func mixture(_ z: Double) -> Double {
    let inside = min(max(z, lower), upper)
    if end > start && inside >= start && inside <= end {
      let share = (inside - start) / (end - start)
      return (1 - share) * activation(start) + share * activation(end)
    }
    return activation(inside)
  }
}
