import LinearCore
import Networks

/// A certified radius with its proof, as it is stored.
public struct SampleCertificate: Codable, Sendable, Equatable {
  /// The row of the data.
  public let index: Int
  /// The class of the sample in the data.
  public var label: Int
  /// The norm of ``lower``.
  public var norm: Norm
  /// No perturbation of smaller norm changes the class.
  public var lower: Double
  /// The proof: one certificate an opponent.
  package var branches: [BranchCertificate]

  /// The certificate of a result.
  /// - Parameter norm: of its radius.
  public init(_ result: CertifiedRadius, norm: Norm = .l2) {
    self.norm = norm
    index = result.index
    label = result.label
    lower = result.lower
    branches = result.certificates
  }
}

/// Verifies certificates against a network, without searching.
package struct CertificateChecker<Scalar: LinearScalar> {
  private let network: PReLUNetwork<Scalar>
  private let effective: EffectiveNetwork
  /// The network as it is, of which linear relaxations speak; nil where all its hidden weights are 0.
  private let plain: EffectiveNetwork?
  /// The same with an error for every neuron.
  private let whole: WholeNetwork?
  /// The box of valid inputs; nil where certificates hold for all.
  private let box: InputBox<Double>?

  /// A checker for certificates that speak about `effective`.
  ///
  /// - Parameter box: of valid inputs, for certificates that mean these only.
  /// - Throws: ``CertificateError`` where `effective` does not stand for the network.
  package init(
    _ network: PReLUNetwork<Scalar>, effective: EffectiveNetwork, box: InputBox<Double>? = nil
  ) throws(CertificateError) {
    self.box = box
    whole = try? WholeNetwork(network)
    plain = whole?.effective
    try effective.check(against: network)
    self.network = network
    self.effective = effective
  }

  /// The radius a certificate proves for an input of the class it names.
  /// - Throws: ``CertificateError`` where it proves less than it claims, or nothing.
  @discardableResult
  package func check(_ certificate: SampleCertificate, input: [Scalar]) throws(CertificateError)
    -> Double
  {
    guard input.count == network.inputDimension else {
      throw .malformed("an input of \(input.count) coordinates")
    }
    // What claims nothing is right.
    if certificate.lower == 0, certificate.branches.isEmpty { return 0 }
    return try DenormalNumbers.kept {
      () -> Result<Double, CertificateError> in
      do throws(CertificateError) {
        return .success(try proved(certificate, input: input.map { Double($0) }))
      } catch { return .failure(error) }
    }.get()
  }

  private func proved(_ certificate: SampleCertificate, input: [Double]) throws(CertificateError)
    -> Double
  {
    let expected = Set(0..<max(2, network.outputCount)).subtracting([certificate.label])
    guard expected.count == max(2, network.outputCount) - 1,
      certificate.branches.count == expected.count,
      Set(certificate.branches.map(\.opponent)) == expected
    else { throw .malformed("expected one tree for every other class") }
    var proved = Double.infinity
    for branch in certificate.branches {
      proved = min(
        proved,
        branch.isOfLines
          ? try lined(branch, of: certificate, input: input)
          : branch.nodes.isEmpty
            ? try relaxed(branch, of: certificate, input: input)
            : try searched(branch, of: certificate, input: input))
    }
    // Reductions add in another order on another machine.
    guard certificate.lower >= 0, certificate.lower <= proved * (1 + 1e-12), proved.isFinite else {
      throw .weaker(claimed: certificate.lower, proved: proved)
    }
    return proved
  }

  /// What the tree of boxes proves.
  private func searched(
    _ branch: BranchCertificate, of certificate: SampleCertificate, input: [Double]
  ) throws(CertificateError) -> Double {
    let problem = try problem(effective, branch, label: certificate.label, input: input)
    let radius: Double? =
      switch certificate.norm {
      case .l2:
        CertificateKernel.certifiedRadius(branch, of: problem).map {
          max($0, LipschitzBound(problem).radius(problem, maximum: branch.searchRadius))
        }
      case .linf:
        MaximumNormKernel.certifiedRadius(
          branch, of: MaximumNormProblem(problem, basis: effective.inputBasis))
      case .l1: nil
      }
    guard let radius else {
      throw .malformed("boxes do not cover the ball, or a Lagrangian is not convex")
    }
    return effective.radius(fromReduced: radius * problem.scale, length: problem.length)
  }

  /// What a tree of lines proves.
  private func lined(
    _ branch: BranchCertificate, of certificate: SampleCertificate, input: [Double]
  ) throws(CertificateError) -> Double {
    let (isWhole, isLifted) = (branch.isWhole ?? false, branch.isLifted ?? false)
    // A reduced network measures perturbations in l2 only, and knows no coordinates.
    guard isWhole || isLifted || (certificate.norm == .l2 && branch.isBoxed != true) else {
      throw .malformed("a reduced network in \(certificate.norm.rawValue)")
    }
    guard !isWhole || whole != nil else { throw .malformed("a network without neurons") }
    let network = isWhole ? whole!.effective : effective
    var problem = try problem(network, branch, label: certificate.label, input: input)
    if isWhole {
      problem = whole!.problem(
        label: certificate.label, opponent: branch.opponent, input: input, unit: branch.unit)
    } else if isLifted {
      problem = effective.liftedProblem(
        label: certificate.label, opponent: branch.opponent, input: input, unit: branch.unit)
    }
    let range = try range(branch, input: input, unit: problem.scale)
    guard
      let radius = LineKernel.certifiedRadius(
        branch, of: problem, norm: certificate.norm, isWhole: isWhole || isLifted, range: range)
    else { throw .malformed("boxes are no tree, or a leaf is none of lines") }
    return network.radius(fromReduced: radius * problem.scale, length: problem.length)
  }

  /// What the box of valid inputs leaves of perturbations, where a tree means these.
  private func range(_ branch: BranchCertificate, input: [Double], unit: Double)
    throws(CertificateError) -> PerturbationRange?
  {
    guard branch.isBoxed ?? false else { return nil }
    guard let box else {
      throw .malformed("it holds in a box of valid inputs, and none is given")
    }
    return PerturbationRange(box, input: input, unit: unit)
  }

  /// The problem that a tree speaks about, in its unit. Whatever is not finite is refused.
  private func problem(
    _ network: EffectiveNetwork, _ branch: BranchCertificate, label: Int, input: [Double]
  ) throws(CertificateError) -> DecisionProblem {
    guard branch.unit.map({ $0.isNormal && $0 > 0 }) ?? true else {
      throw .malformed("a unit of \(branch.unit ?? 0)")
    }
    let problem = network.problem(
      label: label, opponent: branch.opponent, input: input, unit: branch.unit)
    guard problem.isFinite else {
      throw .malformed("numbers of the network exceed the range of double precision in its unit")
    }
    return problem
  }

  /// What one linear relaxation of the ball proves.
  private func relaxed(
    _ branch: BranchCertificate, of certificate: SampleCertificate, input: [Double]
  ) throws(CertificateError) -> Double {
    guard let plain, branch.searchRadius >= 0, branch.searchRadius.isFinite else {
      throw .malformed("a radius of \(branch.searchRadius)")
    }
    let problem = try problem(plain, branch, label: certificate.label, input: input)
    guard LinearRelaxation(problem, norm: certificate.norm).proves(branch.searchRadius) else {
      throw .malformed("the relaxation does not prove the radius \(branch.searchRadius)")
    }
    return plain.radius(fromReduced: branch.searchRadius * problem.scale, length: problem.length)
  }
}
