import LinearCore

/// The nearest point of a box at which its relaxation loses the label.
///
/// In a box the neurons against the label lie below their chords, whose sum with the bias is C(d), linear, and P is convex:
/// wanted is the least ‖d‖ with P(x + d) <= C(d). Cuts of this convex set are added where the nearest point so far lies outside of
/// it. With a positive weight omega of both sides and the slopes t of P at a point,
///
///     <t, z> - (p - 1) P omega^(-1/(p-1)) <= omega C,
///
/// which cuts most for omega = (P/C)^(1-1/p): the tangent of the p-norm P^(1/p), of any scale. Nothing here has to be
/// exact: what comes out are slopes, which a ``LineKernel`` evaluates.
struct RegionProgram {
  /// What a box ends with.
  struct Solution {
    /// ‖d‖ of the relaxation's solution, or less; infinite for a box without any.
    let value: Double
    /// d.
    let point: [Double]
    /// What a certificate keeps.
    let lines: CertificateLines
  }

  /// One half-space that was added: what it adds to omega and to the slopes.
  private enum Source {
    /// Of one pre-activation or coordinate, by its place among the slopes.
    case bound(Int, sign: Double)
    /// Of P <= C: the weight, the slopes of the neurons for the label, and the length of its gradient.
    case cut(multiplier: Double, slopes: [Double], length: Double)
  }

  private let problem: DecisionProblem
  private let start: [Double]
  private let rows: [Double]
  private let n: Int
  private var box: CoordinateBox
  private let tolerance: Double
  /// Of the chords: b (phi(u) - phi(l)) / (u - l).
  private var chordSlopes: [Double] = []
  private var chordGradient: [Double]
  /// C(0) and the most that C can be.
  private var chordStart = 0.0
  private var chordMost = 0.0
  /// Whether the label is lost only where no neuron for it is active.
  private let isKept: Bool

  private var nearest: NearestPoint
  private var sources: [Source] = []
  /// Whether coordinates are too many to be cut one by one: their walls are the nearest point's own then.
  private let isWide: Bool
  /// Whether few of them move, so that a step costs little.
  private let isSparse: Bool
  /// Intervals that were added, by number and end.
  private var met: Set<Int> = []

  /// - Parameters:
  ///   - condition: at most the bias less errors, a linear function of d in the box.
  ///   - isKept: see ``LineKernel/keepsLabelAlone(_:)``.
  ///   - tolerance: by how much cuts may be violated, as a distance.
  ///   - walls: of all coordinates, in many dimensions; nil in few.
  init(
    _ problem: DecisionProblem, norm: Norm, start: [Double], box: CoordinateBox,
    condition: (constant: Double, gradient: [Double], size: Double), isKept: Bool,
    tolerance: Double, walls: WidePoint? = nil
  ) {
    isWide = walls != nil
    isSparse = norm == .l1
    self.problem = problem
    self.start = start
    self.box = box
    self.tolerance = tolerance
    rows = problem.directions.elements
    n = problem.dimension
    nearest = walls.map { NearestPoint($0) } ?? NearestPoint(dimension: n, norm: norm)
    chordGradient = condition.gradient.map { -$0 }
    self.isKept = isKept && condition.size == 0
    chordStart = -condition.constant
    chordMost = -condition.constant
    for (i, slope) in condition.gradient.enumerated() {
      let k = problem.against + i
      chordMost += max(-slope * box.lower[k], -slope * box.upper[k])
    }
    for k in 0..<problem.against {
      let j = problem.supporting + k
      let (l, u, b) = (box.lower[k], box.upper[k], problem.weights[j])
      let (low, high) = (b * problem.activation(l), b * problem.activation(u))
      let slope =
        u - l > 1e-14 ? (high - low) / (u - l) : b * problem.activation.derivatives(u).slope
      chordSlopes.append(slope)
      chordStart += high + slope * (start[j] - u)
      chordMost += high
      for i in 0..<n { chordGradient[i] += slope * rows[j * n + i] }
    }
  }

  /// - Parameters:
  ///   - guess: a point near the solution, for the first cut.
  ///   - target: a distance that needs no more.
  mutating func solve(guess: [Double], target: Double) -> Solution {
    var last = 0.0
    var stalled = 0
    if !isKept { cut(at: guess) }
    for _ in 0..<(isWide && !isSparse ? 20 : 60) {
      if isWide { meetIntervals(target: target) } else { meetBounds() }
      if nearest.isEmpty || nearest.length > target { break }
      let value = nearest.length
      // Cutting the box gains more than the last digits.
      stalled = value - last < 0.01 * (target - value) ? stalled + 1 : 0
      if stalled > 6 { break }
      last = value
      if !(isKept ? meetActive() : cut(at: nearest.point)) { break }
    }
    return Solution(
      value: nearest.isEmpty ? .infinity : nearest.length, point: nearest.point,
      lines: lines)
  }

  /// Adds the bounds of pre-activations and coordinates that are violated, the worst first.
  private mutating func meetBounds() {
    for _ in 0..<200 where !nearest.isEmpty {
      let d = nearest.point
      var worst = (violation: 1e-12, index: -1, isUpper: false)
      for index in box.lower.indices {
        let value =
          index < problem.against
          ? preActivation(problem.supporting + index, d) : d[index - problem.against]
        let (below, above) = (box.lower[index] - value, value - box.upper[index])
        if below > worst.violation { worst = (below, index, false) }
        if above > worst.violation { worst = (above, index, true) }
      }
      if worst.index < 0 { return }
      let (index, sign) = (worst.index, worst.isUpper ? -1.0 : 1)
      let end = worst.isUpper ? box.upper[index] : box.lower[index]
      if index < problem.against {
        addBound(of: problem.supporting + index, sign: sign, end: end)
      } else {
        var normal = [Double](repeating: 0, count: n)
        normal[index - problem.against] = sign
        add(
          normal, sign * end,
          .bound(problem.count + index - problem.against, sign: -sign))
      }
    }
  }

  /// Adds all intervals of pre-activations that are violated, until none is.
  private mutating func meetIntervals(target: Double) {
    for _ in 0..<6 {
      nearest.settle(target: target)
      if nearest.length > target { return }
      let d = nearest.point
      var isDone = true
      for k in 0..<problem.against {
        let z = preActivation(problem.supporting + k, d)
        for (end, sign) in [(box.lower[k], 1.0), (box.upper[k], -1)]
        where sign * (end - z) > 1e-7 * target && met.insert(2 * k + (sign > 0 ? 0 : 1)).inserted {
          addBound(of: problem.supporting + k, sign: sign, end: end)
          isDone = false
        }
      }
      if isDone { return }
    }
  }

  /// sign z_j >= sign end.
  private mutating func addBound(of j: Int, sign: Double, end: Double) {
    add(
      (0..<n).map { sign * rows[j * n + $0] }, sign * (end - start[j]), .bound(j, sign: -sign))
  }

  private mutating func add(_ normal: [Double], _ offset: Double, _ source: Source) {
    sources.append(source)
    nearest.add(normal: normal, offset: offset)
  }

  /// z_j at d.
  private func preActivation(_ j: Int, _ d: [Double]) -> Double {
    var z = start[j]
    for i in 0..<n { z += rows[j * n + i] * d[i] }
    return z
  }

  /// Adds z_j <= 0 for the neuron that is most active, and a little more, so that the solution loses the label whatever
  /// rounding does; false where none is.
  private mutating func meetActive() -> Bool {
    let margin = 0.02 * tolerance
    var worst = (z: -0.5 * margin, neuron: -1)
    for j in 0..<problem.supporting {
      let z = preActivation(j, nearest.point)
      if z > worst.z { worst = (z, j) }
    }
    if worst.neuron < 0 { return false }
    addBound(of: worst.neuron, sign: -1, end: -margin)
    return true
  }

  /// Adds the cut that a point violates most; false where it violates none.
  @discardableResult
  private mutating func cut(at d: [Double]) -> Bool {
    let p = problem.activation.exponent
    var slopes = [Double](repeating: 0, count: problem.supporting)
    var gradient = [Double](repeating: 0, count: n)
    var sum = 0.0
    for j in 0..<problem.supporting {
      let z = preActivation(j, d)
      if z <= 0 { continue }
      let jet = problem.activation.derivatives(z)
      let slope = problem.weights[j] * jet.slope
      slopes[j] = slope
      sum += problem.weights[j] * jet.value
      for i in 0..<n { gradient[i] += slope * rows[j * n + i] }
    }
    var chords = chordStart
    for i in 0..<n { chords += chordGradient[i] * d[i] }
    let best = PowerCut.strongest(
      degree: p, sum: sum, chords: chords, mostChords: chordMost, gradient: gradient,
      chordGradient: chordGradient)
    if best.violation <= 0 { return false }
    if best.isOfChords {
      slopes = [Double](repeating: 0, count: problem.supporting)
      gradient = [Double](repeating: 0, count: n)
    }
    let omega = best.omega
    for i in 0..<n { gradient[i] -= omega * chordGradient[i] }
    let length = Norm.l2.length(gradient)
    if length <= 1e-14 * omega * Norm.l2.length(chordGradient) || length == 0 {
      // The label is kept everywhere in the box.
      isSafe = CertificateLines(
        multiplier: omega,
        slopes: slopes + chordSlopes.map { -omega * $0 }
          + [Double](repeating: 0, count: isWide ? 0 : n))
      return false
    }
    if best.violation <= tolerance * length { return false }
    let constant = best.violation - zip(gradient, d).reduce(0) { $0 + $1.0 * $1.1 }
    add(
      gradient.map { -$0 / length }, constant / length,
      .cut(multiplier: omega, slopes: slopes, length: length))
    return true
  }

  /// Slopes that prove a box to keep the label.
  private var isSafe: CertificateLines?

  /// What the multipliers of all half-spaces add up to.
  private var lines: CertificateLines {
    if let isSafe { return isSafe }
    var slopes = [Double](repeating: 0, count: problem.count + (isWide ? 0 : n))
    var multiplier = 0.0
    for (number, y) in nearest.active {
      switch sources[number] {
      case .bound(let index, let sign): slopes[index] += sign * y
      case .cut(let omega, let supporting, let length):
        let share = y / length
        multiplier += share * omega
        for j in supporting.indices { slopes[j] += share * supporting[j] }
        for k in chordSlopes.indices {
          slopes[problem.supporting + k] -= share * omega * chordSlopes[k]
        }
      }
    }
    return CertificateLines(multiplier: multiplier, slopes: slopes)
  }

  /// By how much the chords of the neurons against the label exceed b phi at d.
  func gaps(_ d: [Double]) -> [(gap: Double, z: Double)] {
    (0..<problem.against).map { k in
      let j = problem.supporting + k
      let z = min(max(preActivation(j, d), box.lower[k]), box.upper[k])
      let b = problem.weights[j]
      let chord = b * problem.activation(box.upper[k]) + chordSlopes[k] * (z - box.upper[k])
      return (max(0, chord - b * problem.activation(z)), z)
    }
  }
}
