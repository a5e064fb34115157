import LinearCore

/// The scale s = S^(-e) of one group on a region, S = ‖c‖²/n + epsilon, as lines in c.
///
/// With c = c0 + dc, S0 and s0 numbers near the values at c0, and D = S - S0,
///
///     D = (2 <c0, dc> + ‖dc‖²) / n + rho,   |rho| <= doubt,   0 <= ‖dc‖²/n <= square.
///
/// S^(-e) is convex and falls: it lies above its tangent at S0 and below its chord. So ds = s - s0 lies between two lines
/// in D, and D between two lines in dc.
struct ScaleLines {
  /// s0, as computed.
  let scale: Double
  /// What D and ds lie between.
  let sums: (lower: Double, upper: Double)
  let scales: (lower: Double, upper: Double)
  /// Lines of ds against D.
  let below: PowerLines.Line
  let above: PowerLines.Line
  let square: Double
  let doubt: Double

  /// At least |D| and |ds|.
  var largestSum: Double { max(-sums.lower, sums.upper, 0) }
  var largestScale: Double { max(-scales.lower, scales.upper, 0) }

  /// Whether s is bounded.
  var isBounded: Bool { scales.upper < .infinity && scale.isFinite && scale > 0 }

  /// - Parameters:
  ///   - sum: S0.
  ///   - size: numbers in the group.
  ///   - sums: what S - S0 lies between, rounded outward.
  ///   - square: at least ‖dc‖²/n.
  init(
    _ node: BoundedNetwork.ScaledNode, sum: Double, size: Int,
    sums: (lower: Double, upper: Double), square: Double
  ) {
    doubt = Self.doubt(sum, size)
    self.square = square
    let first = (sum + sums.lower).nextDown
    let last = (sum + sums.upper).nextUp
    guard first > BoundedNetwork.ScaledNode.leastSum, sum > BoundedNetwork.ScaledNode.leastSum,
      last < .infinity, first <= last
    else {
      (scale, self.sums, scales) = (0, sums, (0, .infinity))
      below = PowerLines.Line(slope: 0, intercept: 0)
      above = PowerLines.Line(slope: 0, intercept: .infinity)
      return
    }
    self.sums = sums
    let s = node.scale(sum)
    scale = s
    let error = node.scaleError
    let most = node.scale(first) * (1 + error)
    let least = node.scale(last) * (1 - error)
    scales = ((least - s).nextDown, (most - s).nextUp)
    // A tangent whose slope is computed turns about S0.
    let slope = -node.exponent * (s / sum)
    let reach = max(sums.lower.magnitude, sums.upper.magnitude)
    below = PowerLines.Line(
      slope: slope, intercept: -(2 * error * s + 4 * error * slope.magnitude * reach).nextUp)
    let width = sums.upper - sums.lower
    let high = node.scale(last) * (1 + error)
    // On a short interval rounding would decide.
    var chord = width > 1e-6 * sum ? (high - most) / width : slope
    if !chord.isFinite { chord = 0 }
    func end(_ value: Double, _ at: Double) -> Double {
      let product = chord * at
      return value - s - product + 8 * Rounding.unit * (value + s + product.magnitude)
    }
    above = PowerLines.Line(
      slope: chord, intercept: max(end(most, sums.lower), end(high, sums.upper)))
  }

  /// What S0 may be off by.
  static func doubt(_ sum: Double, _ size: Int) -> Double {
    Rounding.up(Rounding.gamma(size + 8) * sum)
  }
}

extension RegionBounds {
  /// The scales of a node, whose c and v have been reached.
  ///
  /// - Parameter products: what <c0, dc> of every group lies between, where that is known.
  func scaleLines(
    _ node: BoundedNetwork.ScaledNode, products: (lower: [Double], upper: [Double])?,
    known: [ScaleLines]?
  ) -> [ScaleLines] {
    let c = reference.values[node.lengths]
    let size = magnitudes[node.lengths]
    let range = interval(node.lengths)
    let n = node.divisor
    let sums = node.sums(c)
    return (0..<node.groups.count).map { group in
      let count = node.groups.size(group)
      let gamma = Rounding.gamma(count + 8)
      var (product, squares, least, most, length) = (0.0, 0.0, 0.0, 0.0, 0.0)
      node.groups.forEachPlace(group) { i in
        product += c[i].magnitude * size[i]
        squares += size[i] * size[i]
        let (low, high) = ((c[i] + range.lower[i]).nextDown, (c[i] + range.upper[i]).nextUp)
        let near = max(0, low, -high)
        let far = max(-low, high, 0)
        least += near * near
        most += far * far
        length += c[i] * c[i]
      }
      let reach = lengths[node.lengths]
      squares = min(Rounding.up(squares), Rounding.up(reach * reach))
      let square = Rounding.up(squares / n)
      let doubt = ScaleLines.doubt(sums[group], count)
      // From the products, from every number, and from the lengths. Numbers that are not finite say nothing.
      let plain = product.isNaN ? .infinity : Rounding.up(2 * product / n)
      var (lower, upper) = (-plain, plain)
      if let products {
        let (low, high) = (2 * products.lower[group] / n, 2 * products.upper[group] / n)
        if low - 8 * Rounding.unit * low.magnitude > lower {
          lower = low - 8 * Rounding.unit * low.magnitude
        }
        if high + 8 * Rounding.unit * high.magnitude < upper {
          upper = high + 8 * Rounding.unit * high.magnitude
        }
      }
      lower = (lower - doubt).nextDown
      upper = upper + doubt + square + 8 * Rounding.unit * (upper.magnitude + doubt + square)
      let norm = length.squareRoot()
      let (short, long) = (
        max(0, norm * (1 - gamma) - reach), norm * (1 + gamma) + reach + Rounding.tiny
      )
      least = max(least, short * short) * (1 - gamma) / n
      most = Rounding.up(min(Rounding.up(most), Rounding.up(long * long)) / n)
      let allowance = doubt + 8 * Rounding.unit * (sums[group] + node.epsilon)
      lower = max(lower, (least + node.epsilon - sums[group] - allowance).nextDown)
      upper = min(upper, (most + node.epsilon - sums[group] + allowance).nextUp)
      if let old = known?[group] {
        lower = max(lower, old.sums.lower)
        upper = min(upper, old.sums.upper)
      }
      // Bounds of a part that is empty may cross; any interval is right there.
      if lower > upper { swap(&lower, &upper) }
      return ScaleLines(
        node, sum: sums[group], size: count, sums: (lower, upper), square: square)
    }
  }

  /// What dv of every number of a node that has been reached lies between.
  func interval(_ node: Int) -> (lower: [Double], upper: [Double]) {
    if !lower[node].isEmpty { return (lower[node], upper[node]) }
    let size = magnitudes[node]
    switch network.nodes[node] {
    case .input:
      return (
        size.indices.map { max(-size[$0], region.lower?[$0] ?? -.infinity) },
        size.indices.map { min(size[$0], region.upper?[$0] ?? .infinity) }
      )
    case .power(let power):
      let lines = PowerLines(power)
      let (low, high) = (lower[power.input], upper[power.input])
      let (z, h) = (reference.values[power.input], reference.values[node])
      let ranges = z.indices.map { lines.values(low[$0], high[$0], z[$0], h[$0], at: $0) }
      return (
        ranges.indices.map { max(-size[$0], ranges[$0].lower) },
        ranges.indices.map { min(size[$0], ranges[$0].upper) }
      )
    case .affine, .scaled: return plainInterval(node)
    }
  }
}
