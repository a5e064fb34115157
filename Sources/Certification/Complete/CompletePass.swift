import Foundation
import LinearCore
import Networks

/// The complete search as a second pass over one sample: for the classes whose first proof falls short of the smallest
/// perturbation known.
struct CompletePass {
  /// What is known of the label against one other class.
  struct Proof {
    /// In the units of the data.
    var radius: Double
    var certificate: BranchCertificate
  }

  /// What is searched.
  enum Subject: Sendable {
    /// The network as it is: few neurons and few coordinates.
    case whole
    /// Its reduction, in l2: few neurons and few directions.
    case reduced
    /// The few neurons of its reduction as functions of all coordinates of the input.
    case lifted
  }

  private let whole: WholeNetwork?
  private let effective: EffectiveNetwork
  private let budget: SearchBudget
  private let norm: Norm
  private let subject: Subject
  /// Of valid inputs; nil where all are.
  private let box: InputBox<Double>?

  /// Nil for networks of too many dimensions or neurons, as they are and reduced.
  ///
  /// - Throws: ``NetworkError`` where all hidden weights are 0.
  init?(
    _ network: PReLUNetwork<Double>, effective: EffectiveNetwork, budget: SearchBudget, norm: Norm,
    box: InputBox<Double>? = nil
  ) throws(NetworkError) {
    if Self.isSmall(network.inputDimension, network.hiddenWidth) {
      subject = .whole
    } else if norm == .l2 && box == nil && Self.isSmall(effective.rank, effective.neurons) {
      subject = .reduced
    } else if norm != .l2 || box != nil, effective.neurons <= CompleteSearch.mostNeurons,
      network.inputDimension <= Self.mostCoordinates
    {
      subject = .lifted
    } else {
      return nil
    }
    whole = subject == .whole ? try WholeNetwork(network) : nil
    self.box = box
    self.effective = effective
    self.budget = budget
    self.norm = norm
  }

  /// The first pass's share of the seconds.
  var firstShare: Double {
    switch subject {
    case .whole: 0.4
    case .reduced: 0.9
    case .lifted: 0.3
    }
  }

  /// Coordinates of the largest inputs that are searched in all of them.
  private static var mostCoordinates: Int { 4096 }

  private static func isSmall(_ dimensions: Int, _ neurons: Int) -> Bool {
    dimensions <= CompleteSearch.mostDimensions && neurons <= CompleteSearch.mostNeurons
  }

  /// Boxes for the first pass: what it does not close soon is closed here.
  ///
  /// - Parameter isKnown: whether there is a perturbation that changes the class.
  func firstNodes(isKnown: Bool) -> Int { !isKnown ? 64 : subject == .reduced ? .max : 2000 }

  /// Boxes of this pass for one class. Open ones hold two walls and a point in all coordinates of the input: no more of
  /// them than 400 MB have room for.
  private var nodeLimit: Int {
    let room = 400_000_000 / (24 * (effective.inputDimension + effective.neurons))
    return switch subject {
    case .whole: budget.nodes
    case .reduced: min(budget.nodes, 2000)
    case .lifted: min(budget.nodes, 16_000, room)
    }
  }

  /// A result in the norm of the pass, improved where it is one that falls short.
  ///
  /// - Parameter reach: how far to look where no perturbation is known, in the units of the data.
  func improved(
    _ result: CertifiedRadius, _ upper: VerifiedWitness, input: [Double], reach: Double, start: Date
  )
    -> CertifiedRadius
  {
    guard result.status == .bounded, !result.certificates.isEmpty else { return result }
    var upper = upper
    upper.offer(result.perturbation)
    var proofs = result.certificates.map { Proof(radius: result.proved, certificate: $0) }
    let nodes = improve(
      &proofs, &upper, input: input, label: result.label, reach: reach,
      end: start.addingTimeInterval(min(budget.seconds, 1e9)))
    return CertifiedRadius(
      index: result.index, label: result.label, proved: proofs.map(\.radius).min()!, upper: upper,
      reach: reach, gap: budget.gap, nodes: result.nodes + nodes, start: start,
      certificates: proofs.map(\.certificate))
  }

  /// Searches again where a proof falls short.
  ///
  /// - Parameters:
  ///   - proofs: one an opponent, in the order of ``ProblemUnit/opponents``.
  ///   - reach: how far to look where no perturbation is known, in the units of the data.
  /// - Returns: the boxes looked at.
  func improve(
    _ proofs: inout [Proof], _ upper: inout VerifiedWitness, input: [Double], label: Int,
    reach: Double, end: Date
  ) -> Int {
    let network = whole?.effective ?? effective
    let isReduced = subject == .reduced
    let units = ProblemUnit(network, input: input, label: label)
    // At the center alone ties may decide, which no ray meets.
    upper.offer(zip(effective.center ?? input.map { _ in 0 }, input).map { $0 - $1 })
    var nodes = 0
    let order = proofs.indices.sorted { (proofs[$0].radius, $0) < (proofs[$1].radius, $1) }
    for (place, position) in order.enumerated() {
      let goal = min(reach, upper.length) * (1 - budget.gap)
      if proofs[position].radius >= goal { continue }
      let size = min(reach, upper.length)
      let unit = units.unit(for: size)
      let opponent = units.opponents[position]
      let problem = problem(label: label, opponent: opponent, input: input, unit: unit)
      guard problem.isFinite else { continue }
      let share = end.timeIntervalSinceNow / Double(proofs.count - place)
      let known = upper.perturbation.isEmpty ? nil : inside(upper.perturbation, problem.scale)
      var search = CompleteSearch(
        problem, norm: norm, subject,
        range: box.map { PerturbationRange($0, input: input, unit: problem.scale) },
        opponent: opponent, unit: unit, reach: size / problem.scale, witness: known,
        gap: budget.gap, nodes: nodeLimit,
        deadline: Date().addingTimeInterval(share))
      let outcome = search.run()
      nodes += outcome.nodes
      if let d = outcome.witness {
        upper.offer((isReduced ? effective.lift(d) : d).map { $0 * problem.scale })
      }
      let radius = network.radius(
        fromReduced: outcome.proved * problem.scale, length: problem.length)
      if radius > proofs[position].radius {
        proofs[position] = Proof(radius: radius, certificate: outcome.certificate)
      }
    }
    return nodes
  }

  private func problem(label: Int, opponent: Int, input: [Double], unit: Double?)
    -> DecisionProblem
  {
    switch subject {
    case .whole: whole!.problem(label: label, opponent: opponent, input: input, unit: unit)
    case .reduced: effective.problem(label: label, opponent: opponent, input: input, unit: unit)
    case .lifted:
      effective.liftedProblem(label: label, opponent: opponent, input: input, unit: unit)
    }
  }

  /// A perturbation in the coordinates and the unit of the problem.
  private func inside(_ perturbation: [Double], _ scale: Double) -> [Double] {
    let reduced =
      subject == .reduced
      ? effective.inputBasis?.times(perturbation) ?? perturbation : perturbation
    return reduced.map { $0 / scale }
  }
}
