import Certification
import Datasets
import LinearCore
import Networks
import Runs
import Studies

/// l2 radii of a network from both sides: what is proved beside what an attack or the search for a proof has found.
struct CertifiedValues: Codable, Sendable, Equatable {
  /// The median over the attacked samples of the radius that is proved; 0 for misclassified samples.
  var medianLower: Double
  /// The median of the smallest adversarial perturbation found.
  var medianUpper: Double
  /// The largest (upper - lower) / upper.
  var largestGap: Double
  /// The share of the samples classified correctly whose gap is within the tolerance.
  var exactShare: Double
  /// The share of all samples that are proved to withstand more than a radius that is given.
  var shareBeyond: Double
  var accuracy: Double

  static let medianLower = Metric(\Self.medianLower, "medianLower", heading: "proved", digits: 4)
  static let medianUpper = Metric(\Self.medianUpper, "medianUpper", heading: "attacked", digits: 4)
  static let largestGap = Metric(\Self.largestGap, "largestGap", heading: "largest gap", digits: 4)
  static let exactShare = Metric(\Self.exactShare, "exactShare", heading: "exact")
  static let shareBeyond = Metric(\Self.shareBeyond, "shareBeyond", heading: "proved above 1/√K")
  static let accuracy = Metric(\Self.accuracy, "accuracy")
}

/// How radii are bounded from both sides.
struct CertifiedStudy: Codable, Sendable, Equatable {
  /// A name of the attack catalogue; its perturbations are upper bounds.
  var attack = "standard"
  /// The relative gap at which a radius counts as known.
  var gap = 1e-3
  /// Boxes looked at for one sample; there is no limit of time, so that every machine finds the same.
  var nodes: Int

  /// Attacks and certifies.
  /// - Parameter radius: that of ``CertifiedValues/shareBeyond``.
  func measure(
    _ network: PReLUNetwork<Float>, train: Dataset, attacked: Dataset, seed: UInt64,
    beyond radius: Double
  ) throws(ExperimentError) -> Measured<CertifiedValues> {
    let result = try CertificationStudy(
      budget: SearchBudget(gap: gap, nodes: nodes), attack: attack, seed: seed
    ).run(network, data: attacked, reference: train)
    let samples = result.samples
    let correct = samples.filter { $0.status != .misclassified }
    let lower = samples.map(\.lower)
    let exact = Double(correct.count { $0.status == .exact }) / Double(max(1, correct.count))
    return Measured(
      CertifiedValues(
        medianLower: median(lower) ?? .nan, medianUpper: median(samples.map(\.upper)) ?? .nan,
        largestGap: correct.map(\.gap).max() ?? .nan, exactShare: correct.isEmpty ? .nan : exact,
        shareBeyond: accuracy(ofRadii: lower, beyond: radius),
        accuracy: Double(correct.count) / Double(samples.count)),
      flags: result.contradictions())
  }
}
