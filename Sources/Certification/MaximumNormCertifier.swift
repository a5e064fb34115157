import Foundation
import LinearCore
import Networks

/// Certifies linf radii by branch and bound, as ``RadiusCertifier`` does l2 radii; the bounds of
/// ``RelaxationCertifier`` count where they are larger.
public struct MaximumNormCertifier<Scalar: LinearScalar>: SampleCertifier {
  /// The network that is certified.
  public let network: PReLUNetwork<Scalar>
  /// The network that certificates speak about.
  package let effective: EffectiveNetwork
  /// Effective networks of more neurons are left to the relaxation: a box takes too long.
  public static var largestWidth: Int { 64 }
  /// When the search for one sample ends.
  public let budget: SearchBudget
  private let relaxation: RelaxationCertifier<Double>
  private let original: PReLUNetwork<Double>
  /// Nil for networks that are too large for it.
  private let complete: CompletePass?
  /// Of valid inputs; nil where all are.
  private let box: InputBox<Double>?

  /// A certifier for a network.
  ///
  /// - Parameter box: perturbed inputs outside of it do not count; nil where all do.
  /// - Throws: ``NetworkError`` where all hidden weights are 0.
  public init(
    _ network: PReLUNetwork<Scalar>, budget: SearchBudget = SearchBudget(),
    box: InputBox<Scalar>? = nil
  ) throws(NetworkError) {
    self.network = network
    self.box = box?.map { Double($0) }
    self.budget = budget
    original = DenormalNumbers.kept { network.converted(to: Double.self) }
    effective = try EffectiveNetwork(original)
    complete = try CompletePass(
      original, effective: effective, budget: budget, norm: .linf, box: self.box)
    relaxation = try RelaxationCertifier(
      original, norm: .linf, gap: budget.gap,
      seconds: effective.neurons > Self.largestWidth ? budget.seconds : 0.3 * budget.seconds,
      box: self.box)
  }

  /// Certifies one sample in double precision; see ``SampleCertifier``.
  public func certified(
    _ input: [Double], label: Int, index: Int, witness: [Double]?
  ) -> CertifiedRadius {
    let start = Date()
    let share = complete?.firstShare ?? 1
    let deadline = start.addingTimeInterval(min(share * budget.seconds, 1e9))
    let first = firstPass(
      input, label: label, index: index, witness: witness, start: start, deadline: deadline)
    guard let complete, first.status == .bounded else { return first }
    return complete.improved(
      first, VerifiedWitness(original, input: input, label: label, norm: .linf, box: box),
      input: input,
      reach: budget.maximumRadius ?? ProblemUnit(effective, input: input, label: label).reach,
      start: start)
  }

  /// What the relaxation and boxes of their own metrics prove.
  private func firstPass(
    _ input: [Double], label: Int, index: Int, witness: [Double]?, start: Date, deadline: Date
  ) -> CertifiedRadius {
    let first = relaxation.certified(input, label: label, index: index, witness: witness)
    if first.status != .bounded || effective.neurons > Self.largestWidth { return first }
    var upper = VerifiedWitness(original, input: input, label: label, norm: .linf, box: box)
    upper.offer(first.perturbation)
    let units = ProblemUnit(effective, input: input, label: label)
    let reach = upper.length.isFinite ? upper.length : budget.maximumRadius ?? units.reach
    let (unit, problems) = units.problems(radius: reach)
    guard problems.allSatisfy(\.isFinite) else { return first }
    var certified = Double.infinity
    var nodes = 0
    var certificates: [BranchCertificate] = []
    for (position, plain) in problems.enumerated() {
      // What one class leaves of its share of the seconds is the others'.
      let share = deadline.timeIntervalSinceNow / Double(problems.count - position)
      let outcome = search(
        MaximumNormProblem(plain, basis: effective.inputBasis), opponent: units.opponents[position],
        unit: unit, reach: reach, upper: &upper, deadline: Date().addingTimeInterval(share))
      nodes += outcome.nodes
      certified = min(
        certified,
        effective.radius(fromReduced: outcome.proved * plain.scale, length: plain.length))
      certificates.append(outcome.certificate)
    }
    return CertifiedRadius(
      index: index, label: label, proved: max(certified, first.proved), upper: upper,
      gap: budget.gap, nodes: nodes, start: start,
      certificates: certified >= first.proved ? certificates : first.certificates)
  }

  /// The largest radius that boxes of its own ball prove.
  ///
  /// A smaller ball has narrower boxes, and in linf the worst perturbation drives many pre-activations to
  /// their ends at once: relaxations of its own ball are nearly exact there, those of a larger ball are
  /// not. So the radius is bisected, and each ball searched until its radius is proved.
  private func search(
    _ problem: MaximumNormProblem, opponent: Int, unit: Double?, reach: Double,
    upper: inout VerifiedWitness, deadline: Date
  ) -> (certificate: BranchCertificate, proved: Double, nodes: Int) {
    let scale = problem.plain.scale
    var best: (certificate: BranchCertificate, proved: Double)?
    var nodes = 0
    let trials = 8
    // What so few boxes do not close, the complete search does sooner.
    let few = min(budget.nodes, 400)
    let share = SearchBudget(
      gap: 1e-5, nodes: max(1, (complete == nil ? budget.nodes : few) / trials),
      seconds: budget.seconds)
    // The first ball is as large as the goal, the next ones between what is proved and what was not.
    var high = min(reach, upper.length) / scale
    var radius = high * (1 - 0.9 * budget.gap)
    for _ in 0..<trials {
      let witness = upper.length.isFinite ? upper.perturbation.map { $0 / scale } : nil
      var search = BranchAndBound(
        MaximumNormRelaxation(problem, radius: radius, witness: witness, deadline: deadline),
        opponent: opponent, unit: unit, radius: radius, budget: share, deadline: deadline,
        check: { MaximumNormKernel.certifiedRadius($0, of: problem) })
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
