import LinearCore

/// A cut of { P <= C } at a point, see ``RegionProgram``: the weight of both sides, by how much the point violates it, and the
/// length of its gradient.
struct PowerCut {
  let omega: Double
  /// Whether it is that of C >= 0 alone.
  let isOfChords: Bool
  let violation: Double
  let length: Double

  /// The cut that the point is farthest out of.
  ///
  /// - Parameters:
  ///   - degree: p.
  ///   - sum: P at the point.
  ///   - chords: C there.
  ///   - mostChords: the most that C can be in the box.
  ///   - gradient: of P at the point.
  static func strongest(
    degree p: Double, sum: Double, chords: Double, mostChords: Double, gradient: [Double],
    chordGradient: [Double]
  ) -> PowerCut {
    // Squares would underflow where p is large.
    let lengths = (Norm.l2.length(gradient), Norm.l2.length(chordGradient))
    let cosine = zip(gradient, chordGradient).reduce(0) {
      $0 + $1.0 / max(lengths.0, 1e-300) * ($1.1 / max(lengths.1, 1e-300))
    }
    func length(_ omega: Double) -> Double {
      let (a, c) = (lengths.0, omega * lengths.1)
      let most = max(a, c)
      if most == 0 { return 0 }
      let (first, second) = (a / most, c / most)
      return most
        * max(0, first * first - 2 * first * second * cosine + second * second).squareRoot()
    }
    // P >= 0: C >= 0 is needed.
    var best = PowerCut(omega: 1, isOfChords: true, violation: -chords, length: lengths.1)
    guard sum > 0, mostChords >= 0 else { return best }
    // Chords that underflow are as good as the least numbers.
    let most = max(mostChords, 1e-280)
    let floor = max(chords, 1e-9 * most)
    for height in p > 1 ? [floor, (floor * most).squareRoot(), most] : [1] {
      let ratio = p > 1 ? sum / height : 1
      let omega = Double.power(ratio, 1 - 1 / p)
      let conjugate = p > 1 ? (p - 1) * sum * Double.power(ratio, -1 / p) : 0
      let next = PowerCut(
        omega: omega, isOfChords: false, violation: p * sum - conjugate - omega * chords,
        length: length(omega))
      guard next.violation.isFinite, next.length.isFinite else { continue }
      if best.isWeaker(than: next) { best = next }
    }
    return best
  }

  /// Whether another one is violated more, as a distance.
  private func isWeaker(than other: PowerCut) -> Bool {
    if other.violation <= 0 { return false }
    if violation <= 0 { return true }
    return violation / length < other.violation / other.length
  }
}
