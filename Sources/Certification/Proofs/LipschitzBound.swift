import LinearCore

/// Radii from bounds of the gradient: weak, but quick for any size of network.
///
/// The margin G = P - N of a ``DecisionProblem`` has the gradient
/// p sum_j +-b_j relu(z_j)^(p-1) u_j. On the ball ‖d‖ <= s every z_j stays within s of its start, so
/// tau_j = relu(z_j)^(p-1) stays in an interval of middle m_j and half-width h_j, and
///
///     ‖grad G‖ <= p ( ‖sum_j +-b_j m_j u_j‖ + min( sum_j b_j h_j, sigma sqrt(sum_j b_j h_j  max_j h_j) ) ),
///
/// with sigma the spectral norm of the rows sqrt(b_j) u_j (Cauchy-Schwarz): the *local* bound L(s). The
/// *global* one follows from z_j <= ‖x + d‖ alone,
///
///     ‖grad G‖ <= p sigma ‖x + d‖^(p-1) max(sigma, sqrt(sum_j b_j)) .
///
/// Both grow with s, hence G(x + d) >= G(x) - sum over steps of (step length) L(step end). Where a bias outweighs everything
/// else (``DecisionProblem/biasRadius``), that radius counts.
struct LipschitzBound: Sendable {
  /// sigma.
  let spectralNorm: Double

  /// The bound for all problems of the same directions and weights.
  init(_ problem: DecisionProblem) {
    var rows = problem.directions
    for (j, weight) in problem.weights.enumerated() { rows.scaleRow(j, by: weight.squareRoot()) }
    spectralNorm = EigenvalueBound.squaredNorm(rows).squareRoot() * (1 + 1e-12)
  }

  /// The largest ‖grad G‖ for ‖x + d‖ <= size that sigma allows.
  func globalSlope(_ problem: DecisionProblem, size: Double) -> Double {
    let p = problem.activation.exponent
    // For p >= 2 tau_j <= ‖x‖^(p-2) z_j, and sum b_j z_j^2 <= sigma^2 ‖x‖^2; for p < 2 only
    // tau_j <= ‖x‖^(p-1), and the b_j sum to 1.
    // With hidden biases tau_j <= (‖x‖ + max |beta|)^(p-1) is all there is.
    let other = p >= 2 && !problem.hasOffsets ? spectralNorm : 1
    let reach = size + problem.largestOffset
    return p * spectralNorm * other * Double.power(reach, p - 1)
  }

  /// The largest ‖grad G‖ for ‖d‖ <= s by the intervals of the z_j.
  func localSlope(_ problem: DecisionProblem, start: [Double], within s: Double) -> Double {
    let p = problem.activation.exponent
    let n = problem.dimension
    func power(_ z: Double) -> Double { z > 0 ? Double.power(z, p - 1) : 0 }
    var middle = [Double](repeating: 0, count: n)
    var (sum, largest, sizes) = (0.0, 0.0, 0.0)
    problem.directions.withPointer { rows in
      for j in 0..<problem.count {
        let (low, high) = (power(start[j] - s), power(start[j] + s))
        if high == 0 { continue }
        let half = 0.5 * (high - low)
        sum += problem.weights[j] * half
        sizes += problem.weights[j] * high
        largest = max(largest, half)
        let factor = (j < problem.supporting ? 0.5 : -0.5) * problem.weights[j] * (high + low)
        let row = rows + j * n
        for i in 0..<n { middle[i] += factor * row[i] }
      }
    }
    // Terms of `middle` that cancel leave the rounding of their sizes.
    let rounding = Double(n + 2 * problem.count + 16) * 0x1p-51 * sizes
    return p
      * (Norm.l2.length(middle) + rounding
        + min(sum, spectralNorm * (sum * largest).squareRoot()))
  }

  /// A radius within which the label is kept, at most `maximum`, in units of ‖x - center‖.
  func radius(_ problem: DecisionProblem, maximum: Double) -> Double {
    guard problem.isFinite, maximum > 0, maximum.isFinite else { return 0 }
    let start = problem.preActivations
    var margin = 0.0
    for j in 0..<problem.count {
      let value = problem.weights[j] * problem.activation(start[j])
      margin += j < problem.supporting ? value : -value
    }
    // Rounding of at most (p + 4 + n + count) operations on numbers that sum to 1, and of the slopes.
    let operations =
      (problem.activation.exponent + 4) * Double(problem.dimension + problem.count + 64)
    let rounding = operations * 0x1p-51
    let size = problem.extent
    margin -= rounding * Double.power(size, problem.activation.exponent)
    var reached = 0.0
    var step = maximum / 64
    while step > maximum * 1e-5 {
      let next = min(maximum, reached + step)
      let slope =
        min(
          localSlope(problem, start: start, within: next),
          globalSlope(problem, size: problem.distance.upperBound + next))
        * (1 + rounding)
      let left = margin - (next - reached) * slope
      let constant = problem.constant(within: next)
      let bound = left + constant - 4 * 0x1p-52 * constant.magnitude
      if bound > 0 && bound.isFinite {
        margin = left
        reached = next
        if reached >= maximum { break }
      } else {
        step /= 4
      }
    }
    return min(maximum, max(problem.biasRadius, reached * (1 - 1e-12)))
  }
}
