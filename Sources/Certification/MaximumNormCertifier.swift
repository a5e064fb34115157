import Foundation
import LinearCore
import Networks

/// Certifies linf radii by branch and bound, as ``RadiusCertifier`` does l2 radii; the bounds of
/// ``RelaxationCertifier`` count where they are larger.
public struct MaximumNormCertifier<Scalar: LinearScalar>: SampleCertifier {
  /// The network that is certified.
  public let network: PReLUNetwork<Scalar>
  /// The network that certificates speak about.
  public let effective: EffectiveNetwork
  /// Effective networks of more neurons are left to the relaxation: a box takes too long.
  public static var largestWidth: Int { 64 }
  /// When to stop.
  public let budget: SearchBudget
  private let relaxation: RelaxationCertifier<Scalar>

  /// A certifier for a network.
  /// - Throws: ``NetworkError`` where all hidden weights are 0.
  public init(_ network: PReLUNetwork<Scalar>, budget: SearchBudget = SearchBudget())
    throws(NetworkError)
  {
    self.network = network
    self.budget = budget
    effective = try EffectiveNetwork(network)
    relaxation = try RelaxationCertifier(network, norm: .linf, gap: budget.gap)
  }

  /// Certifies one sample.
  public func certify(
    _ input: [Scalar], label: Int, index: Int = 0, witness: [Scalar]? = nil
  ) -> CertifiedRadius {
    let start = Date()
    let first = relaxation.certify(input, label: label, index: index, witness: witness)
    if first.status != .bounded || effective.neurons > Self.largestWidth { return first }
    let input = input.map { Double($0) }
    var upper = VerifiedWitness(network, input: input, label: label, norm: .linf)
    upper.offer(first.perturbation)
    let deadline = start.addingTimeInterval(min(budget.seconds, 1e9))
    var certified = Double.infinity
    var nodes = 0
    var certificates: [BranchCertificate] = []
    for opponent in 0..<max(2, network.outputCount) where opponent != label {
      let plain = effective.problem(label: label, opponent: opponent, input: input)
      let problem = MaximumNormProblem(plain, basis: effective.basis)
      let outcome = search(problem, opponent: opponent, upper: &upper, deadline: deadline)
      nodes += outcome.nodes
      let proved = outcome.proved
      certified = min(
        certified,
        effective.radius(fromReduced: proved * plain.scale, length: plain.scale))
      certificates.append(outcome.certificate)
    }
    let proved = max(certified, first.proved)
    let lower = min(proved, upper.length)
    let isExact = upper.length.isFinite && upper.length - lower <= budget.gap * upper.length
    return CertifiedRadius(
      index: index, label: label, lower: lower, proved: proved, upper: upper.length,
      status: isExact ? .exact : .bounded, nodes: nodes,
      seconds: Date().timeIntervalSince(start), perturbation: upper.perturbation,
      certificates: certified >= first.proved ? certificates : first.certificates)
  }

  /// The largest radius that boxes of its own ball prove.
  ///
  /// A smaller ball has narrower boxes, and in linf the worst perturbation drives many pre-activations to
  /// their ends at once: relaxations of its own ball are nearly exact there, those of a larger ball are
  /// not. So the radius is bisected, and each ball searched until its radius is proved.
  private func search(
    _ problem: MaximumNormProblem, opponent: Int, upper: inout VerifiedWitness<Scalar>,
    deadline: Date
  ) -> (certificate: BranchCertificate, proved: Double, nodes: Int) {
    let scale = problem.plain.scale
    var best: (certificate: BranchCertificate, proved: Double)?
    var nodes = 0
    let trials = 8
    let share = SearchBudget(
      gap: 1e-5, nodes: max(1, budget.nodes / trials), seconds: budget.seconds)
    // The first ball is as large as the goal, the next ones between what is proved and what was not.
    var high = min(2, upper.length / scale)
    var radius = high * (1 - 0.9 * budget.gap)
    for _ in 0..<trials {
      let witness = upper.length.isFinite ? upper.perturbation.map { $0 / scale } : nil
      var search = BranchAndBound(
        MaximumNormRelaxation(problem, radius: radius, witness: witness, deadline: deadline),
        opponent: opponent, radius: radius, budget: share, deadline: deadline)
      let outcome = search.run()
      nodes += outcome.nodes
      if let d = outcome.witness { upper.offer(d.map { $0 * scale }) }
      let proved = MaximumNormKernel.certifiedRadius(outcome.certificate, of: problem) ?? 0
      if best.map({ proved > $0.proved }) ?? true { best = (outcome.certificate, proved) }
      if proved < radius * (1 - 1e-4) { high = min(high, radius) }
      high = min(high, upper.length / scale)
      let low = best!.proved
      if low >= high * (1 - budget.gap) || Date() >= deadline { break }
      radius = 0.5 * (low + high)
    }
    return (best!.certificate, best!.proved, nodes)
  }
}
