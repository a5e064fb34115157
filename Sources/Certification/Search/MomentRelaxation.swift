import Foundation
import LinearCore

/// Bounds of boxes in l2 where many neurons look in similar directions, for p >= 2: multipliers from ``MomentDescent``,
/// and cuts along the direction in which the relaxed perturbation is spread most.
///
/// A direction of d moves all neurons that look along it, and one slab of it tightens all their relaxations; cutting one
/// neuron after the other would take hundreds of boxes for the same.
struct MomentRelaxation: BoxRelaxation {
  /// So few are soon cut one by one.
  private static var fewNeurons: Int { 16 }
  /// Cut directions at most.
  private static var mostDirections: Int { 12 }

  private let problem: DecisionProblem
  private let ball: Double
  private let square: Double
  private let deadline: Date
  private let moments: MomentDescent
  private var tightening: BallTightening
  private var minimizer: LagrangianMinimizer
  private var curvature: CurvatureBudget
  private(set) var cuts: CutDirections?
  private(set) var best: Double
  private(set) var witness: [Double]?

  /// Nil where a network is better served by ``EuclideanRelaxation``: few neurons, nearly
  /// orthogonal ones, or p < 2.
  ///
  /// - Parameters:
  ///   - curvature: the curvature that relaxations of the problem may have.
  ///   - ball: perturbations up to this size are looked at.
  ///   - best: the size of the smallest perturbation known.
  ///   - witness: a perturbation of about that size that loses the label.
  ///   - deadline: when to stop ascending.
  init?(
    _ problem: DecisionProblem, curvature: CurvatureBudget, ball: Double, best: Double,
    witness: [Double]?, deadline: Date
  ) {
    guard problem.activation.exponent >= 2, curvature.isCrowded,
      problem.against > Self.fewNeurons,
      let witness, let first = CutDirections([witness], of: problem)
    else { return nil }
    self.problem = problem
    self.ball = ball
    self.best = best
    self.witness = witness
    self.deadline = deadline
    cuts = first
    square =
      problem.squaredDistance
      + zip(problem.point, witness).reduce(0) { $0 + $1.1 * (2 * $1.0 + $1.1) }
    self.curvature = curvature
    moments = MomentDescent(problem, radius: ball, square: square, deadline: deadline)
    tightening = BallTightening(problem, radius: ball, cuts: first)
    minimizer = LagrangianMinimizer(
      problem, cuts: first, radius: ball, square: square, budgets: curvature.even, rounding: 0,
      deadline: deadline)
  }

  var rounding: Double { 0 }
  var root: [ClosedRange<Double>] { tightening.root }
  var rootSquares: ClosedRange<Double>? { problem.squares(within: ball) }

  func tightened(_ box: [ClosedRange<Double>]) -> [ClosedRange<Double>]? {
    tightening.tightened(box)
  }

  func nodes(_ budget: SearchBudget) -> Int { budget.nodes(dimension: problem.dimension) }

  var initialState: BoxState {
    let gradient = problem.margin(witness!).gradient
    let slope = Norm.l2.length(gradient)
    // The relaxation's multiplier is smaller than that of the witness.
    let multiplier = slope > 0 ? min(1e4, max(1e-4, 0.6 * best / slope)) : 1
    return BoxState(
      leaf: CertificateLeaf(boundingNothingOf: problem), multiplier: multiplier, point: witness!,
      budgets: curvature.even, shares: [],
      spread: [Double](repeating: 0, count: MomentDescent.rank * problem.dimension))
  }

  mutating func bound(
    _ state: inout BoxState, _ box: [ClosedRange<Double>], isRoot: Bool, target: Double
  ) {
    guard let cuts else { return }
    moments.set(box, cuts: cuts, squares: state.squares)
    minimizer.setLengths(state.squares)
    if let line = minimizer.line, line.isKept {
      state.bound = .infinity
      return
    }
    let solutions = search(state, target: target)
    guard let last = solutions.last else { return }
    for solution in solutions.sorted(by: { $0.value > $1.value }).prefix(2) {
      curvature.take(solution.slabMultipliers, along: cuts)
      let (budgets, share) = curvature.allowed(solution.budgets)
      minimizer.setBudgets(budgets, slabMultipliers: solution.slabMultipliers)
      var ascent = DualAscent(
        multiplier: solution.multiplier, point: Array(solution.moments[..<problem.dimension]))
      ascent.run(minimizer, box: box, target: target, limit: 4, deadline: deadline)
      if ascent.value > state.bound, let leaf = ascent.leaf {
        state.bound = ascent.value
        state.leaf = leaf
        state.budgets = budgets
      }
      // Moments that are not at a minimum ask for more curvature than there is.
      if share > 0.98 || state.bound >= target { break }
    }
    // What is most spread shows where the multiplier is a little too large.
    let spread = solutions.filter { $0.slope <= 0 }.min { $0.multiplier < $1.multiplier } ?? last
    state.multiplier = last.multiplier
    state.point = Array(last.moments[..<problem.dimension])
    state.spread = Array(last.moments[problem.dimension...])
    state.slabMultipliers = last.slabMultipliers
    if state.bound >= target { return }
    if let length = minimizer.lengthGap(),
      length.gap > max(1e-12, 0.5 * minimizer.gaps().reduce(0) { $0 + $1.here })
    {
      state.cut = .length(at: length.at)
      return
    }
    chooseCut(&state, Array(spread.moments[problem.dimension...]), box)
    tryPoint(state.point)
  }

  /// Solutions for several multipliers, until the condition is nearly met in the mean.
  private func search(_ state: BoxState, target: Double) -> [MomentDescent.Solution] {
    var solutions: [MomentDescent.Solution] = []
    var (low, high): (MomentDescent.Solution?, MomentDescent.Solution?)
    var start = state.point + state.spread
    var slabMultipliers = state.slabMultipliers
    var multiplier = state.multiplier
    for _ in 0..<8 {
      let solution = moments.solve(
        multiplier: multiplier, from: start, slabMultipliers: slabMultipliers)
      solutions.append(solution)
      if solution.slope > 0 { low = solution } else { high = solution }
      // A multiplier off by its slope's share of the curvature gains next to nothing.
      if abs(solution.slope) * multiplier < 2e-3 * target || Date() >= deadline { break }
      let share = abs(solution.slope) * multiplier / target
      let factor = 1 + min(0.4, max(0.02, share))
      switch (low, high) {
      case (let low?, let high?):
        if high.multiplier < 1.02 * low.multiplier { return solutions }
        let share = low.slope / (low.slope - high.slope)
        multiplier =
          low.multiplier + min(0.85, max(0.15, share)) * (high.multiplier - low.multiplier)
      case (_?, nil): multiplier *= factor
      default: multiplier /= factor
      }
      let next = multiplier
      let nearest = solutions.min { abs($0.multiplier - next) < abs($1.multiplier - next) }!
      (start, slabMultipliers) = (nearest.moments, nearest.slabMultipliers)
    }
    return solutions
  }

  /// Cuts the direction in which the relaxed perturbation is spread most: one that has been cut, or a new one.
  private mutating func chooseCut(
    _ state: inout BoxState, _ spread: [Double], _ box: [ClosedRange<Double>]
  ) {
    guard var cuts else { return }
    let n = problem.dimension
    let columns = Matrix(rows: MomentDescent.rank, columns: n, elements: spread)
    guard let found = try? columns.singularValueDecomposition() else { return }
    func variance(_ direction: [Double]) -> Double {
      columns.times(direction).reduce(0) { $0 + $1 * $1 }
    }
    var chosen = (variance: -1.0, index: 0)
    for i in 0..<cuts.count {
      let interval = box[problem.against + i]
      if interval.upperBound - interval.lowerBound < 1e-6 * ball { continue }
      let value = variance(cuts.rows.row(i))
      if value > chosen.variance { chosen = (value, i) }
    }
    if cuts.count < Self.mostDirections,
      let more = cuts.appending(found.vTransposed.row(0), of: problem),
      variance(more.rows.row(cuts.count)) > chosen.variance
    {
      chosen.index = cuts.count
      cuts = more
      take(cuts)
    }
    let i = chosen.index
    let interval =
      problem.against + i < box.count ? box[problem.against + i] : root[problem.against + i]
    let (a, b) = (interval.lowerBound, interval.upperBound)
    let t = cuts.start[i] + zip(cuts.rows.row(i), state.point).reduce(0) { $0 + $1.0 * $1.1 }
    state.cut = .neuron(
      problem.against + i, at: min(max(t, a + 0.25 * (b - a)), b - 0.25 * (b - a)))
  }

  private mutating func take(_ more: CutDirections) {
    cuts = more
    tightening = BallTightening(problem, radius: ball, cuts: more)
    minimizer = LagrangianMinimizer(
      problem, cuts: more, radius: ball, square: square, budgets: curvature.even, rounding: 0,
      deadline: deadline)
  }

  /// Whether the boundary behind a node's solution is closer than what is known.
  private mutating func tryPoint(_ d: [Double]) {
    guard let found = WitnessSearch(problem, deadline: deadline).improve(d, below: best) else {
      return
    }
    let length = Norm.l2.length(found)
    if length < best {
      best = length
      witness = found
    }
  }
}
