import Foundation
import LinearCore
import Networks

/// Proves radii in any norm by one linear relaxation a class: quick, weak, and for all networks. Small ones are then
/// searched completely, where boxes are allowed. For l2 prefer ``RadiusCertifier``.
public struct RelaxationCertifier<Scalar: LinearScalar>: SampleCertifier {
  /// The network that is certified.
  public let network: PReLUNetwork<Scalar>
  /// The norm of perturbations.
  public let norm: Norm
  /// The relative gap at which a radius counts as exact.
  public let gap: Double
  /// Seconds for one sample.
  public let seconds: Double
  /// The network that trees of boxes speak about.
  package let effective: EffectiveNetwork
  /// The network itself with unit directions, which relaxations speak about.
  private let plain: EffectiveNetwork
  /// Of valid inputs; nil where all are.
  private let box: InputBox<Double>?
  private let original: PReLUNetwork<Double>
  /// Nil for networks that are too large for it, and without boxes.
  private let complete: CompletePass?

  /// A certifier for a network.
  ///
  /// - Parameters:
  ///   - nodes: boxes of the complete search; 0 for none.
  ///   - box: perturbed inputs outside of it do not count; nil where all do.
  /// - Throws: ``NetworkError`` where all hidden weights are 0.
  public init(
    _ network: PReLUNetwork<Scalar>, norm: Norm, gap: Double = 1e-3, seconds: Double = .infinity,
    nodes: Int = 0, box: InputBox<Scalar>? = nil
  ) throws(NetworkError) {
    self.network = network
    self.norm = norm
    self.gap = gap
    self.seconds = seconds
    self.box = box?.map { Double($0) }
    original = DenormalNumbers.kept { network.converted(to: Double.self) }
    plain = try EffectiveNetwork(original, isReduced: false)
    effective = nodes == 0 ? plain : try EffectiveNetwork(original)
    complete =
      nodes == 0
      ? nil
      : try CompletePass(
        original, effective: effective,
        budget: SearchBudget(gap: gap, nodes: nodes, seconds: seconds), norm: norm, box: self.box)
  }

  /// Certifies one sample in double precision; see ``SampleCertifier``.
  public func certified(
    _ input: [Double], label: Int, index: Int, witness: [Double]?
  ) -> CertifiedRadius {
    let start = Date()
    let deadline = start.addingTimeInterval(min((complete?.firstShare ?? 1) * seconds, 1e9))
    var upper = VerifiedWitness(original, input: input, label: label, norm: norm, box: box)
    if let witness { upper.offer(witness) }
    var proved = 0.0
    var certificates: [BranchCertificate] = []
    if !upper.isMisclassified {
      let units = ProblemUnit(plain, input: input, label: label)
      // A little more than the perturbation that is known, so that a wrong proof would show.
      let reach = upper.length.isFinite ? upper.length * EuclideanSearch.excess : units.reach
      let (unit, problems) = units.problems(radius: reach)
      proved = .infinity
      for (place, (opponent, problem)) in zip(units.opponents, problems).enumerated() {
        // What one class leaves of its share of the seconds is the others'.
        let share = deadline.timeIntervalSinceNow / Double(problems.count - place)
        let radius = LinearRelaxation(problem, norm: norm).radius(
          maximum: reach / problem.scale, deadline: Date().addingTimeInterval(share))
        certificates.append(
          BranchCertificate(
            opponent: opponent, unit: unit, searchRadius: radius, rounding: 0, nodes: []))
        proved = min(
          proved, plain.radius(fromReduced: radius * problem.scale, length: problem.length))
      }
      // What is beyond the range of double precision proves nothing.
      if !problems.allSatisfy(\.isFinite) { (proved, certificates) = (0, []) }
    }
    let first = CertifiedRadius(
      index: index, label: label, proved: proved, upper: upper, gap: gap, nodes: 1, start: start,
      certificates: certificates)
    guard let complete else { return first }
    return complete.improved(
      first, upper, input: input,
      reach: ProblemUnit(plain, input: input, label: label).reach, start: start)
  }
}
