/// What is known about the distance of one sample to the decision boundary.
public struct CertifiedRadius: Sendable, Equatable {
  /// How a sample ended.
  public enum Status: String, Sendable, Codable {
    /// The gap between lower and upper is within the tolerance.
    case exact
    /// No perturbation up to the size of the lower bound changes the class, and the search looked no farther.
    case unreachable
    /// A bound, with a larger gap.
    case bounded
    /// Wrong without any perturbation; both bounds are 0.
    case misclassified
    /// More was proved than a perturbation that was found allows: one of the two is wrong, and nothing
    /// may be believed. See ``CertifiedRadius/isContradictory``.
    case contradictory
  }

  /// The row of the data.
  public let index: Int
  /// The class of the sample in the data.
  public let label: Int
  /// No perturbation smaller than this changes the class: proved, and no more than ``upper``. 0 where both
  /// contradict each other.
  public let lower: Double
  /// What was proved before it was cut at ``upper``; see ``isContradictory``.
  public let proved: Double
  /// A perturbation of this size does; infinite where none was found.
  public let upper: Double
  /// How the bounds relate.
  public let status: Status
  /// Boxes looked at, for all opponents together; 1 for a linear relaxation.
  public let nodes: Int
  /// Seconds from the start of the sample to its end.
  public let seconds: Double
  /// The perturbation of size `upper`, `inputDimension` numbers; empty where there is none.
  public let perturbation: [Double]
  /// Whether more was proved than a perturbation allows, rounding aside: then the program is wrong.
  public var isContradictory: Bool { status == .contradictory }
  /// The proof: one certificate an opponent. Empty for misclassified samples.
  package let certificates: [BranchCertificate]

  /// (upper - lower) / upper; 0 for misclassified samples and where nothing was reached, 1 where no perturbation is
  /// known otherwise.
  public var gap: Double {
    status == .misclassified || status == .unreachable
      ? 0 : upper.isFinite ? (upper - lower) / upper : 1
  }
}

extension CertifiedRadius {
  /// A result as an earlier process has stored it. Whoever makes one answers for it: see ``CertificateChecker``
  /// for the bound and the network for the perturbation.
  package init(
    storedIndex index: Int, label: Int, lower: Double, proved: Double, upper: Double,
    status: Status, nodes: Int,
    seconds: Double, perturbation: [Double], certificates: [BranchCertificate]
  ) {
    self.index = index
    self.label = label
    self.lower = lower
    self.proved = proved
    self.upper = upper
    self.status = status
    self.nodes = nodes
    self.seconds = seconds
    self.perturbation = perturbation
    self.certificates = certificates
  }
}
