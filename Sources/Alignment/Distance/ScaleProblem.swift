/// inf_{c >= 0} max_i |c f(x_i) - F(x_i)| over finitely many points.
///
/// The maximum of absolute values of affine functions is convex in c and piecewise linear; its minimum over
/// finitely many points is a lower bound of inf_c sup_{||x||=1} |c f - F|, whatever the points are.
enum ScaleProblem {
  /// The minimiser and the minimum; (0, max |F|) where f vanishes at all points.
  static func minimum(_ points: [ClassifierValues]) -> (scale: Double, value: Double) {
    // The piece that is largest at c, as a line slope c + offset of positive value.
    func active(_ c: Double) -> (slope: Double, offset: Double) {
      var best = (slope: 0.0, offset: 0.0)
      var largest = -Double.infinity
      for point in points where point.distance(scale: c) > largest {
        largest = point.distance(scale: c)
        let sign: Double = c * point.network - point.ideal < 0 ? -1 : 1
        best = (sign * point.network, -sign * point.ideal)
      }
      return best
    }
    let largestOutput = points.reduce(0) { max($0, $1.network.magnitude) }
    let largestIdeal = points.reduce(0) { max($0, $1.ideal.magnitude) }
    if largestOutput == 0 || active(0).slope >= 0 { return (0, largestIdeal) }
    // At twice max |F| / max |f| the point of the largest |f| exceeds max |F|, the value at 0.
    var (low, high) = (0.0, 2 * largestIdeal / largestOutput)
    for _ in 0..<200 {
      let middle = (low + high) / 2
      if middle <= low || middle >= high { break }
      if active(middle).slope < 0 { low = middle } else { high = middle }
    }
    // Where the last falling and the first rising line meet.
    let (falling, rising) = (active(low), active(high))
    let crossing = (falling.offset - rising.offset) / (rising.slope - falling.slope)
    let scale = crossing.isFinite ? min(max(crossing, low), high) : high
    return (scale, points.reduce(0) { max($0, $1.distance(scale: scale)) })
  }
}
