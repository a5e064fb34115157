import LinearCore

/// Recomputes what a certificate proves. `Documentation/Certified-radii.md` has the theorem, and the list of
/// what has to be trusted.
///
/// It shares no code with the search that found the certificate beyond the activation itself.
struct CertificateKernel {
  /// Lagrangians have to be strongly convex with this modulus.
  static let modulus = 0x1p-15
  /// Balls beyond which squares of lengths may overflow prove nothing.
  static let largestRadius = 1e100
  /// A bound of the rounding of one operation, doubled.
  private static let unit = 0x1p-52
  /// More than all operations that fall below the normal numbers can lose together, in units.
  static let underflow = 1e-200

  private let problem: DecisionProblem
  private let certificate: BranchCertificate
  /// At least the square of the part of x outside of the reduced space.
  private let squaredRest: Double
  private let tightening: BallTightening
  /// The directions of all neurons, and behind them those that are cut.
  private let rows: Matrix<Double>

  /// The radius up to which no perturbation loses the label, in units of ||x - center||; nil where the
  /// certificate is not one.
  static func certifiedRadius(
    _ certificate: BranchCertificate, of problem: DecisionProblem
  ) -> Double? {
    guard problem.isFinite, certificate.searchRadius > 0,
      certificate.searchRadius <= largestRadius, certificate.rounding >= 0,
      certificate.rounding <= 1
    else { return nil }
    guard let kernel = CertificateKernel(problem, certificate) else { return nil }
    let squares = problem.squares(within: certificate.searchRadius)
    guard
      let bound = certificate.leastBound(
        over: kernel.tightening.root, squares: squares, kernel.bound)
    else { return nil }
    let radius = (2 * max(0, bound)).squareRoot() * (1 - 4 * unit)
    return min(certificate.searchRadius, radius)
  }

  private init?(_ problem: DecisionProblem, _ certificate: BranchCertificate) {
    self.problem = problem
    self.certificate = certificate
    squaredRest = problem.squaredRest
    var cuts: CutDirections?
    if let directions = certificate.cutDirections {
      guard !directions.isEmpty, directions.count <= problem.dimension,
        directions.allSatisfy({ $0.count == problem.dimension }),
        let checked = CutDirections(Matrix(directions), of: problem)
      else { return nil }
      cuts = checked
    }
    tightening = BallTightening(problem, radius: certificate.searchRadius, cuts: cuts)
    rows = cuts.map { Matrix(stacking: [problem.directions, $0.rows]) } ?? problem.directions
  }

  /// A lower bound of ||d||^2/2 for all d that lose the label with z in the present box and ||x + d||^2 in `squares`; nil
  /// where a leaf is malformed or its Lagrangian not strongly convex.
  private func bound(
    _ leaf: CertificateLeaf, _ box: [ClosedRange<Double>], _ squares: ClosedRange<Double>?
  ) -> Double? {
    let (n, supporting) = (problem.dimension, problem.supporting)
    // Directions chosen after a leaf was bounded cost and pay nothing there.
    let terms = leaf.quadratics.count
    guard leaf.point.count == n, problem.against...box.count ~= terms, leaf.slopes.count == terms,
      leaf.multiplier >= 0, leaf.multiplier.isFinite,
      leaf.quadratics.allSatisfy(\.isFinite),
      leaf.quadratics.prefix(problem.against).allSatisfy({ $0 >= 0 }),
      leaf.quadratics.dropFirst(problem.against).allSatisfy({ $0 <= 0 }),
      leaf.slopes.allSatisfy(\.isFinite), leaf.point.allSatisfy(\.isFinite),
      leaf.biasSlope.isFinite
    else { return nil }
    // A box that the ball does not reach needs no bound.
    guard let box = tightening.tightened(box) else { return .infinity }
    // Where x + d is short, the bias keeps the label.
    if let squares, squares.upperBound.squareRoot() < problem.biasReach * (1 - 8 * Self.unit) {
      return .infinity
    }
    let lambda = leaf.multiplier
    // ||d||^2/2 + lambda c ||x + d||^2 has the curvature 1 + 2 lambda c.
    let weight = lambda * leaf.biasSlope
    let curvature = 1 + 2 * weight
    guard isConvex(leaf.quadratics, curvature) else { return nil }
    let constant = problem.constant(
      slope: leaf.biasSlope, within: certificate.searchRadius, squares: squares)
    let p = problem.activation.exponent
    let pointSquare = leaf.point.reduce(0) { $0 + $1 * $1 }
    // No |<u, x + d>| is larger, for unit u.
    let size = problem.extent + pointSquare.squareRoot()
    // ||x||^2 at its worst.
    let end = weight > 0 ? problem.distance.lowerBound : problem.distance.upperBound
    let squaredDistance = end * end
    var lagrangian =
      0.5 * curvature * pointSquare + lambda * constant
      + weight
      * (squaredDistance + 2 * zip(problem.point, leaf.point).reduce(0) { $0 + $1.0 * $1.1 })
    // What d may gain outside of the reduced space.
    lagrangian -= 2 * weight * weight * squaredRest / curvature * (1 + 16 * Self.unit)
    var gradient = zip(leaf.point, problem.point).map { curvature * $0 + 2 * weight * $1 }
    // The sums of the magnitudes of all terms, for the rounding error of value and gradient.
    var valueSize =
      (1 + 2 * weight.magnitude) * pointSquare + lambda * constant.magnitude
      + weight.magnitude * size * (size + 2)
    var gradientSize = (1 + 4 * weight.magnitude) * size
    self.rows.withPointer { rows in
      for j in 0..<supporting + terms {
        let row = rows + j * n
        // Cut directions have no hidden bias.
        var z = j < problem.count ? problem.offset(j) : 0
        for i in 0..<n { z += row[i] * (problem.point[i] + leaf.point[i]) }
        let slope: Double
        if j < supporting {
          let jet = problem.activation.roundedDerivatives(z, rounding: certificate.rounding)
          let weight = lambda * problem.weights[j]
          lagrangian += weight * jet.value
          slope = weight * jet.slope
          valueSize += weight * problem.activation(size)
        } else {
          let k = j - supporting
          let (q, s) = (leaf.quadratics[k], leaf.slopes[k])
          let alpha = problem.activation.supremum(
            weight: j < problem.count ? lambda * problem.weights[j] : 0, q: q, s: s, on: box[k])
          lagrangian -= alpha + (s + q * z) * z
          slope = -(s + 2 * q * z)
          valueSize += alpha.magnitude + (s.magnitude + q.magnitude * size) * size
          gradientSize += q.magnitude * size
        }
        for i in 0..<n { gradient[i] += slope * row[i] }
        gradientSize += slope.magnitude
        valueSize += 2 * slope.magnitude * size
      }
    }
    let operations = (p + 4) * Double(n + rows.rows + 16) * Self.unit
    let underflow = Self.underflow * (1 + lambda + weight.magnitude)
    let steepness =
      gradient.reduce(0) { $0 + $1 * $1 }.squareRoot() + operations * gradientSize + underflow
    let bound =
      lagrangian - operations * valueSize - underflow - steepness * steepness / (2 * Self.modulus)
    return bound.isFinite ? bound : nil
  }

  /// Whether curvature I - sum_k 2 q_k u_k u_k^T is at least `modulus` times the identity: a Cholesky factorisation
  /// in floating point that succeeds proves it up to (n + 2) rounding units of the trace (Rump, BIT 2006),
  /// which are taken off beforehand.
  private func isConvex(_ quadratics: [Double], _ curvature: Double) -> Bool {
    guard curvature.isFinite, curvature >= 2 * Self.modulus else { return false }
    if quadratics.allSatisfy({ $0 == 0 }) { return true }
    let n = problem.dimension
    let trace = Double(n) * curvature + 2 * quadratics.reduce(0) { $0 + $1.magnitude }
    let shift = 4 * Double(n + quadratics.count + 4) * Self.unit * trace
    var matrix = [Double](repeating: 0, count: n * n)
    for i in 0..<n { matrix[i * n + i] = curvature - Self.modulus - shift }
    return matrix.withUnsafeMutableBufferPointer { a in
      rows.withPointer { rows in
        let curvatures = quadratics.map { -2 * $0 }
        curvatures.withUnsafeBufferPointer {
          QuadraticForm.add(
            n, rows: rows + problem.supporting * n, coefficients: $0, to: a.baseAddress!)
        }
      }
      return SmallCholesky.factorize(n, a.baseAddress!)
    }
  }
}
