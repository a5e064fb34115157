import Foundation
import LinearCore
import Networks

/// Certifies l2 radii: for every sample a proved lower bound of the distance to the decision boundary,
/// beside an upper bound with a witness.
public struct RadiusCertifier<Scalar: LinearScalar>: SampleCertifier {
  /// The network that is certified.
  public let network: PReLUNetwork<Scalar>
  /// The network that certificates speak about.
  package let effective: EffectiveNetwork
  /// When the search for one sample ends.
  public let budget: SearchBudget
  /// The network in double precision, which witnesses are evaluated by.
  private let original: PReLUNetwork<Double>
  /// What searches again where the first search falls short; nil for networks that are too large for it.
  private let complete: CompletePass?
  /// Of valid inputs; nil where all are.
  private let box: InputBox<Double>?
  /// The Lipschitz bound of every pair of classes; one entry for one output.
  private let lipschitz: [LipschitzBound]

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
    let original = DenormalNumbers.kept { network.converted(to: Double.self) }
    self.original = original
    let effective = try EffectiveNetwork(original)
    self.effective = effective
    complete = try CompletePass(
      original, effective: effective, budget: budget, norm: .l2, box: self.box)
    let origin = [Double](repeating: 0, count: network.inputDimension)
    let count = max(2, network.outputCount)
    lipschitz = (0..<count).flatMap { label in
      (0..<label).map {
        LipschitzBound(effective.problem(label: label, opponent: $0, input: origin))
      }
    }
  }

  /// Pairs are numbered row by row below the diagonal.
  private func lipschitzBound(_ label: Int, _ opponent: Int) -> LipschitzBound {
    let (high, low) = (max(label, opponent), min(label, opponent))
    return lipschitz[high * (high - 1) / 2 + low]
  }

  /// Certifies one sample in double precision; see ``SampleCertifier``.
  public func certified(
    _ input: [Double], label: Int, index: Int, witness: [Double]?
  ) -> CertifiedRadius {
    let start = Date()
    var upper = VerifiedWitness(original, input: input, label: label, box: box)
    func result(_ proved: Double, nodes: Int = 0, certificates: [BranchCertificate] = [])
      -> CertifiedRadius
    {
      CertifiedRadius(
        index: index, label: label, proved: proved, upper: upper, gap: budget.gap, nodes: nodes,
        start: start, certificates: certificates)
    }
    if upper.isMisclassified { return result(0) }
    if let witness { upper.offer(witness) }

    let end = start.addingTimeInterval(min(budget.seconds, 1e9))
    // The complete search gets what this one leaves.
    let deadline = start.addingTimeInterval(
      min((complete?.firstShare ?? 1) * budget.seconds, 1e9))
    let units = ProblemUnit(effective, input: input, label: label)
    let reach = upper.length.isFinite ? upper.length : budget.maximumRadius ?? units.reach
    var (unit, problems) = units.problems(radius: reach)
    guard problems.allSatisfy(\.isFinite) else { return result(0) }
    // In hundreds of dimensions a start takes long, and proofs need the time.
    let searchEnd = Date().addingTimeInterval(0.1 * min(budget.seconds, 1e9))
    var found: [[Double]?] = []
    var radius = reach / problems[0].scale
    for factor in upper.length.isFinite || budget.maximumRadius != nil ? [1] : [1.0, 16, 256] {
      found = problems.enumerated().map { position, problem in
        // One start is always made; further ones, and other classes, as far as there is time.
        position > 0 && Date() >= searchEnd
          ? nil
          : WitnessSearch(problem, deadline: deadline).run(
            maximum: factor * radius, startsEnd: searchEnd)
      }
      if Date() >= searchEnd || found.contains(where: { $0 != nil }) { break }
    }
    if let nearest = found.compactMap({ $0 }).map({ Norm.l2.length($0) }).min() {
      radius = upper.length.isFinite ? min(radius, nearest) : nearest
    }
    let scale = problems[0].scale
    let better = units.problems(radius: radius * scale)
    if better.unit != unit, better.problems.allSatisfy(\.isFinite) {
      (unit, problems) = better
      let factor = scale / problems[0].scale
      radius *= factor
      found = found.map { $0.map { $0.map { $0 * factor } } }
    }
    // Balls are a little larger than what is known, so that a wrong proof would show.
    let ball = radius * EuclideanSearch.excess
    let quick = zip(units.opponents, problems).map {
      lipschitzBound(label, $0).radius($1, maximum: ball)
    }
    var first = budget
    if let complete {
      first.nodes = min(
        budget.nodes,
        complete.firstNodes(isKnown: upper.length.isFinite || found.contains { $0 != nil }))
    }
    var nodes = 0
    var proofs = [CompletePass.Proof?](repeating: nil, count: problems.count)
    var certified = Double.infinity
    // Nearest classes first. What one leaves of its share of the seconds is the others'.
    let order = problems.indices.sorted { (quick[$0], $0) < (quick[$1], $1) }
    for (place, position) in order.enumerated() {
      let share = deadline.timeIntervalSinceNow / Double(problems.count - place)
      let search = EuclideanSearch(
        problems[position], opponent: units.opponents[position], unit: unit, budget: first,
        deadline: Date().addingTimeInterval(share))
      // Far classes need no search.
      let isFar = quick[position] >= min(ball, certified)
      let outcome =
        isFar
        ? search.proving(nothingIn: ball) : search.run(radius: radius, witness: found[position])
      nodes += outcome.nodes
      if let d = outcome.witness {
        upper.offer(effective.lift(d).map { $0 * problems[position].scale })
      }
      guard let certificate = outcome.certificate else { return result(0, nodes: nodes) }
      let proved = max(outcome.proved, quick[position])
      certified = min(certified, proved)
      proofs[position] = CompletePass.Proof(
        radius: effective.radius(fromReduced: proved * problems[0].scale, length: units.length),
        certificate: certificate)
    }
    var proved = proofs.map { $0! }
    nodes +=
      complete?.improve(&proved, &upper, input: input, label: label, reach: reach, end: end) ?? 0
    return CertifiedRadius(
      index: index, label: label, proved: proved.map(\.radius).min()!, upper: upper,
      reach: reach, gap: budget.gap, nodes: nodes, start: start,
      certificates: proved.map(\.certificate))
  }
}

extension CertifiedRadius {
  /// What two bounds of a radius say together.
  ///
  /// - Parameters:
  ///   - proved: a lower bound.
  ///   - upper: the smallest perturbation known.
  ///   - reach: how far the search looked where none is known.
  ///   - gap: the relative gap at which a radius is exact.
  ///   - start: when work on the sample began.
  init(
    index: Int, label: Int, proved: Double, upper: VerifiedWitness, reach: Double = .infinity,
    gap: Double, nodes: Int, start: Date, certificates: [BranchCertificate]
  ) {
    let isContradictory = !upper.isMisclassified && Self.contradicts(proved, upper.length)
    let lower = isContradictory ? 0 : min(proved, upper.length)
    let isExact = upper.length.isFinite && upper.length - lower <= gap * upper.length
    let isUnreachable = upper.length == .infinity && lower >= reach * (1 - gap)
    self.init(
      index: index, label: label, lower: lower, proved: proved, upper: upper.length,
      status: upper.isMisclassified
        ? .misclassified
        : isContradictory
          ? .contradictory : isExact ? .exact : isUnreachable ? .unreachable : .bounded,
      nodes: nodes, seconds: Date().timeIntervalSince(start), perturbation: upper.perturbation,
      certificates: certificates)
  }

  /// Whether a proof exceeds a perturbation, rounding aside.
  private static func contradicts(_ proved: Double, _ upper: Double) -> Bool {
    !(proved <= upper * (1 + 1e-9))
  }
}
