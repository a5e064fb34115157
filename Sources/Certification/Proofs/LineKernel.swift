import LinearCore

/// Recomputes what lines prove: bounds of ‖d‖ in any norm, with nothing but one linear function a neuron.
///
/// A leaf has a multiplier omega >= 0 and a slope for every neuron and every coordinate of d. In its box
///
///     omega b_j phi(z) >= t_j z - (1 - 1/p) t_j (t_j / (p omega b_j))^(1/(p-1))           for the label,
///     -omega b_k phi(z) >= t_k z - max(t_k l + omega b_k phi(l), t_k u + omega b_k phi(u))  against it,
///     0 >= t_i d_i - max(t_i a_i, t_i b_i)                                                 for a coordinate,
///
/// whatever the slopes are, since phi is convex. Their sum is omega times the margin or less:
/// omega m(x + d) >= A + <g, d>. Where the label is lost the left side is at most 0, hence
/// ‖d‖ >= A / ‖g‖*. No number of it has a scale of its own, so that large p cost no digits.
struct LineKernel {
  private static let unit = 0x1p-52
  private let problem: DecisionProblem
  private let start: [Double]
  private let propagation: BoxPropagation
  /// Of valid inputs; nil where all are.
  private let range: PerturbationRange?
  private var norm: Norm { propagation.norm }
  /// R.
  var radius: Double { propagation.radius }
  /// At least the squared length of what y = x + d has outside of the reduced space, and at most.
  private let outside: (least: Double, largest: Double)
  /// The lengths of x + d in the ball.
  private let lengths: ClosedRange<Double>

  /// The problem in a ball.
  ///
  /// - Parameters:
  ///   - isWhole: whether its coordinates are those of the input; otherwise x + d may have more of them.
  ///   - range: what perturbations have to be in; takes coordinates of the input.
  init(
    _ problem: DecisionProblem, norm: Norm, radius: Double, isWhole: Bool,
    range: PerturbationRange? = nil
  ) {
    self.problem = problem
    self.range = range
    start = problem.preActivations
    propagation = BoxPropagation(problem, norm: norm, radius: radius)
    let reach = radius * (norm == .linf ? Double(problem.dimension).squareRoot() : 1) * (1 + 1e-14)
    lengths =
      max(0, problem.distance.lowerBound - reach)...(problem.distance.upperBound + reach)
    let rest = problem.squaredRest
    let most = rest.squareRoot() + reach
    outside = isWhole ? (0, rest) : (0, most * most)
  }

  /// The box of the whole ball; nil where nothing is in it.
  var root: CoordinateBox? {
    var box = propagation.root
    if let range {
      for i in 0..<problem.dimension {
        let k = problem.against + i
        box.lower[k] = max(box.lower[k], range.lower[i])
        box.upper[k] = min(box.upper[k], range.upper[i])
      }
    }
    return tightened(box)
  }

  /// A linear function of d that is nowhere in a box above the bias term less the errors that all neurons have
  /// together, and the sum of the magnitudes of what its constant was computed from.
  ///
  /// bias ||y||^q, y = x + d, is at least a line beta_0 + c ||y||^2, and with y_i in [a, b] of middle m
  /// y_i^2 >= 2 m y_i - m^2 and y_i^2 <= 2 m y_i - a b.
  func condition(of box: CoordinateBox) -> (constant: Double, gradient: [Double], size: Double) {
    let n = problem.dimension
    let lengths = lengths(of: box)
    var gradient = [Double](repeating: 0, count: n)
    guard problem.biasHasLength else {
      let constant = problem.constant(lengths: lengths)
      return (constant, gradient, constant.magnitude)
    }
    let low = lengths.lowerBound * (1 - 4 * Self.unit)
    let high = lengths.upperBound * (1 + 4 * Self.unit)
    let squares = low * low...high * high
    let middle = 0.5 * (squares.lowerBound + squares.upperBound)
    let slope = problem.biasSlope(at: middle, squares: squares)
    // A box too small for a slope has a constant.
    guard slope.isFinite, squares.lowerBound < squares.upperBound, slope != 0 else {
      let constant = problem.constant(lengths: lengths)
      return (constant, gradient, constant.magnitude)
    }
    var constant = problem.constant(slope: slope, squares: squares, farthest: high)
    var size = constant.magnitude
    for i in 0..<n {
      let (k, x) = (problem.against + i, problem.point[i])
      let (a, b) = (x + box.lower[k], x + box.upper[k])
      let m = 0.5 * (a + b)
      constant += slope * (2 * m * x - (slope > 0 ? m * m : a * b))
      gradient[i] = 2 * slope * m
      let largest = x.magnitude + max(box.lower[k].magnitude, box.upper[k].magnitude)
      size += 4 * slope.magnitude * largest * largest
    }
    constant += slope * (slope > 0 ? outside.least : outside.largest)
    size += slope.magnitude * outside.largest
    return (constant, gradient, size)
  }

  /// What the ball leaves of a box.
  func tightened(_ box: CoordinateBox) -> CoordinateBox? {
    var result = box
    return propagation.tighten(&result) ? result : nil
  }

  /// The radius up to which no perturbation loses the label, in the problem's unit; nil where the certificate is not
  /// one of lines.
  static func certifiedRadius(
    _ certificate: BranchCertificate, of problem: DecisionProblem, norm: Norm, isWhole: Bool,
    range: PerturbationRange? = nil
  ) -> Double? {
    let radius = certificate.searchRadius
    guard problem.isFinite, radius > 0, radius <= CertificateKernel.largestRadius,
      certificate.cutDirections == nil
    else { return nil }
    if let faces = certificate.faces {
      guard certificate.nodes.isEmpty else { return nil }
      return ConeKernel(problem, isWhole: isWhole)?.proves(faces) ?? false ? radius : nil
    }
    let kernel = LineKernel(
      problem, norm: norm, radius: radius, isWhole: isWhole, range: range)
    guard let root = kernel.root else { return nil }
    return kernel.leastBound(certificate.nodes, root).map { min(radius, $0) }
  }

  /// The least bound of all leaves; nil where the nodes are no tree, or a leaf is malformed.
  func leastBound(_ nodes: [BranchCertificate.Node], _ root: CoordinateBox) -> Double? {
    var (position, least) = (0, Double.infinity)
    // An empty box needs no bound, but its nodes have to be there.
    func visit(_ box: CoordinateBox?, depth: Int) -> Bool {
      guard position < nodes.count, depth < 1000 else { return false }
      let node = nodes[position]
      position += 1
      switch node {
      case .leaf, .lengthBranch: return false
      case .lines(let lines):
        guard isLeaf(lines) else { return false }
        if let box { least = min(least, bound(lines, box)) }
        return true
      case .branch(let index, let at):
        guard root.lower.indices.contains(index), at.isFinite else { return false }
        return [false, true].allSatisfy { isUpper in
          let part = box.flatMap { $0.half(index, at: at, isUpper: isUpper) }.flatMap(tightened)
          return visit(part, depth: depth + 1)
        }
      }
    }
    return visit(root, depth: 0) && position == nodes.count ? least : nil
  }

  private func isLeaf(_ lines: CertificateLines) -> Bool {
    (lines.slopes.count == problem.count + problem.dimension || lines.slopes.count == problem.count)
      && lines.slopes.allSatisfy(\.isFinite)
      && lines.multiplier >= 0 && lines.multiplier.isFinite
  }

  /// A lower bound of ‖d‖ for all d of a tightened box that lose the label; infinite where there are none.
  ///
  /// - Parameter lines: as many slopes as there are neurons and coordinates.
  func bound(_ lines: CertificateLines, _ box: CoordinateBox) -> Double {
    let (n, count, supporting) = (problem.dimension, problem.count, problem.supporting)
    let (omega, p) = (lines.multiplier, problem.activation.exponent)
    let lengths = lengths(of: box)
    // By how much a pre-activation of the network may differ from that of the problem.
    let shift = problem.preActivationError(farthest: lengths.upperBound)
    let isKept = isAlone(box, shift)
    if isKept && problem.keepsTies { return .infinity }
    let condition = condition(of: box)
    var (value, size, steepness) = (omega * condition.constant, omega * condition.size, 0.0)
    var gradient = condition.gradient.map { omega * $0 }
    for entry in gradient { steepness += entry.magnitude }
    problem.directions.withPointer { rows in
      for j in 0..<count {
        let slope: Double
        if j < supporting {
          let weight =
            omega * max(0, problem.weights[j] - problem.weightError(j)) * (1 - 4 * Self.unit)
          // An active neuron for the label is all that a lost label has to avoid.
          let (t, conjugate) =
            isKept
            ? (problem.weights[j] > problem.weightError(j) ? max(0, lines.slopes[j]) : 0, 0)
            : supportingLine(lines.slopes[j], weight)
          slope = t
          value -= conjugate
          size += p > 1 ? conjugate * (1 + 1 / (p - 1)) : 0
        } else {
          slope = lines.slopes[j]
          let weight = omega * (problem.weights[j] + problem.weightError(j)) * (1 + 4 * Self.unit)
          let k = j - supporting
          let (l, u) = (box.lower[k] - shift, box.upper[k] + shift)
          let (low, high) = (weight * largest(l), weight * largest(u))
          value -= max(slope * l + low, slope * u + high)
          size += max(slope.magnitude * l.magnitude + low, slope.magnitude * u.magnitude + high)
        }
        value += slope * start[j] - slope.magnitude * shift
        size += slope.magnitude * (problem.distance.upperBound + problem.largestOffset + shift)
        steepness += slope.magnitude
        if slope == 0 { continue }
        let row = rows + j * n
        for i in 0..<n { gradient[i] += slope * row[i] }
      }
    }
    for i in 0..<lines.slopes.count - count {
      let (slope, k) = (lines.slopes[count + i], problem.against + i)
      let ends = (slope * box.lower[k], slope * box.upper[k])
      value -= max(ends.0, ends.1)
      size += max(ends.0.magnitude, ends.1.magnitude)
      steepness += slope.magnitude
      gradient[i] += slope
    }
    let operations = (p + 8) * Double(2 * n + count + 32) * Self.unit
    value -= operations * size
    // Below this, numbers have lost digits.
    guard value > 1e-280 else { return 0 }
    let length = norm.dual.length(gradient) * (1 + Double(n + 8) * Self.unit)
    // |<g, d>| may be larger by this share of ‖d‖.
    let doubt = operations * Double(n).squareRoot() * steepness
    let most = length + doubt
    let result = value / most * (1 - 4 * Self.unit)
    if most == 0 { return .infinity }
    guard range != nil, result < radius else { return result.isNaN ? 0 : result }
    // Where walls stop d, the half-space is farther away.
    let boxed = BoxedHalfSpace(
      norm: norm, constant: value - doubt * radius * (1 + 4 * Self.unit), gradient: gradient,
      lower: box.lower[problem.against...], upper: box.upper[problem.against...])
    return max(result.isNaN ? 0 : result, boxed.bound)
  }

  /// Whether no neuron against the label is active in a box, and nothing else speaks against it.
  func keepsLabelAlone(_ box: CoordinateBox) -> Bool {
    isAlone(box, problem.preActivationError(farthest: lengths(of: box).upperBound))
  }

  private func isAlone(_ box: CoordinateBox, _ shift: Double) -> Bool {
    problem.isNonnegative && (0..<problem.against).allSatisfy { box.upper[$0] + shift <= 0 }
  }

  /// A slope t >= 0 and at least sup of t z - weight phi(z) over all z.
  private func supportingLine(_ wanted: Double, _ weight: Double) -> (Double, Double) {
    let p = problem.activation.exponent
    let slope = max(0, wanted)
    if weight == 0 || slope == 0 { return (0, 0) }
    if p == 1 { return (min(slope, weight), 0) }
    let ratio = max(slope / (p * weight), .leastNormalMagnitude)
    let conjugate = (1 - 1 / p) * slope * Double.power(ratio, 1 / (p - 1))
    // A line that overflows is given up.
    return conjugate.isFinite ? (slope, conjugate) : (0, 0)
  }

  /// At least phi(z), its rounding aside.
  private func largest(_ z: Double) -> Double {
    z <= 0 ? 0 : max(problem.activation(z), .leastNormalMagnitude)
  }

  /// The lengths of x + d for the d of a box.
  private func lengths(of box: CoordinateBox) -> ClosedRange<Double> {
    var (least, most) = (outside.least, outside.largest)
    for (i, x) in problem.point.enumerated() {
      let k = problem.against + i
      let (a, b) = (x + box.lower[k], x + box.upper[k])
      let near = a > 0 ? a : b < 0 ? b : 0
      least += near * near
      most += max(a * a, b * b)
    }
    let room = Double(problem.dimension + 16) * Self.unit
    let allowance = room * lengths.upperBound
    let low = max(lengths.lowerBound, least.squareRoot() * (1 - room) - allowance)
    let high = min(lengths.upperBound, most.squareRoot() * (1 + room) + allowance)
    return low...max(low, high)
  }
}
