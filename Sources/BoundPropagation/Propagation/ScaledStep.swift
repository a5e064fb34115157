import LinearCore

/// The step of a ``BackwardPass`` through v s, s a scale of a group: coefficients of dy become coefficients of dv and dc, and
/// a constant.
///
/// dv lies in [m - X, m + X] and ds in [mu - Xi, mu + Xi]. So with y0 near v0 s0
///
///     dy = (s0 + mu) dv + (v0 + m) ds - m mu + (v0 s0 - y0) + x xi,   |x xi| <= X Xi.
///
/// ds has one coefficient a group, and by its sign lies above a tangent or below a chord of ``ScaleLines``.
struct ScaledStep {
  private let node: BoundedNetwork.ScaledNode
  private let number: Int
  private let bounds: RegionBounds
  private let lines: [ScaleLines]
  /// s0 + mu and Xi of every group, and mu.
  private let factors: [Double]
  private let spreads: [Double]
  private let middles: [Double]
  /// m and X of every number.
  private let centers: [Double]
  private let reaches: [Double]
  /// v0 + m.
  private let weights: [Double]
  /// Where scales are not bounded: lines of dy above, against dz of the limit.
  private let limits: [PowerLines.Line]

  init(_ bounds: RegionBounds, _ number: Int, _ node: BoundedNetwork.ScaledNode) {
    self.node = node
    self.number = number
    self.bounds = bounds
    let lines = bounds.scales[number]
    self.lines = lines
    middles = lines.map { $0.isBounded ? 0.5 * $0.scales.lower + 0.5 * $0.scales.upper : 0 }
    factors = zip(lines, middles).map { $0.scale + $1 }
    spreads = zip(lines, middles).map {
      $0.isBounded ? Self.spread($0.scales.lower, $0.scales.upper, $1) : 0
    }
    let range = bounds.interval(node.input)
    let centers = range.lower.indices.map {
      let middle = 0.5 * range.lower[$0] + 0.5 * range.upper[$0]
      return middle.isFinite ? middle : 0
    }
    self.centers = centers
    reaches = centers.indices.map { Self.spread(range.lower[$0], range.upper[$0], centers[$0]) }
    weights = zip(bounds.reference.values[node.input], centers).map { $0 + $1 }
    let isBounded = lines.allSatisfy(\.isBounded)
    if !isBounded, let limit = node.limit {
      limits = Self.limits(bounds, number, limit)
    } else {
      limits = []
    }
  }

  /// At least |t - middle| for t of an interval.
  private static func spread(_ lower: Double, _ upper: Double, _ middle: Double) -> Double {
    max((upper - middle).nextUp, (middle - lower).nextUp, 0)
  }

  /// Lines above relu(z) (1 + 1e-9) - y0.
  private static func limits(_ bounds: RegionBounds, _ number: Int, _ limit: Int)
    -> [PowerLines.Line]
  {
    let rectifier = PowerLines(
      BoundedNetwork.PowerNode(input: limit, exponent: 1, norms: nil, normError: 0))
    let (low, high) = (bounds.lower[limit], bounds.upper[limit])
    let (z, y) = (bounds.reference.values[limit], bounds.reference.values[number])
    let factor = 1 + 1.1e-9
    return z.indices.map { j in
      // From relu(z0), and then scaled.
      let h = max(0, z[j])
      let line = rectifier.above(low[j], high[j], z[j], h, at: j)
      let intercept = factor * (line.intercept + h) - y[j]
      let size = line.intercept.magnitude + h + y[j].magnitude
      return PowerLines.Line(
        slope: factor * line.slope, intercept: intercept + 16 * Rounding.unit * size)
    }
  }

  /// What becomes of coefficients.
  struct Result {
    var ofValues: Matrix<Double>
    /// Nil where no line in c was used.
    var ofLengths: Matrix<Double>?
    /// Of the node of the limit.
    var ofLimit: Matrix<Double>?
  }

  func applied(
    to a: Matrix<Double>, constants: inout [Double], sizes: inout [Double], errors: inout [Double]
  ) -> Result {
    let (rows, columns) = (a.rows, a.columns)
    let c = bounds.reference.values[node.lengths]
    let y0 = bounds.reference.values[number]
    let usesLines = rows <= BackwardPass.fewRows || c.count <= BackwardPass.fewNumbers
    var values = Matrix<Double>(rows: rows, columns: columns)
    var lengths = usesLines ? Matrix<Double>(rows: rows, columns: c.count) : nil
    var limit = limits.isEmpty ? nil : Matrix<Double>(rows: rows, columns: columns)
    let gamma = Rounding.gamma(columns + 16)
    let overlap = Rounding.gamma(lines.count + 16)
    let distances = bounds.magnitudes[node.lengths]
    var parts = [Double](repeating: 0, count: c.count)
    for row in 0..<rows {
      var sums = [Double](repeating: 0, count: lines.count)
      var sumSizes = sums
      var (constant, size, error) = (0.0, 0.0, 0.0)
      for j in 0..<columns {
        let v = a[row, j]
        if v == 0 { continue }
        let group = node.groups.group(of: j)
        if !lines[group].isBounded {
          // 0 <= y <= relu(z), if anything is known.
          if v > 0, node.limit != nil {
            constant -= v * y0[j]
            size += (v * y0[j]).magnitude
          } else if node.limit != nil {
            limit![row, j] = v * limits[j].slope
            constant += v * limits[j].intercept
            size += (v * limits[j].intercept).magnitude
          } else {
            constant = -.infinity
          }
          continue
        }
        values[row, j] = v * factors[group]
        let term = v * weights[j]
        sums[group] += term
        sumSizes[group] += term.magnitude
        let shift = v * (centers[j] * middles[group])
        let gap = (v * (reaches[j] * spreads[group])).magnitude
        constant -= shift + gap
        size += shift.magnitude + gap
        error += v.magnitude * (8 * Rounding.unit * y0[j].magnitude + Rounding.tiny)
      }
      for (group, line) in lines.enumerated() where line.isBounded && sumSizes[group] > 0 {
        let sum = sums[group]
        error += gamma * sumSizes[group] * line.largestScale
        guard usesLines else {
          let term = sum * (sum > 0 ? line.scales.lower : line.scales.upper)
          constant += term
          size += term.magnitude
          continue
        }
        let chosen = sum > 0 ? line.below : line.above
        let term = sum * chosen.intercept
        let slope = sum * chosen.slope
        let rest = slope > 0 ? -slope * line.doubt : slope.magnitude * (-line.square - line.doubt)
        constant += term + rest
        size += term.magnitude + rest.magnitude
        error += 4 * Rounding.unit * slope.magnitude * line.largestSum
        let factor = 2 * slope / node.divisor
        node.groups.forEachPlace(group) { i in
          let term = factor * c[i]
          lengths![row, i] += term
          parts[i] += term.magnitude
        }
      }
      // Numbers of several groups are sums.
      for i in parts.indices where parts[i] != 0 {
        error += overlap * (parts[i] * distances[i])
        parts[i] = 0
      }
      constants[row] += constant
      sizes[row] += size
      errors[row] += error
    }
    RowArithmetic.addMagnitudes(
      values, times: bounds.magnitudes[node.input].map { 8 * Rounding.unit * $0 }, to: &errors)
    if let limit {
      RowArithmetic.addMagnitudes(
        limit, times: bounds.magnitudes[node.limit!].map { 8 * Rounding.unit * $0 }, to: &errors)
    }
    return Result(ofValues: values, ofLengths: lengths, ofLimit: limit)
  }

  /// What the lines chosen for coefficients make of dv and dc, row by row.
  func values(_ v: Matrix<Double>, _ c: Matrix<Double>, _ coefficients: Matrix<Double>?)
    -> Matrix<Double>
  {
    let c0 = bounds.reference.values[node.lengths]
    let y0 = bounds.reference.values[number]
    var result = Matrix<Double>(rows: v.rows, columns: v.columns)
    for row in 0..<v.rows {
      var sums = [Double](repeating: 0, count: lines.count)
      if let coefficients {
        for j in 0..<v.columns {
          sums[node.groups.group(of: j)] += coefficients[row, j] * weights[j]
        }
      }
      let changes = lines.indices.map { group -> Double in
        var product = 0.0
        node.groups.forEachPlace(group) { product += c0[$0] * c[row, $0] }
        let line = sums[group] > 0 ? lines[group].below : lines[group].above
        let isLow = sums[group] * line.slope > 0
        let sum = 2 * product / node.divisor + (isLow ? 0 : lines[group].square)
        return line.slope * sum + line.intercept
      }
      for j in 0..<v.columns {
        let group = node.groups.group(of: j)
        guard lines[group].isBounded else {
          result[row, j] = -y0[j]
          continue
        }
        let gap = reaches[j] * spreads[group]
        let isAbove = (coefficients?[row, j] ?? 0) < 0
        result[row, j] =
          factors[group] * v[row, j] + weights[j] * changes[group]
          - centers[j] * middles[group] + (isAbove ? gap : -gap)
      }
    }
    return result
  }
}
