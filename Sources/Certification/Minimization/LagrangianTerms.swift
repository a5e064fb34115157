import LinearCore

/// The terms of a Lagrangian that see d through pre-activations: those of the neurons and of the slabs of cut directions,
///
///     lambda (P - sum_k b_k M_k(z_k)) + s sum_i mu_i (t_i - a_i)(t_i - b_i) + (kappa/2) sum excess^2,
///
/// as functions of z, the neurons for the label first, then those against it, then the cut directions.
final class LagrangianTerms {
  /// kappa.
  private static var stiffness: Double { 1e6 }

  private let problem: DecisionProblem
  private let supporting: Int
  private let neurons: Int
  /// Neurons and cut directions.
  let count: Int
  private let rounding: Double
  /// theta_k of the neurons against the label.
  private(set) var budgets: [Double]
  /// mu_i of the cut directions, as a share of s.
  private(set) var slabMultipliers: [Double]
  private(set) var multiplier = 0.0
  /// s, the curvature of L without these terms.
  private var curvature = 1.0
  private var majorants: [ConcaveMajorant] = []
  /// [a_i, b_i].
  private var slabs: [ClosedRange<Double>] = []
  /// First and second derivatives at the point evaluated last.
  let slopes: UnsafeMutablePointer<Double>
  let curvatures: UnsafeMutablePointer<Double>

  init(_ problem: DecisionProblem, directions: Int, rounding: Double) {
    self.problem = problem
    self.rounding = rounding
    supporting = problem.supporting
    neurons = problem.count
    count = neurons + directions
    budgets = [Double](repeating: 0, count: problem.against)
    slabMultipliers = [Double](repeating: 0, count: directions)
    slopes = .allocate(capacity: max(1, count))
    curvatures = .allocate(capacity: max(1, count))
  }

  deinit {
    slopes.deallocate()
    curvatures.deallocate()
  }

  /// Takes theta_k and mu_i.
  func setBudgets(_ budgets: [Double], slabMultipliers: [Double]) {
    self.budgets = budgets
    self.slabMultipliers = slabMultipliers
  }

  /// Takes a multiplier, the curvature s and a box, the intervals of the z_k and t_i.
  func set(multiplier: Double, curvature: Double, box: [ClosedRange<Double>]) {
    self.multiplier = multiplier
    self.curvature = curvature
    slabs = Array(box[problem.against...])
    majorants = (0..<problem.against).map { k in
      ConcaveMajorant(
        problem.activation, lower: box[k].lowerBound, upper: box[k].upperBound,
        curvature: curvature * budgets[k] / (2 * multiplier * problem.weights[supporting + k]))
    }
  }

  /// The value; and slopes and curvatures.
  ///
  /// - Parameter softness: above 0 while kinks are softened: at least the width of rounding, and the inverse of
  ///   kappa in units of its own.
  func evaluate(_ z: UnsafePointer<Double>, softness: Double) -> Double {
    var sum = 0.0
    let weights = problem.weights
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
        penalty += addPenalty(z[j], majorants[k].lower, majorants[k].upper, j, stiffness)
      }
    }
    for i in slabs.indices {
      let (j, slab) = (neurons + i, slabs[i])
      let (a, b) = (slab.lowerBound, slab.upperBound)
      let slabMultiplier = curvature * slabMultipliers[i]
      penalty += slabMultiplier * (z[j] - a) * (z[j] - b)
      slopes[j] = slabMultiplier * (2 * z[j] - a - b)
      curvatures[j] = 2 * slabMultiplier
      penalty += addPenalty(z[j], a, b, j, stiffness)
    }
    return multiplier * sum + penalty
  }

  /// The penalty for leaving an interval, which is added to slope and curvature too.
  @inline(__always)
  private func addPenalty(
    _ z: Double, _ a: Double, _ b: Double, _ j: Int, _ stiffness: Double
  ) -> Double {
    let excess = z < a ? z - a : z > b ? z - b : 0
    if excess == 0 { return 0 }
    slopes[j] += stiffness * excess
    curvatures[j] += stiffness
    return 0.5 * stiffness * excess * excess
  }

  /// P - N in the mean of the points that the relaxations mix to z: the derivative with respect to lambda.
  func condition(_ z: UnsafePointer<Double>) -> Double {
    var sum = 0.0
    for j in 0..<supporting {
      sum +=
        problem.weights[j] * problem.activation.roundedDerivatives(z[j], rounding: rounding).value
    }
    for k in majorants.indices {
      sum -= problem.weights[supporting + k] * majorants[k].mixture(z[supporting + k])
    }
    return sum
  }

  /// The slope of P - sum_k b_k M_k in z_j, without penalties.
  func conditionSlope(_ j: Int, _ z: Double) -> Double {
    if j < supporting { return slopes[j] / multiplier }
    return j < neurons ? -problem.weights[j] * majorants[j - supporting].derivatives(z).slope : 0
  }

  /// How much of the bound the relaxation of each neuron against the label costs at z, how much
  /// it could cost at worst, and where that is: a cut there leaves two tight relaxations.
  func gaps(_ activations: UnsafePointer<Double>) -> [(here: Double, worst: Double, at: Double)] {
    majorants.indices.map { k in
      let (j, majorant) = (supporting + k, majorants[k])
      let z = min(max(activations[j], majorant.lower), majorant.upper)
      let loosest = majorant.loosest ?? z
      func gap(_ z: Double) -> Double {
        multiplier * problem.weights[j] * (majorant.derivatives(z).value - problem.activation(z))
      }
      return (gap(z), gap(loosest), loosest)
    }
  }

  /// What a unit of each budget would add to the bound, and the budget beyond which a neuron's relaxation
  /// is exact.
  ///
  /// By the choice of M, dM/dgamma = z^2 - E z'^2, the mean over the two ends of the bridge that mix to z:
  /// minus the variance (z - start)(end - z).
  func budgetGains(_ activations: UnsafePointer<Double>) -> [(gain: Double, enough: Double)] {
    majorants.indices.map { k in
      let (j, majorant) = (supporting + k, majorants[k])
      let z = min(max(activations[j], majorant.lower), majorant.upper)
      let variance = max(0, z - majorant.start) * max(0, majorant.end - z)
      let enough = 2 * multiplier * problem.weights[j] * majorant.exactCurvature / curvature
      return (0.5 * variance, enough)
    }
  }

  /// q and s of a certificate's leaf.
  func coefficients(_ z: UnsafePointer<Double>) -> (quadratics: [Double], slopes: [Double]) {
    let quadratics =
      majorants.indices.map {
        multiplier * problem.weights[supporting + $0] * majorants[$0].curvature
      }
      + slabs.indices.map { -curvature * slabMultipliers[$0] }
    return (
      quadratics,
      quadratics.indices.map { k in
        -slopes[supporting + k] - 2 * quadratics[k] * z[supporting + k]
      }
    )
  }
}
