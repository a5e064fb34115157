extension RectifiedPower {
  /// At least sup of f(z) = weight phi(z) - s z - q z^2 over an interval, up to rounding.
  ///
  /// Where f is convex an end decides; where it is concave, any tangent lies above it. Infinite where f overflows.
  func supremum(weight: Double, q: Double, s: Double, on interval: ClosedRange<Double>)
    -> Double
  {
    let (l, u) = (interval.lowerBound, interval.upperBound)
    func f(_ z: Double) -> Double { (weight == 0 ? 0 : weight * self(z)) - (s + q * z) * z }
    // Comparisons would pass over what is no number.
    if f(l).isNaN || f(u).isNaN { return .infinity }
    var largest = max(f(l), f(u))
    if l < 0 {
      let vertex = q > 0 ? -s / (2 * q) : 0
      largest = max(largest, f(min(max(vertex, l), min(u, 0))))
    }
    guard u > 0, q > 0 else { return largest }
    let p = exponent
    if p == 1 { return max(largest, f(min(max((weight - s) / (2 * q), max(l, 0)), u))) }
    // Where weight phi'' = 2 q.
    var (left, right) = (max(l, 0), u)
    if p == 2 {
      if weight >= q { return largest }
    } else {
      let turn = Double.power(2 * q / (weight * p * (p - 1)), 1 / (p - 2))
      if turn.isNaN { return .infinity }
      if p > 2 { right = min(right, turn) } else { left = max(left, turn) }
    }
    if !(left < right) { return largest }
    func slope(_ z: Double) -> Double { weight * derivatives(z).slope - s - 2 * q * z }
    var (a, b) = (left, right)
    if slope(a) <= 0 { return max(largest, f(a)) }
    if slope(b) >= 0 { return max(largest, f(b)) }
    var z = 0.5 * (a + b)
    for _ in 0..<60 where b - a > 1e-12 * b {
      let value = slope(z)
      if value > 0 { a = z } else { b = z }
      let newton = z - value / (weight * derivatives(z).curvature - 2 * q)
      if abs(newton - z) <= 1e-13 * z { break }
      z = newton > a && newton < b ? newton : 0.5 * (a + b)
    }
    let rise = slope(z)
    let highest = f(z) + max(rise * (right - z), rise * (left - z))
    return highest.isNaN || rise.isNaN ? .infinity : max(largest, highest)
  }
}
