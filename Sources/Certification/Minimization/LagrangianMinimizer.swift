import Foundation
import LinearCore

/// Minimises over d, for one multiplier and one box, the convex function
///
///     L(d) = ||d||^2/2 + lambda (constant + c ||x + d||^2 + P(x + d) - sum_k b_k M_k(z_k))
///          + (kappa/2) sum_k excess_k^2,
///
/// constant + c ||x + d||^2 below the bias term, M_k the majorants of the box, excess_k the distance of
/// z_k = <u_k, x + d> from its interval, by Newton's method with a line search. By the choice of the
/// budgets theta_k = 2 lambda b_k gamma_k / (1 + 2 lambda c) it is strongly convex with modulus at least ``CurvatureBudget/modulus``.
///
/// A stiff penalty stands for the multipliers of the box: with multiplier nu it costs nu^2/(2 kappa) of the
/// bound. Nothing here needs to be exact: what comes out is checked by ``CertificateChecker``.
final class LagrangianMinimizer {
  private let problem: DecisionProblem
  private let terms: LagrangianTerms
  private let radius: Double
  /// The best c where lambda is small.
  private(set) var preferredBiasSlope: Double
  /// Which c suit the interval of ||x + d||^2; nil where there is no choice.
  private(set) var line: LengthLine?
  /// The interval; nil for all of the ball.
  private var squares: ClosedRange<Double>?
  private let expectedSquare: Double
  private let x: [Double]
  private let squaredRest: Double
  private let squaredDistance: Double
  private let n: Int
  /// Neurons and cut directions.
  private let count: Int
  private let start: [Double]
  private let rows: UnsafeMutablePointer<Double>
  private let system: CurvatureSystem
  private let step: UnsafeMutablePointer<Double>
  private let trial: UnsafeMutablePointer<Double>
  private let activations: UnsafeMutablePointer<Double>
  private let changes: UnsafeMutablePointer<Double>

  private var multiplier: Double { terms.multiplier }
  private var constant = 0.0
  private var biasSlope = 0.0
  /// 1 + 2 lambda c: the curvature of L without neurons.
  private var stiffnessOfNorm = 1.0
  /// Above 0 while kinks are softened.
  private var softness = 0.0
  /// When to stop descending.
  private let deadline: Date

  /// The point where the last minimisation ended.
  private(set) var point: [Double]
  /// L there.
  private(set) var value = 0.0
  /// ||grad L||^2 there.
  private(set) var squaredGradient = 0.0

  /// - Parameters:
  ///   - cuts: directions that boxes have intervals of, behind those of the neurons.
  ///   - budgets: theta_k of the neurons against the label.
  ///   - radius: no larger perturbation is looked at.
  ///   - square: ||x + d||^2 where the solution is expected.
  ///   - deadline: when to stop descending: a point that is no minimiser gives a lower bound, not a wrong one.
  init(
    _ problem: DecisionProblem, cuts: CutDirections? = nil, radius: Double, square: Double,
    budgets: [Double], rounding: Double, deadline: Date
  ) {
    self.problem = problem
    self.deadline = deadline
    self.radius = radius
    expectedSquare = square
    preferredBiasSlope = problem.biasSlope(at: square, within: radius)
    line = LengthLine(problem, squares: problem.squares(within: radius))
    x = problem.point
    squaredRest = problem.squaredRest
    squaredDistance = problem.squaredDistance
    terms = LagrangianTerms(problem, directions: cuts?.count ?? 0, rounding: rounding)
    n = problem.dimension
    count = terms.count
    start = problem.preActivations + (cuts?.start ?? [])
    rows = .allocate(capacity: max(1, n * count))
    let matrix = cuts.map { Matrix(stacking: [problem.directions, $0.rows]) } ?? problem.directions
    system = CurvatureSystem(rows: matrix)
    step = .allocate(capacity: n)
    trial = .allocate(capacity: n)
    activations = .allocate(capacity: max(1, count))
    changes = .allocate(capacity: max(1, count))
    point = [Double](repeating: 0, count: n)
    matrix.withPointer { rows.update(from: $0, count: n * count) }
    setBudgets(budgets, slabMultipliers: [Double](repeating: 0, count: cuts?.count ?? 0))
  }

  /// Takes theta_k of the neurons against the label, and mu_i of the cut directions as a share of 1 + 2 lambda c.
  func setBudgets(_ budgets: [Double], slabMultipliers: [Double]) {
    terms.setBudgets(budgets, slabMultipliers: slabMultipliers)
    system.setBase(
      [Double](repeating: 0, count: problem.supporting) + budgets + slabMultipliers.map { -2 * $0 })
  }

  deinit {
    for buffer in [rows, step, trial, activations, changes] { buffer.deallocate() }
  }

  /// Takes the interval of ||x + d||^2, nil for all of the ball, and the slope c to begin with.
  func setLengths(_ squares: ClosedRange<Double>?) {
    guard problem.biasHasLength else { return }
    self.squares = squares
    let whole = squares ?? problem.squares(within: radius)
    line = LengthLine(problem, squares: whole)
    preferredBiasSlope = problem.biasSlope(at: expectedSquare, squares: whole)
  }

  /// Takes another c.
  func setBiasSlope(_ slope: Double) { preferredBiasSlope = slope }

  /// Takes a box, given by the intervals of the z_k, and a multiplier lambda > 0.
  func set(multiplier: Double, box: [ClosedRange<Double>]) {
    // The rest of the curvature is left to the neurons.
    biasSlope = max(preferredBiasSlope, -0.25 / multiplier)
    constant = problem.constant(slope: biasSlope, within: radius, squares: squares)
    stiffnessOfNorm = 1 + 2 * multiplier * biasSlope
    terms.set(multiplier: multiplier, curvature: stiffnessOfNorm, box: box)
  }

  /// Minimises from a point on.
  ///
  /// Newton's method may get lost among stiff kinks, of the penalty and of phi where p < 2. They are then
  /// softened, and hardened again step by step.
  func minimize(from initial: [Double]) {
    point = initial
    if descend(limit: 25) || Date() >= deadline { return }
    point = initial
    for exponent in 1...6 {
      softness = Double.power(10, Double(-exponent))
      _ = descend(limit: 25)
    }
    softness = 0
    _ = descend(limit: 40)
  }

  /// Newton steps from `point` on; whether the gradient vanishes in the end.
  private func descend(limit: Int) -> Bool {
    preActivate()
    value = evaluate(point)
    for _ in 0..<limit {
      newtonStep()
      if squaredGradient <= 1e-18 || Date() >= deadline || !lineSearch() { break }
    }
    return squaredGradient <= 1e-13
  }

  /// The terms of L that do not go through neurons:
  /// ||d||^2/2 + lambda c ||x + d||^2, the least over what d does outside of the reduced space.
  private func normTerms(_ d: UnsafePointer<Double>) -> Double {
    var (squares, product) = (0.0, 0.0)
    for i in 0..<n { squares += d[i] * d[i] }
    if biasSlope == 0 { return 0.5 * squares }
    for i in 0..<n { product += d[i] * x[i] }
    let weight = multiplier * biasSlope
    return 0.5 * stiffnessOfNorm * squares + weight * (squaredDistance + 2 * product)
      - 2 * weight * weight * squaredRest / stiffnessOfNorm
  }

  /// L at d, of which the pre-activations are known.
  private func evaluate(_ d: UnsafePointer<Double>) -> Double {
    normTerms(d) + multiplier * constant + terms.evaluate(activations, softness: softness)
  }

  private func preActivate() {
    point.withUnsafeBufferPointer { multiplyRows($0.baseAddress!, into: activations) }
    for j in 0..<count { activations[j] += start[j] }
  }

  /// Writes -H^-1 grad L into `step`, and into `changes` what it does to the pre-activations. Expects
  /// slopes and curvatures of `point`.
  private func newtonStep() {
    point.withUnsafeBufferPointer { d in
      let weight = 2 * multiplier * biasSlope
      for i in 0..<n { step[i] = -stiffnessOfNorm * d[i] - weight * x[i] }
    }
    for j in 0..<count where terms.slopes[j] != 0 {
      let (row, slope) = (rows + j * n, terms.slopes[j])
      for i in 0..<n { step[i] -= slope * row[i] }
    }
    squaredGradient = 0
    for i in 0..<n { squaredGradient += step[i] * step[i] }
    solveForStep()
    multiplyRows(step, into: changes)
  }

  /// Replaces `step` by H^-1 step.
  private func solveForStep() {
    let isSolvable = system.factorize(
      shift: stiffnessOfNorm, curvatures: UnsafeBufferPointer(start: terms.curvatures, count: count)
    )
    // Without a factorisation there is no step to take.
    if isSolvable { system.solve(step) } else { step.update(repeating: 0, count: n) }
  }

  /// <u_j, x> for all j.
  private func multiplyRows(_ x: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>) {
    if n > 64 {
      Double.gemv(
        transposeA: false, m: count, n: n, alpha: 1, a: rows, leadingA: n, x: x, beta: 0, y: target)
      return
    }
    for j in 0..<count {
      let row = rows + j * n
      var sum = 0.0
      for i in 0..<n { sum += row[i] * x[i] }
      target[j] = sum
    }
  }

  /// Moves along `step` as far as L falls enough; false where it does not.
  private func lineSearch() -> Bool {
    var slope = 0.0
    for j in 0..<count { slope += terms.slopes[j] * changes[j] }
    point.withUnsafeBufferPointer { d in
      let weight = 2 * multiplier * biasSlope
      for i in 0..<n { slope += (stiffnessOfNorm * d[i] + weight * x[i]) * step[i] }
    }
    // Below the rounding of L no descent can be seen.
    if !(slope < -1e-18) { return false }
    let base = activations
    let saved = [Double](unsafeUninitializedCapacity: count) { buffer, size in
      for j in 0..<count { buffer[j] = base[j] }
      size = count
    }
    var length = 1.0
    for _ in 0..<40 {
      for i in 0..<n { trial[i] = point[i] + length * step[i] }
      for j in 0..<count { activations[j] = saved[j] + length * changes[j] }
      let next = evaluate(trial)
      if next <= value + 1e-4 * length * slope + 1e-16 * abs(value) {
        let gained = next < value
        value = next
        for i in 0..<n { point[i] = trial[i] }
        return gained || length == 1
      }
      length *= 0.4
    }
    for j in 0..<count { activations[j] = saved[j] }
    _ = evaluate(point)
    return false
  }

  /// dL/dlambda at the minimiser, to be brought to 0 by the choice of lambda; and minus its derivative with
  /// respect to lambda, to first order. Expects the state after ``minimize(from:)``.
  func multiplierDerivatives() -> (first: Double, second: Double) {
    let first = constant + biasSlope * squaredLength + terms.condition(activations)
    // The gradient of P - N without the penalty is -d / lambda up to the penalty's part.
    for i in 0..<n { trial[i] = 2 * biasSlope * (x[i] + point[i]) }
    for j in 0..<count {
      let slope = terms.conditionSlope(j, activations[j])
      if slope == 0 { continue }
      let row = rows + j * n
      for i in 0..<n { trial[i] += slope * row[i] }
    }
    for i in 0..<n { step[i] = trial[i] }
    solveForStep()
    var second = 0.0
    for i in 0..<n { second += step[i] * trial[i] }
    return (first, second)
  }

  /// By how much ||x + d||^2 at the minimiser is beyond where the line touches, and the derivative of that with respect to
  /// c; nil where there is no choice of c.
  func lengthExcess() -> (value: Double, derivative: Double)? {
    guard let line else { return nil }
    let (value, rise) = line.excess(of: squaredLength, slope: biasSlope)
    for i in 0..<n { trial[i] = 2 * (x[i] + point[i]) }
    for i in 0..<n { step[i] = trial[i] }
    solveForStep()
    var fall = 0.0
    for i in 0..<n { fall += step[i] * trial[i] }
    // What is outside of the reduced space is shrunk by 1 / (1 + 2 lambda c).
    fall += 4 * squaredRest / (stiffnessOfNorm * stiffnessOfNorm * stiffnessOfNorm)
    return (value, -multiplier * fall - rise)
  }

  /// How much of the bound the line below the bias term costs at the minimiser, and where to cut the interval of
  /// ||x + d||^2.
  func lengthGap() -> (gap: Double, at: Double)? {
    guard let line else { return nil }
    // Near the center no line suits the term, and none is needed.
    if let at = line.safeCut { return (.infinity, at) }
    guard let at = line.cut(at: squaredLength) else { return nil }
    return (multiplier * line.gap(at: squaredLength, slope: biasSlope), at)
  }

  /// c at the last multiplier.
  var currentBiasSlope: Double { biasSlope }

  /// ||x + d||^2 at the minimiser, with the part outside of the reduced space.
  private var squaredLength: Double {
    if biasSlope == 0 && line == nil { return 0 }
    let outside = 1 - 2 * multiplier * biasSlope / stiffnessOfNorm
    var sum = outside * outside * squaredRest
    for i in 0..<n {
      let moved = x[i] + point[i]
      sum += moved * moved
    }
    return sum
  }

  /// See ``LagrangianTerms/gaps(_:)``, at the minimiser.
  func gaps() -> [(here: Double, worst: Double, at: Double)] { terms.gaps(activations) }

  /// See ``LagrangianTerms/budgetGains(_:)``, at the minimiser.
  func budgetGains() -> [(gain: Double, enough: Double)] { terms.budgetGains(activations) }

  /// dL/dz_j of every neuron's term at the minimiser.
  var neuronSlopes: [Double] { (0..<problem.count).map { terms.slopes[$0] } }

  /// What a certificate keeps of the minimiser.
  var leaf: CertificateLeaf {
    let (quadratics, slopes) = terms.coefficients(activations)
    return CertificateLeaf(
      multiplier: multiplier, quadratics: quadratics, slopes: slopes, biasSlope: biasSlope,
      point: point)
  }
}
