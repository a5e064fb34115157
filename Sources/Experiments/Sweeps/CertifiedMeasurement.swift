import Alignment
import Certification
import Datasets
import LinearCore
import Networks
import Runs
import Studies

/// What sweeps measure of a trained network from both sides: l2 radii that are proved, beside radii at which
/// an attack or the search for a proof has found a perturbation.
struct CertifiedMeasurement: Codable, Sendable, Equatable {
  /// A name of ``AttackCatalog``, whose perturbations are upper bounds.
  var attack = "standard"
  /// The relative gap at which a radius counts as known.
  var gap = 1e-3
  /// Boxes looked at for one sample; there is no limit of time, so that every machine finds the same.
  var nodes: Int

  /// The median over the attacked samples of the radius that is proved; 0 for misclassified samples.
  static let lower = SweepMetric("medianLower", heading: "proved", digits: 4)
  /// The median of the smallest adversarial perturbation found.
  static let upper = SweepMetric("medianUpper", heading: "attacked", digits: 4)
  /// The largest (upper - lower) / upper.
  static let largestGap = SweepMetric("largestGap", heading: "largest gap", digits: 4)
  /// The share of the samples classified correctly whose gap is within the tolerance.
  static let exactShare = SweepMetric("exactShare", heading: "exact", digits: 3)
  /// The share of all samples that are proved to withstand more than a radius that is given.
  static let shareBeyond = SweepMetric("shareBeyond", heading: "proved above 1/√K", digits: 3)

  /// Attacks and certifies.
  /// - Parameter radius: that of ``shareBeyond``.
  func measure(
    _ network: PReLUNetwork<Float>, train: Dataset, attacked: Dataset, seed: UInt64,
    beyond radius: Double
  ) throws(ExperimentError) -> SweepMeasurement {
    let result = try CertificationStudy(
      budget: SearchBudget(gap: gap, nodes: nodes), attack: attack, seed: seed
    ).run(network, data: attacked, reference: train)
    let samples = result.samples
    let correct = samples.filter { $0.status != .misclassified }
    let lower = samples.map(\.lower)
    let exact = Double(correct.count { $0.status == .exact }) / Double(max(1, correct.count))
    var metrics: [String: Double] = [:]
    metrics[Self.lower.key] = median(lower) ?? .nan
    metrics[Self.upper.key] = median(samples.map(\.upper)) ?? .nan
    metrics[Self.largestGap.key] = correct.map(\.gap).max() ?? .nan
    metrics[Self.exactShare.key] = correct.isEmpty ? .nan : exact
    metrics[Self.shareBeyond.key] = accuracy(ofRadii: lower, beyond: radius)
    metrics[NetworkMeasurement.accuracy.key] = Double(correct.count) / Double(samples.count)
    return SweepMeasurement(metrics: metrics, flags: result.contradictions())
  }
}
