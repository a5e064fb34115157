import Foundation
import LinearCore

/// The relaxation of a box, seen from its dual side: an adversary that draws its perturbation by lot.
///
/// A neuron against the label whose phi is replaced by lambda b phi(z) <= alpha + s z + q z^2 on [l, u] behaves as if z were
/// random on [l, u], with the mean and the variance that the perturbation gives it: the best choice of alpha, s and q is
/// the dual of ``IntervalExpectation``. So the best curvatures for one multiplier lambda, all neurons at once, are
/// theta_k = 2 lambda b_k dE_k/dv at the solution of
///
///     min over d and F of  (|d|^2 + |F|^2)/2 + lambda (P(d) - sum_k b_k E(z_k(d), |F^T u_k|^2)),
///
/// F F^T the covariance of the perturbation, of low rank (Burer and Monteiro, *Mathematical Programming* 2003). Neurons for the
/// label see the mean only. Nothing here has to be exact: budgets and multipliers are checked before they are used.
final class MomentDescent {
  /// Columns of F.
  static var rank: Int { 3 }
  /// Of the augmented Lagrangian of the slabs.
  private static var stiffness: Double { 30 }

  private let problem: DecisionProblem
  private let radius: Double
  private var preferredBiasSlope: Double
  private let expectedSquare: Double
  /// The interval of ‖x + d‖²; nil for all of the ball.
  private var squares: ClosedRange<Double>?
  private let n: Int
  private let start: [Double]
  /// Given to a perturbation that has lost its spread, from where gradients do not lead back.
  private let noise: [Double]
  private var descent: LimitedMemoryBFGS
  private let deadline: Date

  /// Of the neurons against the label.
  private var expectations: [IntervalExpectation] = []
  private var cuts: CutDirections?
  /// Intervals of <v_i, d>.
  private var slabs: [ClosedRange<Double>] = []
  /// Their multipliers.
  private var scaledMultipliers: [Double] = []

  private var multiplier = 1.0
  private var biasSlope = 0.0
  private var stiffnessOfNorm = 1.0
  private var constant = 0.0

  // Of the last evaluation: <u_j, d> and F^T u_j as rows, and the coefficients of the gradient.
  private var images: Matrix<Double>
  private var coefficients: Matrix<Double>

  /// - Parameters:
  ///   - radius: no larger perturbation is looked at.
  ///   - square: ‖x + d‖² where the solution is expected.
  ///   - deadline: when to stop descending.
  init(_ problem: DecisionProblem, radius: Double, square: Double, deadline: Date) {
    self.deadline = deadline
    self.problem = problem
    self.radius = radius
    expectedSquare = square
    preferredBiasSlope = problem.biasSlope(at: square, within: radius)
    n = problem.dimension
    start = problem.preActivations
    let size = 0.05 * radius / Double(n).squareRoot()
    noise = Matrix<Double>.gaussian(
      rows: Self.rank, columns: n, stream: RandomStream(seed: 0).child("spread")
    ).elements.map { size * $0 }
    descent = LimitedMemoryBFGS(count: (1 + Self.rank) * n)
    images = Matrix(rows: 1 + Self.rank, columns: problem.count)
    coefficients = images
  }

  /// Takes a box: intervals of the neurons against the label and, behind them, of cut directions; and that of ‖x + d‖²,
  /// nil for all of the ball.
  func set(
    _ box: [ClosedRange<Double>], cuts: CutDirections, squares: ClosedRange<Double>? = nil
  ) {
    self.cuts = cuts
    self.squares = squares
    preferredBiasSlope = problem.biasSlope(
      at: expectedSquare, squares: squares ?? problem.squares(within: radius))
    let against = problem.against
    expectations = box[..<against].map { IntervalExpectation(problem.activation, on: $0) }
    slabs = (0..<cuts.count).map { i in
      let slab = box[against + i]
      return slab.lowerBound - cuts.start[i]...slab.upperBound - cuts.start[i]
    }
  }

  /// What one multiplier leads to.
  struct Solution {
    let multiplier: Double
    /// The dual value, as good as the descent.
    let value: Double
    /// Its derivative with respect to the multiplier: the mean of the condition that the label is lost.
    let slope: Double
    /// d, and behind it the columns of F.
    let moments: [Double]
    /// theta_k and mu_i, to be checked.
    let budgets: [Double]
    let slabMultipliers: [Double]
  }

  /// Minimises for one multiplier, from the moments of another solution on.
  ///
  /// - Parameter slabMultipliers: of that solution.
  func solve(multiplier: Double, from moments: [Double], slabMultipliers: [Double]) -> Solution {
    self.multiplier = multiplier
    biasSlope = max(preferredBiasSlope, -0.25 / multiplier)
    constant = problem.constant(slope: biasSlope, within: radius, squares: squares)
    stiffnessOfNorm = 1 + 2 * multiplier * biasSlope
    scaledMultipliers = slabs.indices.map {
      $0 < slabMultipliers.count ? stiffnessOfNorm * slabMultipliers[$0] : 0
    }
    var moments = moments
    let spread = moments[n...].reduce(0) { $0 + $1 * $1 }
    if spread < 0.02 * 0.02 * radius * radius {
      for i in noise.indices { moments[n + i] += noise[i] }
    }
    var value = 0.0
    for _ in 0..<4 {
      value = descent.minimize(
        &moments, limit: 200, tolerance: 1e-7 * radius * radius, deadline: deadline
      ) {
        evaluate($0, &$1)
      }
      if updateMultipliers(moments) < 1e-5 * radius * radius || Date() >= deadline { break }
    }
    return Solution(
      multiplier: multiplier, value: value, slope: slope(moments), moments: moments,
      budgets: budgets(), slabMultipliers: scaledMultipliers.map { $0 / stiffnessOfNorm })
  }

  /// The objective with the augmented Lagrangian of the slabs, and its gradient.
  func evaluate(_ moments: [Double], _ gradient: inout [Double]) -> Double {
    let (count, rows) = (problem.count, 1 + Self.rank)
    project(moments)
    var sum = constant
    let (weights, activation) = (problem.weights, problem.activation)
    let expectations = expectations
    coefficients.withMutablePointer { target in
      images.withPointer { images in
        for j in 0..<count {
          let z = start[j] + images[j]
          if j < problem.supporting {
            let jet = activation.derivatives(z)
            sum += weights[j] * jet.value
            target[j] = multiplier * weights[j] * jet.slope
            continue
          }
          var variance = 0.0
          for i in 1..<rows { variance += images[i * count + j] * images[i * count + j] }
          let mean = expectations[j - problem.supporting](mean: z, variance: variance)
          sum -= weights[j] * mean.value
          target[j] = -multiplier * weights[j] * mean.slope
          let factor = -2 * multiplier * weights[j] * mean.curvature
          for i in 1..<rows { target[i * count + j] = factor * images[i * count + j] }
        }
      }
    }
    let weight = multiplier * biasSlope
    let product = Double.dot(n, moments, problem.point)
    var value = multiplier * sum + weight * (problem.squaredDistance + 2 * product)
    value += 0.5 * stiffnessOfNorm * Double.dot(moments.count, moments, moments)
    value -= 2 * weight * weight * problem.squaredRest / stiffnessOfNorm
    for i in moments.indices { gradient[i] = stiffnessOfNorm * moments[i] }
    for i in 0..<n where weight != 0 { gradient[i] += 2 * weight * problem.point[i] }
    problem.directions.withPointer { directions in
      coefficients.withPointer { coefficients in
        gradient.withUnsafeMutableBufferPointer { gradient in
          let target = gradient.baseAddress!
          Double.gemv(
            transposeA: true, m: count, n: n, alpha: 1, a: directions, leadingA: n,
            x: coefficients, beta: 1, y: target)
          // Neurons for the label do not see the spread.
          let first = problem.supporting
          Double.gemm(
            transposeA: false, transposeB: false, m: Self.rank, n: n, k: count - first, alpha: 1,
            a: coefficients + count + first, leadingA: count, b: directions + first * n,
            leadingB: n, beta: 1, c: target + n, leadingC: n)
        }
      }
    }
    return value + addSlabs(moments, &gradient)
  }

  private func project(_ moments: [Double]) {
    let count = problem.count
    problem.directions.withPointer { directions in
      images.withMutablePointer { target in
        moments.withUnsafeBufferPointer { moments in
          let (first, source) = (problem.supporting, moments.baseAddress!)
          Double.gemv(
            transposeA: false, m: count, n: n, alpha: 1, a: directions, leadingA: n, x: source,
            beta: 0, y: target)
          Double.gemm(
            transposeA: false, transposeB: true, m: Self.rank, n: count - first, k: n, alpha: 1,
            a: source + n, leadingA: n, b: directions + first * n, leadingB: n, beta: 0,
            c: target + count + first, leadingC: count)
        }
      }
    }
  }

  /// Mean and standard deviations of <v_i, d>, and by how much E (t - a)(t - b) <= 0 is violated.
  private func slab(_ i: Int, _ moments: [Double], _ cuts: CutDirections) -> (
    images: [Double], excess: Double
  ) {
    let images = cuts.rows.withPointer { rows in
      moments.withUnsafeBufferPointer { moments in
        (0...Self.rank).map { Double.dot(n, rows + i * n, moments.baseAddress! + $0 * n) }
      }
    }
    let (a, b) = (slabs[i].lowerBound, slabs[i].upperBound)
    let variance = images[1...].reduce(0) { $0 + $1 * $1 }
    return (images, variance + (images[0] - a) * (images[0] - b))
  }

  private func addSlabs(_ moments: [Double], _ gradient: inout [Double]) -> Double {
    guard let cuts else { return 0 }
    var value = 0.0
    for i in slabs.indices {
      let (images, excess) = slab(i, moments, cuts)
      let scaledMultiplier = max(0, scaledMultipliers[i] + Self.stiffness * excess)
      value +=
        0.5 * (scaledMultiplier * scaledMultiplier - scaledMultipliers[i] * scaledMultipliers[i])
        / Self.stiffness
      if scaledMultiplier == 0 { continue }
      let (a, b) = (slabs[i].lowerBound, slabs[i].upperBound)
      cuts.rows.withPointer { rows in
        gradient.withUnsafeMutableBufferPointer { gradient in
          for c in 0...Self.rank {
            let factor = c == 0 ? 2 * images[0] - a - b : 2 * images[c]
            Double.add(
              n, scaledMultiplier * factor, rows + i * n, to: gradient.baseAddress! + c * n)
          }
        }
      }
    }
    return value
  }

  /// Raises or lowers the multipliers of the slabs; by how much the worst is violated.
  private func updateMultipliers(_ moments: [Double]) -> Double {
    guard let cuts else { return 0 }
    var worst = 0.0
    for i in slabs.indices {
      let excess = slab(i, moments, cuts).excess
      scaledMultipliers[i] = max(0, scaledMultipliers[i] + Self.stiffness * excess)
      worst = max(worst, excess)
    }
    return worst
  }

  /// The derivative of the dual value with respect to the multiplier.
  private func slope(_ moments: [Double]) -> Double {
    project(moments)
    var sum = constant
    for j in 0..<problem.count {
      let z = start[j] + images[0, j]
      if j < problem.supporting {
        sum += problem.weights[j] * problem.activation(z)
      } else {
        let variance = (1...Self.rank).reduce(0) { $0 + images[$1, j] * images[$1, j] }
        sum -=
          problem.weights[j]
          * expectations[j - problem.supporting](mean: z, variance: variance).value
      }
    }
    if biasSlope == 0 { return sum }
    let outside = 1 - 2 * multiplier * biasSlope / stiffnessOfNorm
    let moved = zip(problem.point, moments).reduce(0) { $0 + ($1.0 + $1.1) * ($1.0 + $1.1) }
    let spread = moments[n...].reduce(0) { $0 + $1 * $1 }
    return sum + biasSlope * (outside * outside * problem.squaredRest + moved + spread)
  }

  /// theta_k = 2 lambda b_k gamma_k / stiffness of the norm, of the last projection.
  private func budgets() -> [Double] {
    (0..<problem.against).map { k in
      let j = problem.supporting + k
      let variance = (1...Self.rank).reduce(0) { $0 + images[$1, j] * images[$1, j] }
      let gamma = expectations[k](mean: start[j] + images[0, j], variance: variance).curvature
      return 2 * multiplier * problem.weights[j] * gamma / stiffnessOfNorm
    }
  }
}
