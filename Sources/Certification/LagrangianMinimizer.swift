import LinearCore

/// Minimises over d, for one multiplier and one box, the convex function
///
///     L(d) = ||d||^2/2 + lambda (constant + c ||x + d||^2 + P(x + d) - sum_k b_k M_k(z_k))
///          + (kappa/2) sum_k excess_k^2,
///
/// constant + c ||x + d||^2 below the bias term, M_k the majorants of the box, excess_k the distance of
/// z_k = <u_k, x + d> from its interval, by Newton's method with a line search. By the choice of the
/// budgets theta_k = 2 lambda b_k gamma_k / (1 + 2 lambda c) it is strongly convex with modulus at least ``RelaxationBudget/modulus``.
///
/// A stiff penalty stands for the multipliers of the box: with multiplier nu it costs nu^2/(2 kappa) of the
/// bound. Nothing here needs to be exact: what comes out is checked by ``CertificateChecker``.
final class LagrangianMinimizer {
  /// kappa.
  static let stiffness = 1e6

  let problem: DecisionProblem
  /// theta_k of the neurons against the label.
  var budgets: [Double]
  private let radius: Double
  /// The best c where lambda is small.
  private let preferredBiasSlope: Double
  private let x: [Double]
  private let squaredRest: Double
  private let n: Int
  private let count: Int
  private let supporting: Int
  private let rounding: Double
  private let start: [Double]
  private let weights: [Double]
  private let rows: UnsafeMutablePointer<Double>
  private let hessian: UnsafeMutablePointer<Double>
  private let step: UnsafeMutablePointer<Double>
  private let trial: UnsafeMutablePointer<Double>
  private let slopes: UnsafeMutablePointer<Double>
  private let curvatures: UnsafeMutablePointer<Double>
  private let activations: UnsafeMutablePointer<Double>
  private let changes: UnsafeMutablePointer<Double>

  private var majorants: [ConcaveMajorant] = []
  private var multiplier = 0.0
  private var constant = 0.0
  private var biasSlope = 0.0
  /// 1 + 2 lambda c: the curvature of L without neurons.
  private var stiffnessOfNorm = 1.0
  /// Above 0 while kinks are softened: at least the width of rounding, and the inverse of the stiffness
  /// in units of its own.
  private var softness = 0.0

  /// The point where the last minimisation ended.
  private(set) var point: [Double]
  /// L there.
  private(set) var value = 0.0
  /// ||grad L||^2 there.
  private(set) var squaredGradient = 0.0

  /// - Parameters:
  ///   - budgets: theta_k of the neurons against the label.
  ///   - radius: no larger perturbation is looked at.
  ///   - square: ||x + d||^2 where the solution is expected.
  init(
    _ problem: DecisionProblem, radius: Double, square: Double, budgets: [Double],
    rounding: Double
  ) {
    self.problem = problem
    self.radius = radius
    preferredBiasSlope = problem.biasSlope(at: square, within: radius)
    x = problem.point
    squaredRest = problem.squaredRest
    self.budgets = budgets
    self.rounding = rounding
    n = problem.dimension
    count = problem.count
    supporting = problem.supporting
    start = problem.preActivations
    weights = problem.weights
    rows = .allocate(capacity: max(1, n * count))
    hessian = .allocate(capacity: n * n)
    step = .allocate(capacity: n)
    trial = .allocate(capacity: n)
    slopes = .allocate(capacity: max(1, count))
    curvatures = .allocate(capacity: max(1, count))
    activations = .allocate(capacity: max(1, count))
    changes = .allocate(capacity: max(1, count))
    point = [Double](repeating: 0, count: n)
    problem.directions.withPointer { rows.update(from: $0, count: n * count) }
  }

  deinit {
    for buffer in [rows, hessian, step, trial, slopes, curvatures, activations, changes] {
      buffer.deallocate()
    }
  }

  /// Takes a box, given by the intervals of the z_k, and a multiplier lambda > 0.
  func set(multiplier: Double, box: [ClosedRange<Double>]) {
    self.multiplier = multiplier
    // The other half of the curvature is left to the neurons.
    biasSlope = max(preferredBiasSlope, -0.25 / multiplier)
    constant = problem.constant(slope: biasSlope, within: radius)
    stiffnessOfNorm = 1 + 2 * multiplier * biasSlope
    majorants = box.indices.map { k in
      ConcaveMajorant(
        problem.activation, lower: box[k].lowerBound, upper: box[k].upperBound,
        curvature: stiffnessOfNorm * budgets[k] / (2 * multiplier * weights[supporting + k]))
    }
  }

  /// Minimises from a point on.
  ///
  /// Newton's method may get lost among stiff kinks, of the penalty and of phi where p < 2. They are then
  /// softened, and hardened again step by step.
  func minimize(from initial: [Double]) {
    point = initial
    if descend(limit: 25) { return }
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
    value = evaluate(activations, norm: normTerms(point))
    for _ in 0..<limit {
      newtonStep()
      if squaredGradient <= 1e-18 || !lineSearch() { break }
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
    return 0.5 * stiffnessOfNorm * squares + weight * (1 + 2 * product)
      - 2 * weight * weight * squaredRest / stiffnessOfNorm
  }

  private func preActivate() {
    point.withUnsafeBufferPointer { d in
      for j in 0..<count {
        var sum = start[j]
        let row = rows + j * n
        for i in 0..<n { sum += row[i] * d[i] }
        activations[j] = sum
      }
    }
  }

  /// L, and slope and curvature of every neuron's term.
  private func evaluate(_ z: UnsafePointer<Double>, norm: Double) -> Double {
    var sum = constant
    let rounding = max(rounding, softness)
    let stiffness = softness > 0 ? min(Self.stiffness, 1 / softness) : Self.stiffness
    for j in 0..<supporting {
      let jet = problem.activation.roundedDerivatives(z[j], rounding: rounding)
      sum += weights[j] * jet.value
      slopes[j] = multiplier * weights[j] * jet.slope
      curvatures[j] = multiplier * weights[j] * jet.curvature
    }
    var penalty = 0.0
    majorants.withUnsafeBufferPointer { majorants in
      for k in 0..<majorants.count {
        let j = supporting + k
        let jet = majorants[k].derivatives(z[j])
        sum -= weights[j] * jet.value
        slopes[j] = -multiplier * weights[j] * jet.slope
        curvatures[j] = -multiplier * weights[j] * jet.curvature
        let excess =
          z[j] < majorants[k].lower
          ? z[j] - majorants[k].lower : z[j] > majorants[k].upper ? z[j] - majorants[k].upper : 0
        if excess != 0 {
          penalty += 0.5 * stiffness * excess * excess
          slopes[j] += stiffness * excess
          curvatures[j] += stiffness
        }
      }
    }
    return norm + multiplier * sum + penalty
  }

  /// Writes -H^-1 grad L into `step`, and into `changes` what it does to the pre-activations. Expects
  /// slopes and curvatures of `point`.
  private func newtonStep() {
    point.withUnsafeBufferPointer { d in
      let weight = 2 * multiplier * biasSlope
      for i in 0..<n { step[i] = -stiffnessOfNorm * d[i] - weight * x[i] }
    }
    for j in 0..<count where slopes[j] != 0 {
      let (row, slope) = (rows + j * n, slopes[j])
      for i in 0..<n { step[i] -= slope * row[i] }
    }
    squaredGradient = 0
    for i in 0..<n { squaredGradient += step[i] * step[i] }
    factorizeHessian()
    SmallCholesky.solve(n, hessian, step)
    for j in 0..<count {
      let row = rows + j * n
      var sum = 0.0
      for i in 0..<n { sum += row[i] * step[i] }
      changes[j] = sum
    }
  }

  private func factorizeHessian() {
    var shift = stiffnessOfNorm
    repeat {
      for i in 0..<n {
        for k in 0..<n { hessian[i * n + k] = 0 }
        hessian[i * n + i] = shift
      }
      QuadraticForm.add(
        n, rows: rows, coefficients: UnsafeBufferPointer(start: curvatures, count: count),
        to: hessian)
      // Rounding may spoil a matrix that is hardly positive.
      shift *= 1.001
    } while !SmallCholesky.factorize(n, hessian)
  }

  /// Moves along `step` as far as L falls enough; false where it does not.
  private func lineSearch() -> Bool {
    var slope = 0.0
    for j in 0..<count { slope += slopes[j] * changes[j] }
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
      let next = evaluate(activations, norm: normTerms(trial))
      if next <= value + 1e-4 * length * slope + 1e-16 * abs(value) {
        let gained = next < value
        value = next
        for i in 0..<n { point[i] = trial[i] }
        return gained || length == 1
      }
      length *= 0.4
    }
    for j in 0..<count { activations[j] = saved[j] }
    _ = evaluate(activations, norm: normTerms(point))
    return false
  }

  /// dL/dlambda at the minimiser, to be brought to 0 by the choice of lambda; and minus its derivative with
  /// respect to lambda, to first order. Expects the state after ``minimize(from:tolerance:limit:)``.
  func multiplierDerivatives() -> (first: Double, second: Double) {
    var first = constant + biasSlope * squaredLength
    for j in 0..<supporting {
      first +=
        weights[j]
        * problem.activation.roundedDerivatives(activations[j], rounding: rounding).value
    }
    for k in majorants.indices {
      first -= weights[supporting + k] * majorants[k].mixture(activations[supporting + k])
    }
    // The gradient of P - N without the penalty is -d / lambda up to the penalty's part.
    for i in 0..<n { trial[i] = 2 * biasSlope * (x[i] + point[i]) }
    for j in 0..<count {
      var slope = slopes[j]
      if j >= supporting {
        let majorant = majorants[j - supporting]
        slope = -multiplier * weights[j] * majorant.derivatives(activations[j]).slope
      }
      if slope == 0 { continue }
      let row = rows + j * n
      for i in 0..<n { trial[i] += slope * row[i] / multiplier }
    }
    for i in 0..<n { step[i] = trial[i] }
    factorizeHessian()
    SmallCholesky.solve(n, hessian, step)
    var second = 0.0
    for i in 0..<n { second += step[i] * trial[i] }
    return (first, second)
  }

  /// ||x + d||^2 at the minimiser, with the part outside of the reduced space.
  private var squaredLength: Double {
    if biasSlope == 0 { return 0 }
    let outside = 1 - 2 * multiplier * biasSlope / stiffnessOfNorm
    var sum = outside * outside * squaredRest
    for i in 0..<n {
      let moved = x[i] + point[i]
      sum += moved * moved
    }
    return sum
  }

  /// How much of the bound the relaxation of each neuron against the label costs at the minimiser, how
  /// much it could cost at worst, and where that is: a cut there leaves two tight relaxations.
  func gaps() -> [(here: Double, worst: Double, at: Double)] {
    majorants.indices.map { k in
      let (j, majorant) = (supporting + k, majorants[k])
      let z = min(max(activations[j], majorant.lower), majorant.upper)
      let loosest = majorant.loosest ?? z
      func gap(_ z: Double) -> Double {
        multiplier * weights[j] * (majorant.derivatives(z).value - problem.activation(z))
      }
      return (gap(z), gap(loosest), loosest)
    }
  }

  /// What a unit of each budget would add to the bound, and the budget beyond which a neuron's relaxation
  /// is exact.
  ///
  /// By the choice of M, dM/dgamma = z^2 - E z'^2, the mean over the two ends of the bridge that mix to z:
  /// minus the variance (z - start)(end - z).
  func budgetGains() -> [(gain: Double, enough: Double)] {
    majorants.indices.map { k in
      let (j, majorant) = (supporting + k, majorants[k])
      let z = min(max(activations[j], majorant.lower), majorant.upper)
      let variance = max(0, z - majorant.start) * max(0, majorant.end - z)
      let enough = 2 * multiplier * weights[j] * majorant.exactCurvature / stiffnessOfNorm
      return (0.5 * variance, enough)
    }
  }

  /// dL/dz_j of every neuron's term at the minimiser.
  var neuronSlopes: [Double] { (0..<count).map { slopes[$0] } }

  /// What a certificate keeps of the minimiser.
  var leaf: CertificateLeaf {
    var quadratics = [Double](repeating: 0, count: majorants.count)
    var linears = quadratics
    for k in majorants.indices {
      let j = supporting + k
      quadratics[k] = multiplier * weights[j] * majorants[k].curvature
      linears[k] = -slopes[j] - 2 * quadratics[k] * activations[j]
    }
    return CertificateLeaf(
      multiplier: multiplier, quadratics: quadratics, slopes: linears, biasSlope: biasSlope,
      point: point)
  }
}
