import Foundation
import LinearCore
import Networks

/// Proves radii in any norm by one linear relaxation a class: quick, weak, and for all networks. For l2 prefer
/// ``RadiusCertifier``.
public struct RelaxationCertifier<Scalar: LinearScalar>: SampleCertifier {
  /// The network that is certified.
  public let network: PReLUNetwork<Scalar>
  /// The norm of perturbations.
  public let norm: Norm
  /// The relative gap at which a radius counts as exact.
  public let gap: Double
  /// The network itself with unit directions.
  public let effective: EffectiveNetwork

  /// A certifier for a network.
  /// - Throws: ``NetworkError`` where all hidden weights are 0.
  public init(_ network: PReLUNetwork<Scalar>, norm: Norm, gap: Double = 1e-3)
    throws(NetworkError)
  {
    self.network = network
    self.norm = norm
    self.gap = gap
    effective = try EffectiveNetwork(network, isReduced: false)
  }

  /// Certifies one sample.
  public func certify(
    _ input: [Scalar], label: Int, index: Int = 0, witness: [Scalar]? = nil
  ) -> CertifiedRadius {
    let start = Date()
    let input = input.map { Double($0) }
    var upper = VerifiedWitness(network, input: input, label: label, norm: norm)
    if let witness { upper.offer(witness.map { Double($0) }) }
    var proved = 0.0
    var certificates: [BranchCertificate] = []
    if !upper.isMisclassified {
      proved = .infinity
      for opponent in 0..<max(2, network.outputCount) where opponent != label {
        let problem = effective.problem(label: label, opponent: opponent, input: input)
        let maximum = min(2, upper.length / problem.scale)
        let radius = LinearRelaxation(problem, norm: norm).radius(maximum: maximum)
        certificates.append(
          BranchCertificate(opponent: opponent, searchRadius: radius, rounding: 0, nodes: []))
        proved = min(
          proved, effective.radius(fromReduced: radius * problem.scale, length: problem.scale))
      }
    }
    let lower = min(proved, upper.length)
    let status: CertifiedRadius.Status =
      upper.isMisclassified
      ? .misclassified
      : upper.length.isFinite && upper.length - lower <= gap * upper.length ? .exact : .bounded
    return CertifiedRadius(
      index: index, label: label, lower: lower, proved: proved, upper: upper.length,
      status: status, nodes: 1, seconds: Date().timeIntervalSince(start),
      perturbation: upper.perturbation, certificates: certificates)
  }
}
