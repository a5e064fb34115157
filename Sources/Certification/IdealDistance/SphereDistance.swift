import Foundation
import LinearCore
import Networks

/// sup over ‖x‖ = 1 of |c f(x) - g(x)| for two networks of the same degree, bounded from both sides.
///
/// The difference D = c f - g is again a sum of terms a_j phi(<u_j, x>), homogeneous of degree p. For any
/// nu > 0 the smallest x with D(x) >= nu therefore has the norm (nu / S)^(1/p), S = sup over the sphere of D,
/// and finding it is the problem of certified radii at the input 0 with nu as the bias: a radius certified
/// to be at least r proves S <= nu / r^p, and a witness of norm R proves S >= nu / R^p. What the reduction
/// of D may have changed is added.
///
/// Where f's neurons lie close to g's and the sums nearly cancel, cutting boxes takes long; where the directions of
/// g are orthonormal, ``AlignedDistance`` is a second upper bound, and the smaller one counts.
///
/// With the ideal classifiers for g this tests Conjecture 1 of Min and Vidal (ICML 2024), where gradient
/// ascent gives the lower side only.
package struct SphereDistance: Sendable, Equatable {
  /// A value that |c f - g| takes on the sphere, up to rounding and the error of the reduction.
  package let lower: Double
  /// No value on the sphere is larger: proved.
  package let upper: Double

  /// Bounds the distance.
  ///
  /// - Parameters:
  ///   - f: a network of one output, without center, bias or input normalisation.
  ///   - g: another, of the same degree and input dimension.
  ///   - scale: c.
  /// - Throws: ``NetworkError`` where the networks are not of that kind.
  package init<Scalar: LinearScalar>(
    of f: PReLUNetwork<Scalar>, to g: PReLUNetwork<Scalar>, scale: Double,
    budget: SearchBudget = SearchBudget()
  ) throws(NetworkError) {
    let difference = try Self.difference(f, g, scale)
    let effective = try EffectiveNetwork(difference)
    let aligned = Self.aligned(difference, centers: g)
    let start = Date()
    var (lower, upper) = (0.0, 0.0)
    for sign in [1.0, -1] {
      let side = Self.supremum(
        effective, sign: sign, budget: budget,
        deadline: start.addingTimeInterval(min(budget.seconds, 1e9)))
      lower = max(lower, side.lower)
      upper = max(
        upper,
        min(side.upper + effective.errorBound, aligned?.supremum(sign: sign) ?? .infinity))
    }
    self.lower = max(0, lower - effective.errorBound)
    self.upper = upper
  }

  /// The difference with its neurons grouped around the directions of the second network; nil where these
  /// are not orthonormal.
  private static func aligned<Scalar: LinearScalar>(
    _ difference: PReLUNetwork<Double>, centers g: PReLUNetwork<Scalar>
  ) -> AlignedDistance? {
    let norms = difference.hiddenWeights.rowNorms()
    let active = norms.indices.filter { norms[$0] >= .leastNormalMagnitude }
    let weights = g.hiddenWeights.converted(to: Double.self)
    guard weights.rows <= weights.columns, weights.rowNorms().allSatisfy({ $0 > 0 }) else {
      return nil
    }
    return AlignedDistance(
      exponent: difference.exponent,
      directions: difference.hiddenWeights.rows(at: active).rowsNormalized(),
      contributions: active.map { norms[$0] * difference.outputWeights[0, $0] },
      centers: weights.rowsNormalized())
  }

  /// c f - g as one network.
  private static func difference<Scalar: LinearScalar>(
    _ f: PReLUNetwork<Scalar>, _ g: PReLUNetwork<Scalar>, _ scale: Double
  ) throws(NetworkError) -> PReLUNetwork<Double> {
    for network in [f, g] {
      guard network.outputCount == 1, network.center == nil, network.outputBias == nil,
        !network.hasHiddenBias, !network.normalizeInput || network.exponent == 1
      else {
        throw NetworkError(
          "a distance on the sphere is for one output without center, biases and normalisation")
      }
    }
    guard f.exponent == g.exponent, f.inputDimension == g.inputDimension else {
      throw NetworkError("a distance is between networks of the same degree and dimension")
    }
    let (first, second) = (f.converted(to: Double.self), g.converted(to: Double.self))
    return try PReLUNetwork(
      exponent: f.exponent,
      hiddenWeights: Matrix(
        rows: first.hiddenWidth + second.hiddenWidth, columns: first.inputDimension,
        elements: first.hiddenWeights.elements + second.hiddenWeights.elements),
      outputWeights: Matrix(
        rows: 1, columns: first.hiddenWidth + second.hiddenWidth,
        elements: first.outputWeights.elements.map { scale * $0 }
          + second.outputWeights.elements.map { -$0 }))
  }

  /// sup over the sphere of sign D, at least 0: D is 0 at 0, and its supremum over the ball is attained on
  /// the sphere where it is positive.
  private static func supremum(
    _ effective: EffectiveNetwork, sign: Double, budget: SearchBudget, deadline: Date
  ) -> (lower: Double, upper: Double) {
    let p = effective.exponent
    // D >= nu is lost when -D + nu <= 0: what adds to D speaks against the label.
    let contributions = effective.contributions.column(0).map { -sign * $0 }
    let total = contributions.reduce(0) { $0 + $1.magnitude }
    if total == 0 { return (0, 0) }
    // D <= total on the sphere, so that nothing smaller than 1 reaches nu = total.
    let problem = DecisionProblem(
      exponent: p, directions: effective.directions, contributions: contributions, bias: total,
      biasDegree: 0, errorBound: 0, point: [Double](repeating: 0, count: effective.rank), length: 0)
    // Values below a millionth of the total are not told from 0.
    let reach = Double.power(1e6, 1 / p)
    let witness = WitnessSearch(problem).run(maximum: reach)
    let radius = witness.map { Norm.l2.length($0) } ?? reach
    let outcome = EuclideanSearch(
      problem, opponent: 0, budget: budget, deadline: deadline
    ).run(radius: radius, witness: witness)
    let certified = max(1 - 1e-9, outcome.proved)
    let found = outcome.witness.map { total / Double.power(Norm.l2.length($0), p) } ?? 0
    return (found * (1 - 1e-9), total / Double.power(certified, p) * (1 + 1e-12))
  }
}
