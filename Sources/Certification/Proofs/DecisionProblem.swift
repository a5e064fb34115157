import LinearCore

/// The question behind a certificate: how small can d be with
///
///     sum_{j in P} b_j phi(<u_j, x + d>) - sum_{k in N} b_k phi(<u_k, x + d>) + bias ||x + d||^q <= 0 ?
///
/// P are the neurons that speak for the label, N those that speak against it; directions u are unit vectors
/// of the reduced space and weights b are positive. q is 0, or p - 1 for networks that normalise inputs,
/// whose outputs have been multiplied by ||x + d||^(p-1). Lengths are in units of `scale`, by default the
/// distance of the input from the center, and both sides are divided so that the b sum to 1: bounds and
/// tolerances then mean the same for every network. With hidden biases phi(<u_j, x + d> + beta_j) takes the place of
/// phi(<u_j, x + d>). Any unit is right; one that is far from both the
/// input's length and the radius costs digits.
struct DecisionProblem: Sendable {
  let activation: RectifiedPower
  /// Unit rows, (neurons, dimension), the supporting neurons first.
  var directions: Matrix<Double>
  /// b, in the same order.
  let weights: [Double]
  /// How many neurons speak for the label.
  let supporting: Int
  /// x / scale; the reduced space need not contain all of the input.
  var point: [Double]
  /// ||x|| / scale in the full space lies between these, the rounding of its computation included. Near 1, or 0 for
  /// an input at the center, unless another unit was chosen.
  let distance: ClosedRange<Double>
  let bias: Double
  let biasDegree: Double
  /// How far P - N may be from the network's, as a share of ||x + d||^p; with hidden biases of ||(x + d, 1)||^p in
  /// the units of the data.
  var errorBound: Double
  /// beta, in the order of the weights; empty without hidden biases or neurons.
  private let offsets: [Double]
  /// The length of the constant coordinate that hidden biases belong to, in units; 0 without them.
  private let constantLength: Double
  /// The length of the unit.
  let scale: Double
  /// The length of x, in the units of the data.
  let length: Double
  /// Whether the label is kept where both sides are equal.
  var keepsTies = false
  /// By how much a pre-activation may differ from that of the network, as a share of ||x + d||.
  var directionError = 0.0
  /// By how much the b may differ; none where ``errorBound`` speaks for all of them.
  var weightErrors: [Double] = []

  var dimension: Int { directions.columns }
  var count: Int { weights.count }
  var against: Int { weights.count - supporting }
  /// ||x||^2, as computed.
  var squaredDistance: Double {
    let middle = 0.5 * (distance.lowerBound + distance.upperBound)
    return middle * middle
  }
  /// No |<u_j, x> + beta_j| is larger, and it is at least 1.
  var extent: Double { max(1, distance.upperBound) + largestOffset }
  /// The largest |beta_j|.
  var largestOffset: Double { offsets.reduce(0) { max($0, $1.magnitude) } }
  /// Whether neurons may have hidden biases.
  let hasOffsets: Bool
  /// Whether all numbers are there: what overflows or is no number can prove nothing.
  var isFinite: Bool {
    weights.allSatisfy(\.isFinite) && point.allSatisfy(\.isFinite) && bias.isFinite
      && errorBound.isFinite && distance.upperBound.isFinite && scale.isNormal && length.isFinite
      && activation.exponent.isFinite && offsets.allSatisfy(\.isFinite) && constantLength.isFinite
  }

  /// The problem for the difference of two outputs, sum_j a_j phi(<u_j, x>) + bias ||x||^q.
  ///
  /// - Parameters:
  ///   - directions: unit rows, (neurons, dimension).
  ///   - contributions: a_j; positive ones speak for the label.
  ///   - errorBound: how far the sum may be from the truth, divided by ||x||^p.
  ///   - point: x in the reduced space.
  ///   - length: its length in the full space.
  ///   - unit: what lengths are measured in; nil for `length`, or 1 where that is 0.
  ///   - terms: the coordinates that `length` was computed from, for its rounding.
  ///   - offsets: beta_j in the units of the data, nil without hidden biases; `errorBound` then is divided by ||(x, 1)||^p.
  init(
    exponent: Double, directions: Matrix<Double>, contributions: [Double], bias: Double,
    biasDegree: Double, errorBound: Double, point: [Double], length: Double,
    unit: Double? = nil, terms: Int = 0, offsets: [Double]? = nil
  ) {
    let positive = contributions.indices.filter { contributions[$0] > 0 }
    let negative = contributions.indices.filter { !(contributions[$0] >= 0) }
    self.init(
      exponent: exponent, directions: directions.rows(at: positive + negative),
      weights: (positive + negative).map { contributions[$0].magnitude },
      supporting: positive.count, bias: bias, biasDegree: biasDegree, errorBound: errorBound,
      point: point, length: length, unit: unit, terms: terms,
      offsets: offsets.map { all in (positive + negative).map { all[$0] } })
  }

  /// The problem of neurons that are sorted already, none of which is left out.
  ///
  /// - Parameter weights: b in any unit, at least 0.
  init(
    exponent: Double, directions: Matrix<Double>, weights: [Double], supporting: Int,
    bias: Double, biasDegree: Double, errorBound: Double, point: [Double], length: Double,
    unit: Double? = nil, terms: Int = 0, offsets: [Double]? = nil
  ) {
    activation = RectifiedPower(exponent: exponent)
    self.directions = directions
    self.supporting = supporting
    let scale = unit ?? (length > 0 ? length : 1)
    let sum = weights.reduce(0, +)
    // Sums below this have lost digits to denormal numbers, and prove nothing.
    let total = sum == 0 ? 1 : sum > Self.leastTotal ? sum : .nan
    self.scale = scale
    self.length = length
    self.point = point.map { $0 / scale }
    self.offsets = (offsets ?? []).map { $0 / scale }
    hasOffsets = offsets != nil
    constantLength = hasOffsets ? 1 / scale : 0
    let ratio = length / scale
    let rounding = Double(terms + 16) * 0x1p-52
    distance =
      ratio.isFinite
      ? max(0, ratio * (1 - rounding))...(ratio * (1 + rounding)) : 0...Double.infinity
    self.weights = weights.map { $0 / total }
    // One power alone could overflow where the product does not.
    let half = Double.power(scale, (biasDegree - exponent) / 2)
    self.bias = bias == 0 ? 0 : bias / total * half * half
    self.biasDegree = biasDegree
    self.errorBound = errorBound / total
  }

  /// The least sum of contributions, and the largest length, that certificates are made for.
  private static var leastTotal: Double { 1e-280 }

  /// At most the bias term minus the error that P - N may have, for every ||d|| <= radius.
  func constant(within radius: Double) -> Double {
    let farthest = distance.upperBound + radius
    let error = error(within: radius)
    let extreme = bias > 0 ? max(0, distance.lowerBound - radius) : farthest
    let result = bias * Double.power(extreme, biasDegree) - error
    return result.isNaN ? -.infinity : result
  }

  /// How far P - N may be from the network's, for every ||d|| <= radius.
  private func error(within radius: Double) -> Double {
    error(farthest: distance.upperBound + radius)
  }

  /// The same where ||x + d|| is at most `farthest`.
  func error(farthest: Double) -> Double {
    let size =
      constantLength == 0
      ? farthest
      : (farthest * farthest + constantLength * constantLength).squareRoot() * (1 + 0x1p-50)
    return errorBound * Double.power(size, activation.exponent)
  }

  /// A radius within which the bias outweighs everything that speaks against the label, in any direction; 0
  /// for none.
  ///
  /// No phi(<u, y>) exceeds ||y||^p, so the label is kept as long as bias ||y||^q > S ||y||^p, S the sum of the b
  /// against it and of the error of P - N. It is kept at y = 0 as well, where the bias is all there is: this is
  /// what holds at the center of a network that normalises its inputs, where the inequality above reads 0 <= 0.
  var biasRadius: Double { max(0, biasReach - distance.upperBound) }

  /// How long x + d may be at most for the bias to outweigh everything that speaks against the label; 0 for never.
  var biasReach: Double {
    // With hidden biases phi may exceed ||y||^p.
    guard bias > 0, !hasOffsets else { return 0 }
    let p = activation.exponent
    // Rows are unit vectors up to 2e-14, and sums are right up to their rounding.
    let allowance = 1 + 4e-14 * p + Double(count + 64) * 0x1p-50
    let against = (weights[supporting...].reduce(0, +) + errorBound) * allowance
    guard against.isFinite else { return 0 }
    if against == 0 { return .infinity }
    let reach = Double.power(bias / against, 1 / (p - biasDegree)) * (1 - 1e-13)
    return reach.isNaN ? 0 : max(0, reach)
  }

  /// The slope that a line below bias s^(q/2), s = ||x + d||^2, has best: that of the tangent at `square`
  /// where the function is convex, of the chord over the ball where it is concave.
  func biasSlope(at square: Double, within radius: Double) -> Double {
    biasSlope(at: square, squares: squaredLengths(within: radius))
  }

  /// The same where ||x + d||^2 lies between two numbers.
  func biasSlope(at square: Double, squares: ClosedRange<Double>) -> Double {
    if bias == 0 || biasDegree == 0 { return 0 }
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
    return constant(
      slope: slope, squares: squaredLengths(within: radius),
      farthest: distance.upperBound + radius)
  }

  /// The same where ||x + d||^2 lies between two numbers, and ||x + d|| is at most `farthest`.
  func constant(slope: Double, squares: ClosedRange<Double>, farthest: Double) -> Double {
    func f(_ s: Double) -> Double { biasTerm(s) - slope * s }
    var least = min(f(squares.lowerBound), f(squares.upperBound))
    let half = biasDegree / 2
    let ratio = half == 1 || bias == 0 ? 0 : slope / (bias * half)
    if ratio > 0 {
      let turn = Double.power(ratio, 1 / (half - 1))
      // Where the place overflows, each term at its worst.
      if !(ratio.isNormal && turn.isNormal) {
        let terms = [squares.lowerBound, squares.upperBound]
        least =
          min(biasTerm(terms[0]), biasTerm(terms[1])) - max(slope * terms[0], slope * terms[1])
      }
      // Any tangent lies below a convex function; where f is concave this is the larger value.
      if squares.contains(turn) {
        let rise = bias * half * Double.power(turn, half - 1) - slope
        let ends = min(
          rise * (squares.lowerBound - turn), rise * (squares.upperBound - turn))
        least = min(least, f(turn) + ends)
      }
    }
    let size = abs(bias) * Double.power(squares.upperBound, half) + abs(slope) * squares.upperBound
    let error = error(farthest: farthest)
    let result = least - error - (biasDegree + 16) * 0x1p-50 * size
    return result.isNaN ? -.infinity : result
  }

  /// The same where ||x + d||^2 lies between two numbers as well; nil for all of the ball.
  func constant(slope: Double, within radius: Double, squares: ClosedRange<Double>?) -> Double {
    guard let squares, squares != self.squares(within: radius) else {
      return constant(slope: slope, within: radius)
    }
    return constant(
      slope: slope, squares: squares,
      farthest: min(
        distance.upperBound + radius, squares.upperBound.squareRoot() * (1 + 0x1p-50)))
  }

  /// The values of ||x + d||^2 for ||d|| <= radius that a tree may cut, a little more than there are.
  func squares(within radius: Double) -> ClosedRange<Double> {
    let all = squaredLengths(within: radius)
    return all.lowerBound * (1 - 0x1p-50)...all.upperBound * (1 + 0x1p-50)
  }

  /// bias s^(q/2), s = ||x + d||^2.
  func biasTerm(_ square: Double) -> Double { bias * Double.power(square, biasDegree / 2) }

  /// The values of ||x + d||^2 for ||d|| <= radius.
  private func squaredLengths(within radius: Double) -> ClosedRange<Double> {
    let (least, largest) = (max(0, distance.lowerBound - radius), distance.upperBound + radius)
    return least * least...largest * largest
  }

  /// At least the square of the part of x that the reduced space does not contain.
  var squaredRest: Double {
    let inside = point.reduce(0) { $0 + $1 * $1 }
    let whole = distance.upperBound * distance.upperBound
    return max(0, whole - inside) + Double(dimension + 16) * 0x1p-50 * whole
  }

  /// <u_j, x> of every neuron, with its hidden bias.
  var preActivations: [Double] {
    let products = directions.times(point)
    return offsets.isEmpty ? products : zip(products, offsets).map { $0 + $1 }
  }

  /// beta_j; 0 without hidden biases.
  func offset(_ j: Int) -> Double { offsets.isEmpty ? 0 : offsets[j] }

  /// The left side of the inequality at x + d, and its gradient with respect to d.
  func margin(_ d: [Double]) -> (value: Double, gradient: [Double]) {
    let n = dimension
    let moved = zip(point, d).map { $0 + $1 }
    var value = 0.0
    var gradient = [Double](repeating: 0, count: n)
    directions.withPointer { rows in
      for j in 0..<count {
        let row = rows + j * n
        var z = offset(j)
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
    let square = moved.reduce(max(0, squaredDistance - inside)) { $0 + $1 * $1 }
    value += bias * Double.power(square.squareRoot(), biasDegree)
    if biasDegree > 0 && square > 0 {
      let factor = bias * biasDegree * Double.power(square.squareRoot(), biasDegree - 2)
      for i in 0..<n { gradient[i] += factor * moved[i] }
    }
    return (value, gradient)
  }
}
