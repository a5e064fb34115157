import LinearCore

/// The question behind a certificate: how small can d be with
///
///     sum_{j in P} b_j phi(<u_j, x + d>) - sum_{k in N} b_k phi(<u_k, x + d>) + bias ||x + d||^q <= 0 ?
///
/// P are the neurons that speak for the label, N those that speak against it; directions u are unit vectors
/// of the reduced space and weights b are positive. q is 0, or p - 1 for networks that normalise inputs,
/// whose outputs have been multiplied by ||x + d||^(p-1). Lengths are in units of `scale`, the distance of
/// the input from the center, and both sides are divided by `height`, so that the b sum to 1: bounds and
/// tolerances then mean the same for every network.
struct DecisionProblem: Sendable {
  let activation: RectifiedPower
  /// Unit rows, (neurons, dimension), the supporting neurons first.
  let directions: Matrix<Double>
  /// b, in the same order.
  let weights: [Double]
  /// How many neurons speak for the label.
  let supporting: Int
  /// x / scale, of length at most 1: the reduced space need not contain all of the input.
  let point: [Double]
  private let bias: Double
  private let biasDegree: Double
  /// How far P - N may be from the network's, as a share of ||x + d||^p.
  private let errorBound: Double
  /// The length of the unit.
  let scale: Double

  var dimension: Int { directions.columns }
  var count: Int { weights.count }
  var against: Int { weights.count - supporting }

  /// The problem for the difference of two outputs, sum_j a_j phi(<u_j, x>) + bias ||x||^q.
  ///
  /// - Parameters:
  ///   - directions: unit rows, (neurons, dimension).
  ///   - contributions: a_j; positive ones speak for the label.
  ///   - errorBound: how far the sum may be from the truth, divided by ||x||^p.
  ///   - point: x in the reduced space.
  ///   - length: its length in the full space.
  init(
    exponent: Double, directions: Matrix<Double>, contributions: [Double], bias: Double,
    biasDegree: Double, errorBound: Double, point: [Double], length: Double
  ) {
    activation = RectifiedPower(exponent: exponent)
    let positive = contributions.indices.filter { contributions[$0] > 0 }
    let negative = contributions.indices.filter { contributions[$0] < 0 }
    self.directions = directions.rows(at: positive + negative)
    supporting = positive.count
    let scale = length > 0 ? length : 1
    let sum = contributions.reduce(0) { $0 + $1.magnitude }
    let total = sum > 0 ? sum : 1
    self.scale = scale
    self.point = point.map { $0 / scale }
    weights = (positive + negative).map { contributions[$0].magnitude / total }
    self.bias = bias / total * Double.power(scale, biasDegree - exponent)
    self.biasDegree = biasDegree
    self.errorBound = errorBound / total
  }

  /// At most the bias term minus the error that P - N may have, for every ||d|| <= radius.
  func constant(within radius: Double) -> Double {
    let error = errorBound * Double.power(1 + radius, activation.exponent)
    let extreme = bias > 0 ? max(0, 1 - radius) : 1 + radius
    return bias * Double.power(extreme, biasDegree) - error
  }

  /// The slope that a line below bias s^(q/2), s = ||x + d||^2, has best: that of the tangent at `square`
  /// where the function is convex, of the chord over the ball where it is concave.
  func biasSlope(at square: Double, within radius: Double) -> Double {
    if bias == 0 || biasDegree == 0 { return 0 }
    let squares = squaredLengths(within: radius)
    let half = biasDegree / 2
    if (bias > 0) == (biasDegree > 2) || biasDegree == 2 {
      let s = min(max(square, squares.lowerBound), squares.upperBound)
      return s > 0 ? bias * half * Double.power(s, half - 1) : 0
    }
    return (biasTerm(squares.upperBound) - biasTerm(squares.lowerBound))
      / (squares.upperBound - squares.lowerBound)
  }

  /// At most bias ||x + d||^q - slope ||x + d||^2, minus the error that P - N may have, for every
  /// ||d|| <= radius.
  func constant(slope: Double, within radius: Double) -> Double {
    if slope == 0 { return constant(within: radius) }
    let squares = squaredLengths(within: radius)
    func f(_ s: Double) -> Double { biasTerm(s) - slope * s }
    var least = min(f(squares.lowerBound), f(squares.upperBound))
    let half = biasDegree / 2
    let ratio = half == 1 || bias == 0 ? 0 : slope / (bias * half)
    if ratio > 0 {
      let turn = Double.power(ratio, 1 / (half - 1))
      // Any tangent lies below a convex function; where f is concave this is the larger value.
      if squares.contains(turn) {
        let rise = bias * half * Double.power(turn, half - 1) - slope
        let ends = min(
          rise * (squares.lowerBound - turn), rise * (squares.upperBound - turn))
        least = min(least, f(turn) + ends)
      }
    }
    let size = abs(bias) * Double.power(squares.upperBound, half) + abs(slope) * squares.upperBound
    let error = errorBound * Double.power(1 + radius, activation.exponent)
    return least - error - (biasDegree + 16) * 0x1p-50 * size
  }

  /// bias s^(q/2), s = ||x + d||^2.
  func biasTerm(_ square: Double) -> Double { bias * Double.power(square, biasDegree / 2) }

  /// The values of ||x + d||^2 for ||d|| <= radius.
  private func squaredLengths(within radius: Double) -> ClosedRange<Double> {
    let (least, largest) = (max(0, 1 - radius), 1 + radius)
    return least * least...largest * largest
  }

  /// At least the square of the part of x that the reduced space does not contain.
  var squaredRest: Double {
    let inside = point.reduce(0) { $0 + $1 * $1 }
    return max(0, 1 - inside) + Double(dimension + 16) * 0x1p-50
  }

  /// <u_j, x> of every neuron.
  var preActivations: [Double] { directions.times(point) }

  /// The left side of the inequality at x + d, and its gradient with respect to d.
  func margin(_ d: [Double]) -> (value: Double, gradient: [Double]) {
    let n = dimension
    let moved = zip(point, d).map { $0 + $1 }
    var value = 0.0
    var gradient = [Double](repeating: 0, count: n)
    directions.withPointer { rows in
      for j in 0..<count {
        let row = rows + j * n
        var z = 0.0
        for i in 0..<n { z += row[i] * moved[i] }
        if z <= 0 { continue }
        let jet = activation.derivatives(z)
        let weight = j < supporting ? weights[j] : -weights[j]
        value += weight * jet.value
        let slope = weight * jet.slope
        for i in 0..<n { gradient[i] += slope * row[i] }
      }
    }
    if bias == 0 { return (value, gradient) }
    let inside = point.reduce(0) { $0 + $1 * $1 }
    let square = moved.reduce(max(0, 1 - inside)) { $0 + $1 * $1 }
    value += bias * Double.power(square.squareRoot(), biasDegree)
    if biasDegree > 0 && square > 0 {
      let factor = bias * biasDegree * Double.power(square.squareRoot(), biasDegree - 2)
      for i in 0..<n { gradient[i] += factor * moved[i] }
    }
    return (value, gradient)
  }
}
