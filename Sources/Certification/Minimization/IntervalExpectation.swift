/// E(m, v), the largest mean of phi(z) over all distributions on [l, u] with mean m and at most the variance v, for p >= 2.
///
/// The third derivative of phi is nowhere negative, so the maximiser has an atom at u, and a second one at a = m - v/(u - m)
/// as long as that is at least l (Karlin and Studden, *Tchebycheff Systems*, 1966, chapter XII); otherwise at l, and the
/// variance is no constraint. By duality E(m, v) is the least M(m) + gamma v over the majorants M of
/// ``ConcaveMajorant``, and dE/dv is the gamma that attains it.
struct IntervalExpectation {
  private let activation: RectifiedPower
  private let lower: Double
  private let upper: Double
  /// phi(u).
  private let top: Double

  init(_ activation: RectifiedPower, on interval: ClosedRange<Double>) {
    self.activation = activation
    lower = interval.lowerBound
    upper = interval.upperBound
    top = activation(upper)
  }

  /// E with its derivatives. Means outside of the interval continue it by a line.
  ///
  /// - Returns: E, dE/dm and gamma = dE/dv.
  @inline(__always)
  func callAsFunction(mean: Double, variance: Double) -> (
    value: Double, slope: Double, curvature: Double
  ) {
    if upper <= 0 { return (0, 0, 0) }
    let margin = 1e-9 * (upper - lower)
    let m = min(max(mean, lower + margin), upper - margin)
    let a = max(lower, m - variance / (upper - m))
    let bottom = activation.derivatives(a)
    let width = upper - a
    let gamma = a > lower ? (top - bottom.value - bottom.slope * width) / (width * width) : 0
    let rise = (top - bottom.value) / width
    let slope = rise + gamma * (2 * m - a - upper)
    return (bottom.value + rise * (m - a) + slope * (mean - m), slope, gamma)
  }
}
