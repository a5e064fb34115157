import LinearCore

/// A fixed point of the direction flow; see ``DirectionFlow``.
public struct ExtremalVector: Sendable, Equatable, Codable {
  /// What the flow does near the vector.
  public enum Stability: String, Sendable, Equatable, Codable {
    /// Neurons with v > 0 are attracted, those with v < 0 repelled.
    case attractsPositive
    /// Neurons with v < 0 are attracted, those with v > 0 repelled.
    case attractsNegative
    /// Neurons of either sign leave it in some direction.
    case unstable
    /// An eigenvalue is 0 up to rounding, as along a continuum of fixed points: not decided.
    case degenerate
  }

  /// u: a unit vector of D coordinates.
  public let direction: [Double]
  /// G(u): neurons with v > 0 grow at this rate, (log ||w||)' = (v / ||w||) G(u).
  public let value: Double
  /// ||P grad G|| / ||grad G||: how exactly it is a fixed point. Where neurons slide along borders (p = 1),
  /// the largest |<u, x_i>| / ||x_i|| of the samples on them.
  public let residual: Double
  /// The smallest eigenvalue of the Riemannian Hessian on the tangent space; of a sliding vector, on the
  /// directions along its borders.
  public let smallestEigenvalue: Double
  /// The largest eigenvalue, likewise.
  public let largestEigenvalue: Double
  /// Samples with <u, x_i> = 0 up to rounding: u lies on the border of their activation.
  public let borderSamples: Int
  /// What the flow does near it.
  public let stability: Stability

  /// Classifies a fixed point.
  ///
  /// With a Hessian that is negative definite it attracts neurons with v > 0, positive definite those
  /// with v < 0. On a border that is not all: in a tangent direction d that activates sample i, sign(v) G
  /// changes by sign(v) g_i relu(<d, x_i>)^p on top, which for p < 2 outweighs the Hessian. Samples with
  /// sign(v) g_i < 0 push back; a sample with sign(v) g_i > 0 pulls the neuron away, and the vector does
  /// not attract. (Several samples might still hold each other; then it is called unstable too early.)
  /// At p = 2 such samples count as active in the eigenvalues, and for p > 2 they do not matter.
  ///
  /// - Throws: ``FactorizationError`` where LAPACK fails.
  package init(_ flow: DirectionFlow, at direction: [Double]) throws(FactorizationError) {
    let u = unit(direction)
    let p = flow.exponent
    let (values, gradients) = flow.potential(at: Matrix([u]))
    let slope = gradients.rowNorms()[0]
    let radial = p * values[0]
    self.direction = u
    value = values[0]
    residual = slope == 0 ? 0 : slope / (slope * slope + radial * radial).squareRoot()

    let sums = flow.inputs.times(u)
    let norms = flow.inputs.rowNorms()
    let border = sums.indices.filter {
      sums[$0].magnitude <= Self.borderTolerance * norms[$0] && norms[$0] > 0
    }
    borderSamples = border.count
    let sign: Double = values[0] < 0 ? -1 : 1
    let pulling = border.filter { sign * flow.weights[$0] > 0 }
    let hessian = TangentHessian(
      flow, at: u, value: values[0], activating: p == 2 ? Set(pulling) : [])
    (smallestEigenvalue, largestEigenvalue) = try hessian.extremeEigenvalues()
    let zero = 1e-9 * radial.magnitude
    let worst = sign > 0 ? largestEigenvalue : -smallestEigenvalue
    stability =
      if worst > zero || (p < 2 && !pulling.isEmpty) {
        .unstable
      } else if worst >= -zero {
        .degenerate
      } else {
        sign > 0 ? .attractsPositive : .attractsNegative
      }
  }

  /// A vector where neurons of sign `sign` come to rest on borders.
  init(_ sliding: SlidingVector, sign: Double) {
    direction = sliding.direction
    value = sign * sliding.value
    residual = sliding.violation
    smallestEigenvalue = -value
    largestEigenvalue = -value
    borderSamples = sliding.borderSamples
    stability = sign > 0 ? .attractsPositive : .attractsNegative
  }

  /// |<u, x>| / ||x|| up to which a sample counts as on the border.
  private static let borderTolerance = 1e-9

  /// Whether it attracts neurons of some sign.
  public var isAttracting: Bool {
    stability == .attractsPositive || stability == .attractsNegative
  }
}
