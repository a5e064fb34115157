import LinearCore

/// Recomputes what a certificate proves about max_i |d_i|, as ``CertificateKernel`` does in l2.
///
/// A leaf keeps the metric y, the multipliers lambda, q, s of the neurons against the label, and c, which
/// stands for d0 = -diag(1/eta) U^T c. With G = U diag(1/eta) U^T, all it takes is few numbers:
///
///     z(d0) = z - G c,   sum_i eta_i d0_i^2 = c^T G c,
///
/// and the gradient of the Lagrangian U^T (t - c), t the slopes of all neurons' terms, has the dual length
/// (t - c)^T G (t - c). Neurons for the label are bounded by supporting lines of slope max(0, c_j):
/// lambda b phi(z) >= t z - (1 - 1/p) t (t / (p lambda b))^(1/(p-1)).
struct MaximumNormKernel {
  private static let unit = 0x1p-52
  private let problem: MaximumNormProblem
  private let constant: Double

  /// The radius up to which no perturbation loses the label, in units of ||x - center||; nil where the
  /// certificate is not one.
  static func certifiedRadius(
    _ certificate: BranchCertificate, of problem: MaximumNormProblem
  ) -> Double? {
    let radius = certificate.searchRadius
    guard problem.plain.isFinite, radius > 0, radius <= CertificateKernel.largestRadius else {
      return nil
    }
    let kernel = MaximumNormKernel(
      problem: problem, constant: problem.constant(within: radius))
    guard
      let bound = certificate.leastBound(
        over: problem.root(within: radius), { leaf, box, _ in kernel.bound(leaf, box) })
    else { return nil }
    return min(radius, (2 * max(0, bound)).squareRoot() * (1 - 4 * unit))
  }

  /// A lower bound of half the squared norm of all d that lose the label with z in the box.
  private func bound(_ leaf: CertificateLeaf, _ box: [ClosedRange<Double>]) -> Double? {
    let (plain, count) = (problem.plain, problem.plain.count)
    let (lambda, c, supporting) = (leaf.multiplier, leaf.point, plain.supporting)
    guard c.count == count, leaf.quadratics.count == box.count, leaf.slopes.count == box.count,
      lambda >= 0, lambda.isFinite, c.allSatisfy(\.isFinite), leaf.slopes.allSatisfy(\.isFinite),
      leaf.quadratics.allSatisfy({ $0 >= 0 && $0.isFinite })
    else { return nil }
    if lambda == 0 && c.allSatisfy({ $0 == 0 }) { return 0 }
    guard let gram = problem.gram(metric: leaf.metric), isConvex(leaf.quadratics, gram) else {
      return nil
    }
    let p = plain.activation.exponent
    let lengths = (0..<count).map { gram[$0, $0].squareRoot() }
    let change = gram.times(c)
    // No |<u_j, d0>| is larger than size times the length of u_j.
    let size = zip(lengths, c).reduce(0) { $0 + $1.0 * $1.1.magnitude }
    // No |<u_j, x>| is larger, for unit u_j of the reduced space.
    let whole = plain.extent
    var residual = [Double](repeating: 0, count: count)
    let square = zip(c, change).reduce(0) { $0 + $1.0 * $1.1 }
    var value = 0.5 * square + lambda * constant
    // The sums of the magnitudes of all terms, for the rounding error of value and gradient.
    var valueSize = size * size + lambda * constant.magnitude
    var gradientSize = size
    for j in 0..<count {
      let z = problem.start[j] - change[j]
      let zSize = whole + size * lengths[j]
      let weight = lambda * plain.weights[j]
      if j < supporting {
        // For p = 1 slopes of supporting lines end at the weight.
        let slope = p == 1 ? min(max(0, c[j]), weight) : weight > 0 ? max(0, c[j]) : 0
        let conjugate =
          p == 1 || slope == 0
          ? 0 : (1 - 1 / p) * slope * Double.power(slope / (p * weight), 1 / (p - 1))
        let error = p == 1 ? 1 : 1 + 1 / (p - 1)
        value += slope * z - conjugate
        residual[j] = slope - c[j]
        valueSize += 2 * slope * zSize + conjugate * error
        gradientSize += slope * lengths[j]
      } else {
        let k = j - supporting
        let (q, s) = (leaf.quadratics[k], leaf.slopes[k])
        let alpha = plain.activation.supremum(weight: weight, q: q, s: s, on: box[k])
        value -= alpha + (s + q * z) * z
        residual[j] = -(s + 2 * q * z) - c[j]
        valueSize += alpha.magnitude + (s.magnitude + q * zSize) * zSize * 4
        gradientSize += (s.magnitude + 4 * q * zSize) * lengths[j]
      }
    }
    let operations = (p + 4) * Double(problem.rows.columns + count + 16) * Self.unit
    // G is the Gram matrix of vectors of these lengths, up to rounding.
    let extent = zip(residual, lengths).reduce(0) { $0 + $1.0.magnitude * $1.1 }
    let left = zip(residual, gram.times(residual)).reduce(0) { $0 + $1.0 * $1.1 }
    let steepness =
      (max(0, left) + operations * extent * extent).squareRoot() + operations * gradientSize
    let bound =
      value - operations * valueSize - CertificateKernel.underflow * (1 + lambda + gradientSize)
      - steepness * steepness / (2 * CertificateKernel.modulus)
    return bound.isFinite ? bound : nil
  }

  /// Whether diag(eta) - sum_k 2 q_k u_k u_k^T is at least `modulus` times diag(eta): in terms of few numbers,
  /// I - 2 sqrt(q) G sqrt(q) at least `modulus`, on the neurons against the label.
  private func isConvex(_ quadratics: [Double], _ gram: Matrix<Double>) -> Bool {
    let curved = quadratics.indices.filter { quadratics[$0] > 0 }
    let n = curved.count
    if n == 0 { return true }
    let first = problem.plain.supporting
    var matrix = [Double](repeating: 0, count: n * n)
    var trace = Double(n)
    for (i, j) in curved.enumerated() {
      trace += 2 * quadratics[j] * gram[first + j, first + j]
      for (m, k) in curved.enumerated() {
        matrix[i * n + m] =
          -2 * (quadratics[j] * quadratics[k]).squareRoot() * gram[first + j, first + k]
      }
    }
    let shift = 4 * Double(problem.rows.columns + n + 8) * Self.unit * trace
    for i in 0..<n { matrix[i * n + i] += 1 - CertificateKernel.modulus - shift }
    return matrix.withUnsafeMutableBufferPointer {
      SmallCholesky.factorize(n, $0.baseAddress!)
    }
  }
}
