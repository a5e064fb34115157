import LinearCore
import Networks

/// A certified radius with its proof, as it is stored.
public struct SampleCertificate: Codable, Sendable, Equatable {
  /// The row of the data.
  public let index: Int
  /// Its class.
  public let label: Int
  /// No perturbation of smaller norm, l2 or linf, changes the class.
  public let lower: Double
  /// The proof: one certificate an opponent.
  public var branches: [BranchCertificate]

  /// The certificate of a result.
  public init(_ result: CertifiedRadius) {
    index = result.index
    label = result.label
    lower = result.lower
    branches = result.certificates
  }
}

/// Verifies certificates against a network, without searching.
public struct CertificateChecker<Scalar: LinearScalar> {
  private let network: PReLUNetwork<Scalar>
  private let effective: EffectiveNetwork
  private let norm: Norm

  /// A checker for certificates that speak about `effective`.
  /// - Parameter norm: l2, or linf for certificates of ``MaximumNormCertifier``.
  /// - Throws: ``CertificateError`` where `effective` does not stand for the network.
  public init(_ network: PReLUNetwork<Scalar>, effective: EffectiveNetwork, norm: Norm = .l2)
    throws(CertificateError)
  {
    precondition(norm != .l1, "there are no certificates in l1")
    self.norm = norm
    try effective.check(against: network)
    self.network = network
    self.effective = effective
  }

  /// The radius a certificate proves for an input of the class it names.
  /// - Throws: ``CertificateError`` where it proves less than it claims, or nothing.
  @discardableResult
  public func check(_ certificate: SampleCertificate, input: [Scalar]) throws(CertificateError)
    -> Double
  {
    guard input.count == network.inputDimension else {
      throw .malformed("an input of \(input.count) coordinates")
    }
    let input = input.map { Double($0) }
    let expected = Set(0..<max(2, network.outputCount)).subtracting([certificate.label])
    guard expected.count == max(2, network.outputCount) - 1,
      certificate.branches.count == expected.count,
      Set(certificate.branches.map(\.opponent)) == expected
    else { throw .malformed("expected one tree for every other class") }
    var proved = Double.infinity
    for branch in certificate.branches {
      let problem = effective.problem(
        label: certificate.label, opponent: branch.opponent, input: input)
      let radius =
        norm == .l2
        ? CertificateKernel.certifiedRadius(branch, of: problem)
        : MaximumNormKernel.certifiedRadius(
          branch, of: MaximumNormProblem(problem, basis: effective.basis))
      guard var bound = radius else {
        throw .malformed("boxes do not cover the ball, or a Lagrangian is not convex")
      }
      if norm == .l2 {
        bound = max(
          bound, LipschitzBound(problem).radius(problem, maximum: branch.searchRadius))
      }
      proved = min(
        proved, effective.radius(fromReduced: bound * problem.scale, length: problem.scale))
    }
    // Reductions add in another order on another machine.
    guard certificate.lower <= proved * (1 + 1e-12) else {
      throw .weaker(claimed: certificate.lower, proved: proved)
    }
    return proved
  }
}
