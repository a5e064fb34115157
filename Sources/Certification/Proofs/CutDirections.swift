import LinearCore

/// Orthonormal directions v_i along which boxes are cut, beside those of neurons.
///
/// In hundreds of dimensions the relaxations of many neurons are loose together: the same direction of d moves them
/// all, and cutting one neuron after the other takes too many boxes. A slab a <= <v, x + d> <= b costs
/// curvature mu where mu (t - a)(t - b) <= 0 is added to the Lagrangian, at most mu (b - a)^2/4 of the bound, and pays for
/// the curvature of all neurons that look along v.
struct CutDirections: Sendable {
  /// v_i, (directions, dimension).
  let rows: Matrix<Double>
  /// <v_i, x>.
  let start: [Double]
  /// <u_k, v_i> of the neurons against the label, (against, directions).
  let cosines: Matrix<Double>
  /// At least the squared length of what u_k has outside of the span.
  private let rest: [Double]
  /// <u_k, x>.
  private let neuronStart: [Double]

  /// The number of directions.
  var count: Int { rows.rows }

  /// Nil where the rows are not orthonormal up to rounding.
  init?(_ rows: Matrix<Double>, of problem: DecisionProblem) {
    guard rows.columns == problem.dimension, rows.rows <= rows.columns, rows.isFinite() else {
      return nil
    }
    var products = Matrix.product(rows, rows, transposeB: true)
    products.subtract(.identity(rows.rows))
    guard products.frobeniusNorm <= 1e-13 else { return nil }
    self.rows = rows
    start = rows.times(problem.point)
    let neurons = problem.directions.rows(in: problem.supporting..<problem.count)
    let starts = neurons.times(problem.point)
    neuronStart =
      problem.hasOffsets
      ? starts.indices.map { starts[$0] + problem.offset(problem.supporting + $0) } : starts
    let cosines = Matrix.product(neurons, rows, transposeB: true)
    self.cosines = cosines
    // Rows of neurons and directions have length 1, and cosines are right, up to rounding.
    let rounding = 1e-13 + Double(rows.columns) * Double(rows.rows).squareRoot() * 0x1p-51
    rest = (0..<neurons.rows).map { k in
      max(0, 1 - cosines.row(k).reduce(0) { $0 + $1 * $1 }) + rounding
    }
  }

  /// The intervals of all <v_i, x + d> for ‖d‖ <= reach.
  func root(within reach: Double) -> [ClosedRange<Double>] {
    start.map { $0 - reach...$0 + reach }
  }

  /// What a ball leaves of the intervals of neurons and, behind them, directions; nil for nothing.
  ///
  /// With t_i = <v_i, d> in [a_i, b_i] and q^2 = 1 - sum_i c_i^2, for every nu > 0 and ‖d‖ <= R
  ///
  ///     <u, d> <= sum_i max over t in [a_i, b_i] of (c_i t - nu t^2/2) + nu R^2/2 + q^2/(2 nu).
  ///
  /// The best nu is looked for; any will do. Callers leave room for rounding, of the products above too, in
  /// `reach`, which stands for R, and in `widened`.
  func tightened(
    _ box: [ClosedRange<Double>], reach: Double, widened: (Double) -> Double
  ) -> [ClosedRange<Double>]? {
    let first = neuronStart.count
    var ranges = (0..<count).map { i -> ClosedRange<Double> in
      let (a, b) = (box[first + i].lowerBound - start[i], box[first + i].upperBound - start[i])
      return a...max(a, b)
    }
    let square = reach * reach
    let least = ranges.map { range -> Double in
      let t = min(max(0, range.lowerBound), range.upperBound)
      return t * t
    }
    let sum = least.reduce(0, +)
    if sum > square { return nil }
    var result = box
    // A slab of one direction leaves less of the others.
    for i in ranges.indices {
      let limit = max(0, square - (sum - least[i])).squareRoot()
      // Ends that the ball does not move stay as they are, to the last bit.
      let (lower, upper) = (-widened(limit), widened(limit))
      let interval = box[first + i]
      if lower > ranges[i].upperBound || upper < ranges[i].lowerBound { return nil }
      let (a, b) = (
        lower > ranges[i].lowerBound ? start[i] + lower : interval.lowerBound,
        upper < ranges[i].upperBound ? start[i] + upper : interval.upperBound
      )
      if a > b { return nil }
      ranges[i] =
        max(lower, ranges[i].lowerBound)...min(upper, ranges[i].upperBound)
      result[first + i] = a...b
    }
    for k in 0..<first {
      let upper = neuronStart[k] + widened(support(k, sign: 1, ranges, reach))
      let lower = neuronStart[k] - widened(support(k, sign: -1, ranges, reach))
      if upper < result[k].lowerBound || lower > result[k].upperBound || lower > upper {
        return nil
      }
      result[k] = max(result[k].lowerBound, lower)...min(result[k].upperBound, upper)
    }
    return result
  }

  /// At least sign <u_k, d> for ‖d‖ <= reach and <v_i, d> in the ranges.
  private func support(
    _ k: Int, sign: Double, _ ranges: [ClosedRange<Double>], _ reach: Double
  ) -> Double {
    let square = reach * reach
    // The length of the maximiser falls with nu.
    func isLong(_ nu: Double) -> Bool {
      var length = rest[k] / (nu * nu)
      for i in ranges.indices {
        let t = min(
          max(sign * cosines[k, i] / nu, ranges[i].lowerBound), ranges[i].upperBound)
        length += t * t
      }
      return length > square
    }
    var (low, high) = (1e-6 / reach, 4 / reach)
    if isLong(low) {
      for _ in 0..<24 {
        let middle = (low * high).squareRoot()
        if isLong(middle) { low = middle } else { high = middle }
      }
    } else {
      high = low
    }
    var value = 0.5 * high * square + 0.5 * rest[k] / high
    for i in ranges.indices {
      let c = sign * cosines[k, i]
      let t = min(max(c / high, ranges[i].lowerBound), ranges[i].upperBound)
      value += (c - 0.5 * high * t) * t
    }
    return min(value, reach)
  }
}

extension CutDirections {
  /// One direction, of any length but 0.
  init?(_ direction: [[Double]], of problem: DecisionProblem) {
    self.init(Matrix(direction).rowsNormalized(), of: problem)
  }

  /// These directions and one more, of which the part outside of their span counts.
  func appending(_ direction: [Double], of problem: DecisionProblem) -> CutDirections? {
    var rest = direction
    // Twice is enough for orthogonality up to rounding.
    for _ in 0..<2 {
      for i in 0..<count {
        let row = rows.row(i)
        let share = zip(rest, row).reduce(0) { $0 + $1.0 * $1.1 }
        for k in rest.indices { rest[k] -= share * row[k] }
      }
      let size = Norm.l2.length(rest)
      guard size > 0 else { return nil }
      for k in rest.indices { rest[k] /= size }
    }
    return CutDirections(Matrix(stacking: [rows, Matrix([rest])]), of: problem)
  }
}
