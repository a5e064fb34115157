import Foundation
import LinearCore
import Networks

/// What is known about the distance of one sample to the decision boundary.
public struct CertifiedRadius: Sendable, Equatable {
  /// How a sample ended.
  public enum Status: String, Sendable, Codable {
    /// The gap between lower and upper is within the tolerance.
    case exact
    /// A bound, with a larger gap.
    case bounded
    /// Wrong without any perturbation; both bounds are 0.
    case misclassified
  }

  /// The row of the data.
  public let index: Int
  /// Its class.
  public let label: Int
  /// No perturbation smaller than this changes the class: proved, and no more than ``upper``.
  public let lower: Double
  /// What was proved before it was cut at ``upper``; see ``isContradictory``.
  public let proved: Double
  /// A perturbation of this size does; infinite where none was found.
  public let upper: Double
  /// How it ended.
  public let status: Status
  /// Boxes looked at.
  public let nodes: Int
  /// Seconds spent.
  public let seconds: Double
  /// The perturbation of size `upper`, `inputDimension` numbers; empty where there is none.
  public let perturbation: [Double]
  /// Whether more was proved than a perturbation allows, rounding aside: then the program is wrong.
  public var isContradictory: Bool { proved > upper * (1 + 1e-9) }
  /// The proof: one certificate an opponent. Empty for misclassified samples.
  public let certificates: [BranchCertificate]

  /// (upper - lower) / upper; 0 for misclassified samples, 1 where there is no upper bound.
  public var gap: Double {
    status == .misclassified ? 0 : upper.isFinite ? (upper - lower) / upper : 1
  }
}

/// Certifies l2 radii: for every sample a proved lower bound of the distance to the decision boundary,
/// beside an upper bound with a witness.
public struct RadiusCertifier<Scalar: LinearScalar>: SampleCertifier {
  /// The network that is certified.
  public let network: PReLUNetwork<Scalar>
  /// The network that certificates speak about.
  public let effective: EffectiveNetwork
  /// When to stop.
  public let budget: SearchBudget
  /// The Lipschitz bound of every pair of classes; one entry for one output.
  private let lipschitz: [LipschitzBound]

  /// A certifier for a network.
  /// - Throws: ``NetworkError`` where all hidden weights are 0.
  public init(_ network: PReLUNetwork<Scalar>, budget: SearchBudget = SearchBudget())
    throws(NetworkError)
  {
    self.network = network
    self.budget = budget
    let effective = try EffectiveNetwork(network)
    self.effective = effective
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

  /// Certifies one sample.
  public func certify(
    _ input: [Scalar], label: Int, index: Int = 0, witness: [Scalar]? = nil
  ) -> CertifiedRadius {
    let start = Date()
    let input = input.map { Double($0) }
    var upper = VerifiedWitness(network, input: input, label: label)
    func result(_ proved: Double, nodes: Int = 0, certificates: [BranchCertificate] = [])
      -> CertifiedRadius
    {
      let lower = min(proved, upper.length)
      let status: CertifiedRadius.Status =
        upper.isMisclassified
        ? .misclassified
        : upper.length.isFinite && upper.length - lower <= budget.gap * upper.length
          ? .exact : .bounded
      return CertifiedRadius(
        index: index, label: label, lower: lower, proved: proved, upper: upper.length,
        status: status,
        nodes: nodes, seconds: Date().timeIntervalSince(start), perturbation: upper.perturbation,
        certificates: certificates)
    }
    if upper.isMisclassified { return result(0) }
    if let witness { upper.offer(witness.map { Double($0) }) }

    let opponents =
      network.outputCount == 1 ? [1 - label] : (0..<network.outputCount).filter { $0 != label }
    let problems = opponents.map { effective.problem(label: label, opponent: $0, input: input) }
    let scale = problems[0].scale
    let reach = upper.length.isFinite ? upper.length / scale : 2
    // In hundreds of dimensions a start takes long, and proofs need the time.
    let searchEnd = Date().addingTimeInterval(0.1 * min(budget.seconds, 1e9))
    let found = problems.map { WitnessSearch($0).run(maximum: reach, deadline: searchEnd) }
    let radius = found.reduce(reach) { min($0, $1.map { Norm.l2.length($0) } ?? .infinity) }
    let deadline = start.addingTimeInterval(min(budget.seconds, 1e9))
    let bounds = zip(opponents, problems).map {
      lipschitzBound(label, $0).radius($1, maximum: radius)
    }
    var certified = Double.infinity
    var nodes = 0
    var certificates: [BranchCertificate] = []
    for (position, problem) in problems.enumerated() {
      // What one class leaves of its share of the seconds is the others'.
      let share = deadline.timeIntervalSinceNow / Double(problems.count - position)
      let outcome = EuclideanSearch(
        problem, opponent: opponents[position], budget: budget,
        deadline: Date().addingTimeInterval(share)
      ).run(radius: radius, witness: found[position])
      nodes += outcome.nodes
      if let d = outcome.witness { upper.offer(effective.lift(d).map { $0 * scale }) }
      certified = min(certified, max(outcome.proved, bounds[position]))
      certificates.append(outcome.certificate)
    }
    let proved = effective.radius(fromReduced: certified * scale, length: scale)
    return result(proved, nodes: nodes, certificates: certificates)
  }
}
