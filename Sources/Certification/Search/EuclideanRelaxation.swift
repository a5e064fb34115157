import Foundation
import LinearCore

/// Bounds of boxes in l2: the dual value of one Lagrangian.
struct EuclideanRelaxation: BoxRelaxation {
  private let problem: DecisionProblem
  private let ball: Double
  private let deadline: Date
  private let tightening: BallTightening
  private let minimizer: LagrangianMinimizer
  private let curvature: CurvatureBudget
  let rounding: Double
  var cuts: CutDirections? { nil }
  private(set) var best: Double
  private(set) var witness: [Double]?

  /// - Parameters:
  ///   - curvature: the curvature that relaxations of the problem may have.
  ///   - ball: perturbations up to this size are looked at.
  ///   - best: the size of the smallest perturbation known.
  ///   - witness: a perturbation of about that size that loses the label, where one is known.
  ///   - deadline: when to stop ascending.
  init(
    _ problem: DecisionProblem, curvature: CurvatureBudget, ball: Double, best: Double,
    witness: [Double]?, deadline: Date
  ) {
    self.problem = problem
    self.ball = ball
    self.best = best
    self.witness = witness
    self.deadline = deadline
    let p = problem.activation.exponent
    // Costs at most 1e-8 times the multiplier.
    rounding = p < 2 ? Double.power(1e-8, 1 / p) : 0
    tightening = BallTightening(problem, radius: ball)
    self.curvature = curvature
    let moved = witness.map { zip(problem.point, $0).reduce(0) { $0 + $1.1 * (2 * $1.0 + $1.1) } }
    minimizer = LagrangianMinimizer(
      problem, radius: ball, square: problem.squaredDistance + (moved ?? 0),
      budgets: curvature.even, rounding: rounding, deadline: deadline)
  }

  var root: [ClosedRange<Double>] { tightening.root }
  var rootSquares: ClosedRange<Double>? { problem.squares(within: ball) }

  func tightened(_ box: [ClosedRange<Double>]) -> [ClosedRange<Double>]? {
    tightening.tightened(box)
  }

  func nodes(_ budget: SearchBudget) -> Int { budget.nodes(dimension: problem.dimension) }

  var initialState: BoxState {
    BoxState(
      leaf: CertificateLeaf(boundingNothingOf: problem), multiplier: firstMultiplier(),
      point: witness ?? [Double](repeating: 0, count: problem.dimension), budgets: curvature.even,
      shares: [Double](repeating: 1, count: problem.against))
  }

  /// The multiplier of the witness, where d = -lambda grad (P - N).
  private func firstMultiplier() -> Double {
    guard let witness else { return 1 }
    let gradient = problem.margin(witness).gradient
    let slope = Norm.l2.length(gradient)
    return slope > 0 ? min(1e4, max(1e-4, best / slope)) : 1
  }

  /// Maximises the dual value of a node over the multiplier, and picks where to cut it.
  mutating func bound(
    _ state: inout BoxState, _ box: [ClosedRange<Double>], isRoot: Bool, target: Double
  ) {
    minimizer.setLengths(state.squares)
    if let line = minimizer.line, line.isKept {
      state.bound = .infinity
      return
    }
    minimizer.setBudgets(state.budgets, slabMultipliers: [])
    let ascent = ascend(state, box, target)
    keep(ascent, &state)
    if ascent.value >= target { return }
    if !curvature.isOrthogonal {
      redistribute(&state, box, from: ascent.value, isRoot: isRoot, target: target)
    }
    if state.bound >= target { return }
    chooseCut(&state, box)
    tryPoint(state.point)
  }

  /// One ascent with the budgets of the minimizer.
  private func ascend(_ state: BoxState, _ box: [ClosedRange<Double>], _ target: Double)
    -> DualAscent
  {
    var ascent = DualAscent(multiplier: state.multiplier, point: state.point)
    ascent.run(minimizer, box: box, target: target, deadline: deadline)
    return ascent
  }

  /// Keeps the multipliers of an ascent, and its bound where it is better than the parent's.
  private func keep(_ ascent: DualAscent, _ state: inout BoxState) {
    state.multiplier = ascent.multiplier
    state.point = ascent.point
    if ascent.value > state.bound, let leaf = ascent.leaf {
      state.bound = ascent.value
      state.leaf = leaf
    }
  }

  /// Shares the curvature out anew among the relaxations, more to those that cost most: often at the
  /// root, once below.
  private func redistribute(
    _ state: inout BoxState, _ box: [ClosedRange<Double>], from value: Double, isRoot: Bool,
    target: Double
  ) {
    var shares = state.shares
    var best = value
    for round in 0..<(isRoot ? 8 : 1) {
      let gains = minimizer.budgetGains()
      if round > 0 || !isRoot {
        shares = CurvatureBudget.shifted(shares, gains: gains.map(\.gain))
      }
      let budgets = curvature.filled(weights: shares, enough: gains.map(\.enough))
      minimizer.setBudgets(budgets, slabMultipliers: [])
      let ascent = ascend(state, box, target)
      if ascent.value > best {
        best = ascent.value
        keep(ascent, &state)
        state.shares = shares
        state.budgets = budgets
      }
      if best >= target || Date() >= deadline { return }
    }
  }

  /// Picks the neuron whose relaxation costs most at the minimiser. Where none costs anything, the
  /// minimiser jumps at this multiplier, and the loosest relaxation is to blame.
  private func chooseCut(_ state: inout BoxState, _ box: [ClosedRange<Double>]) {
    let gaps = minimizer.gaps()
    let isTight = gaps.allSatisfy { $0.here <= 1e-12 }
    var chosen = (gap: 1e-12, cut: BoxCut?.none)
    if let length = minimizer.lengthGap(), length.gap > chosen.gap {
      chosen = (length.gap, .length(at: length.at))
    }
    for (k, entry) in gaps.enumerated() {
      let gap = isTight ? entry.worst : entry.here
      let (l, u) = (box[k].lowerBound, box[k].upperBound)
      if gap <= chosen.gap || u - l < 1e-9 * min(1, ball) { continue }
      // Left of the kink phi is straight.
      let isKinked = problem.activation.exponent < 2 && l < 0 && u > 0
      let at = min(max(entry.at, l + 0.15 * (u - l)), u - 0.15 * (u - l))
      chosen = (gap, .neuron(k, at: isKinked ? 0 : at))
    }
    state.cut = chosen.cut
  }

  /// Whether the boundary behind a node's solution is closer than what is known.
  private mutating func tryPoint(_ d: [Double]) {
    let search = WitnessSearch(problem, deadline: deadline)
    guard let found = search.improve(d, below: best) else { return }
    let length = Norm.l2.length(found)
    if length < best {
      best = length
      witness = found
    }
  }
}
