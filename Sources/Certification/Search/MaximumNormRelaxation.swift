import Foundation
import LinearCore

/// Bounds of boxes in linf: those of l2 in a metric that is improved step by step.
///
/// In the metric eta of ``MaximumNormProblem``, and with radius as the unit, the problem is one in l2 with
/// other directions: those of the rows U / sqrt(eta), whose lengths move into the weights by homogeneity.
/// The slopes of its solution make the next metric.
struct MaximumNormRelaxation: BoxRelaxation {
  private let problem: MaximumNormProblem
  private let radius: Double
  private let deadline: Date
  /// In linf perturbations are those of the input.
  private(set) var best: Double
  private(set) var witness: [Double]?
  let root: [ClosedRange<Double>]

  /// - Parameters:
  ///   - radius: perturbations up to this size are looked at.
  ///   - witness: a perturbation of the input of about that size, where one is known.
  init(
    _ problem: MaximumNormProblem, radius: Double, witness: [Double]?, deadline: Date
  ) {
    self.problem = problem
    self.radius = radius
    self.witness = witness
    self.deadline = deadline
    best = radius
    root = problem.root(within: radius)
  }

  /// The leaf has no rounding: neurons for the label have supporting lines.
  var rounding: Double { 0 }

  var cuts: CutDirections? { nil }

  func tightened(_ box: [ClosedRange<Double>]) -> [ClosedRange<Double>]? { box }

  func nodes(_ budget: SearchBudget) -> Int { budget.nodes }

  var initialState: BoxState {
    let plain = problem.plain
    // The slopes at the witness; without one every neuron counts.
    var metric = plain.weights
    if let changes = witness.map({ problem.rows.times($0) }) {
      for j in metric.indices {
        metric[j] *= plain.activation.derivatives(problem.start[j] + changes[j]).slope
      }
    }
    for j in plain.supporting..<plain.count { metric[j] *= -1 }
    if metric.allSatisfy({ $0 == 0 }) { metric = plain.weights }
    var leaf = CertificateLeaf(boundingNothingOf: plain)
    leaf.point = [Double](repeating: 0, count: plain.count)
    leaf.metric = metric
    return BoxState(
      leaf: leaf, multiplier: 1, point: metric, budgets: [],
      shares: [Double](repeating: 1, count: plain.against))
  }

  /// An l2 problem that stands for the metric, and what leads back.
  private struct Scaled {
    let problem: DecisionProblem
    /// radius times the length of u_j in the metric: z_j in its units.
    let units: [Double]
    /// What the weights have been divided by.
    let height: Double
  }

  private func scaled(_ metric: [Double]) -> Scaled? {
    guard var gram = problem.gram(metric: metric) else { return nil }
    let (plain, count) = (problem.plain, problem.plain.count)
    let lengths = (0..<count).map { gram[$0, $0].squareRoot() }
    for j in 0..<count {
      for k in 0..<count { gram[j, k] /= lengths[j] * lengths[k] }
      // Parallel neurons stay apart a little.
      gram[j, j] = 1 + 1e-10
    }
    let isPositive = gram.withMutablePointer { SmallCholesky.factorize(count, $0) }
    guard isPositive else { return nil }
    // Rows of the transposed factor are the directions; below its diagonal is no zero yet.
    var directions = Matrix<Double>(rows: count, columns: count)
    for j in 0..<count {
      for k in 0...j { directions[j, k] = gram[k, j] }
    }
    directions = directions.rowsNormalized()
    let units = lengths.map { radius * $0 }
    var point = [Double](repeating: 0, count: count)
    for j in 0..<count {
      var rest = problem.start[j] / units[j]
      for k in 0..<j { rest -= directions[j, k] * point[k] }
      point[j] = rest / directions[j, j]
    }
    // Powers of units may overflow where their ratios do not.
    let p = plain.activation.exponent
    let logarithms = (0..<count).map { log(plain.weights[$0]) + p * log(units[$0]) }
    guard let largest = logarithms.max(), largest.isFinite else { return nil }
    let weights = logarithms.map { exp($0 - largest) }
    let total = weights.reduce(0, +)
    let height = exp(largest) * total
    guard height.isNormal, units.allSatisfy({ $0.isNormal }) else { return nil }
    let problem = DecisionProblem(
      exponent: p, directions: directions, weights: weights, supporting: plain.supporting,
      bias: problem.constant(within: radius) / height * total, biasDegree: 0, errorBound: 0,
      point: point, length: 1)
    return problem.isFinite ? Scaled(problem: problem, units: units, height: height) : nil
  }

  mutating func bound(
    _ state: inout BoxState, _ box: [ClosedRange<Double>], isRoot: Bool, target: Double
  ) {
    // The length of sum_i eta_i d_i^2 is concave in eta, and rises from a metric towards that of the slopes
    // of its solution; how far shows only in trying.
    var best: (metric: [Double], slopes: [Double], value: Double)?
    var metric = normalized(state.point)
    var step = 1.0
    var failures = 0
    for _ in 0..<(isRoot ? 40 : 8) {
      guard let next = improve(&state, box, metric, target) else { break }
      if state.bound >= target || Date() >= deadline { return }
      let last = best?.value ?? -.infinity
      if next.value < last + 2e-3 * (target - last) { failures += 1 } else { failures = 0 }
      if failures > 3 { break }
      if next.value > last {
        if best != nil { step = min(2 * step, 64) }
        best = (metric, normalized(next.slopes), next.value)
      } else {
        step = min(1, step) / 4
      }
      guard let best else { break }
      metric = zip(best.metric, best.slopes).map { $0 + step * ($1 - $0) }
    }
    if let best {
      state.point = best.slopes
      tryPoint(best.slopes, best.metric)
    }
  }

  /// Coefficients for which sum_j |y_j| reach_j is 1.
  private func normalized(_ y: [Double]) -> [Double] {
    let sum = zip(y, problem.reach).reduce(0) { $0 + $1.0.magnitude * $1.1 }
    return sum > 0 ? y.map { $0 / sum } : y
  }

  /// One ascent in a metric.
  /// - Returns: the bound reached, and the slopes of its solution; nil where the metric is none.
  private func improve(
    _ state: inout BoxState, _ box: [ClosedRange<Double>], _ metric: [Double],
    _ target: Double
  ) -> (value: Double, slopes: [Double])? {
    guard let scaled = scaled(metric) else { return nil }
    let (plain, first) = (problem.plain, problem.plain.supporting)
    let square = radius * radius
    let intervals = box.indices.map { k in
      let unit = scaled.units[first + k]
      return box[k].lowerBound / unit...box[k].upperBound / unit
    }
    let p = plain.activation.exponent
    let curvature = CurvatureBudget(scaled.problem)
    let minimizer = LagrangianMinimizer(
      scaled.problem, radius: 1, square: 1, budgets: curvature.even,
      rounding: p < 2 ? Double.power(1e-8, 1 / p) : 0, deadline: deadline)
    if state.budgets.isEmpty {
      state.multiplier = firstMultiplier(scaled.problem) * square / scaled.height
    }
    var ascent = DualAscent(
      multiplier: state.multiplier * scaled.height / square,
      point: [Double](repeating: 0, count: plain.count))
    if !state.budgets.isEmpty {
      minimizer.setBudgets(
        curvature.filled(weights: state.shares, enough: state.budgets), slabMultipliers: [])
    }
    ascent.run(
      minimizer, box: intervals, target: target / square, limit: 12, deadline: deadline)
    let gains = minimizer.budgetGains()
    state.shares = CurvatureBudget.shifted(state.shares, gains: gains.map(\.gain))
    state.budgets = gains.map(\.enough)
    guard let inner = ascent.leaf else { return nil }
    state.multiplier = ascent.multiplier * square / scaled.height
    let coefficients = zip(ascent.coefficients, scaled.units).map { square * $0 / $1 }
    let value = ascent.value * square
    if value > state.bound {
      state.bound = value
      state.leaf = CertificateLeaf(
        multiplier: state.multiplier,
        quadratics: box.indices.map { k in
          let unit = scaled.units[first + k]
          return square * inner.quadratics[k] / (unit * unit)
        },
        slopes: box.indices.map { square * inner.slopes[$0] / scaled.units[first + $0] },
        biasSlope: 0, point: coefficients)
      state.leaf.metric = metric
    }
    chooseCut(&state, minimizer, box, scaled.units)
    return (value, zip(ascent.mixedCoefficients, scaled.units).map { $0 / $1 })
  }

  private func firstMultiplier(_ problem: DecisionProblem) -> Double {
    let (value, gradient) = problem.margin([Double](repeating: 0, count: problem.dimension))
    let slope = Norm.l2.length(gradient)
    return slope > 0 ? min(1e6, max(1e-3, max(value, 0) / (slope * slope))) : 1
  }

  /// Picks the neuron whose relaxation costs most at the minimiser.
  private func chooseCut(
    _ state: inout BoxState, _ minimizer: LagrangianMinimizer, _ box: [ClosedRange<Double>],
    _ units: [Double]
  ) {
    let gaps = minimizer.gaps()
    let isTight = gaps.allSatisfy { $0.here <= 1e-12 }
    var chosen = (gap: 1e-12, cut: BoxCut?.none)
    for (k, entry) in gaps.enumerated() {
      let gap = isTight ? entry.worst : entry.here
      let (l, u) = (box[k].lowerBound, box[k].upperBound)
      if gap <= chosen.gap || u - l < 1e-9 * units[problem.plain.supporting + k] { continue }
      let isKinked = problem.plain.activation.exponent < 2 && l < 0 && u > 0
      let cut = entry.at * units[problem.plain.supporting + k]
      let at = min(max(cut, l + 0.15 * (u - l)), u - 0.15 * (u - l))
      chosen = (gap, .neuron(k, at: isKinked ? 0 : at))
    }
    state.cut = chosen.cut
  }

  /// Where the label is lost in the direction of the solution d0, cut off where it is largest, and from there
  /// on in those of -sign(grad) where it is met.
  private mutating func tryPoint(_ c: [Double], _ metric: [Double]) {
    guard let inverse = problem.inverseMetric(metric) else { return }
    var gradient = problem.combination(c)
    let square = zip(gradient, inverse).reduce(0) { $0 + $1.0 * $1.0 * $1.1 }
    let size = square.squareRoot()
    if !(size > 0) { return }
    var direction = zip(gradient, inverse).map { min(1, max(-1, -$0 * $1 / size)) }
    for _ in 0..<6 {
      let changes = problem.rows.times(direction)
      guard let length = crossing(changes) else { return }
      best = length
      witness = direction.map { $0 * length }
      gradient = problem.combination(
        changes.indices.map { j in
          let z = problem.start[j] + length * changes[j]
          let slope = problem.plain.weights[j] * problem.plain.activation.derivatives(z).slope
          return j < problem.plain.supporting ? slope : -slope
        })
      direction = gradient.map { $0 > 0 ? -1 : $0 < 0 ? 1 : 0 }
    }
  }

  /// Where on a ray, given by what it does to the pre-activations, the label is lost; nil where it is kept
  /// as far as is known of others.
  private func crossing(_ changes: [Double]) -> Double? {
    let constant = problem.constant(within: 0)
    func margin(_ t: Double) -> Double {
      var sum = constant
      for j in changes.indices {
        let value =
          problem.plain.weights[j] * problem.plain.activation(problem.start[j] + t * changes[j])
        sum += j < problem.plain.supporting ? value : -value
      }
      return sum
    }
    var (left, right) = (0.0, best * (1 - 1e-7))
    if margin(right) > 0 { return nil }
    for _ in 0..<40 where right - left > 1e-9 * right {
      let middle = 0.5 * (left + right)
      if margin(middle) > 0 { left = middle } else { right = middle }
    }
    return right
  }
}
