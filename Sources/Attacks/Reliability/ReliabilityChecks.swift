import Foundation
import LinearCore
import Networks

/// Checks that ask whether an evaluation was too weak to be believed.
///
/// After the checklists of Carlini et al., *On Evaluating Adversarial Robustness* (2019), and Pintor et
/// al., *Indicators of Attack Failure* (NeurIPS 2022). Each check looks at some samples only, and
/// objects in words that say what to do. What each asks is said at its function:
/// `ReliabilityChecks+Consistency.swift` whether the classifier is one function at all,
/// `ReliabilityChecks+Gradients.swift` whether it has gradients to follow,
/// `ReliabilityChecks+Strength.swift` whether anything else finds smaller perturbations.
package struct ReliabilityChecks<C: Classifier>: Sendable {
  /// The evaluation to be checked.
  package let evaluation: RobustnessEvaluation<C>

  /// Checks of an evaluation.
  package init(_ evaluation: RobustnessEvaluation<C>) { self.evaluation = evaluation }

  /// At most this many samples are compared with the points around them.
  static var sampleLimit: Int { 200 }
  /// At most this many samples are attacked once more.
  static var attackLimit: Int { 100 }

  /// The samples of a check: those that were attacked, from the start of the data.
  struct Probes {
    let classifier: C
    let inputs: Matrix<C.Scalar>
    let labels: [Int]
    /// The class that each is to be predicted as; nil where any but the label will do.
    let targets: [Int]?
    /// What the evaluation found for each.
    let samples: [SampleRobustness]

    var count: Int { labels.count }

    func prefix(_ count: Int) -> Probes { rows(at: Array(0..<min(count, self.count))) }

    func rows(at rows: [Int]) -> Probes {
      Probes(
        classifier: classifier, inputs: inputs.rows(at: rows), labels: rows.map { labels[$0] },
        targets: targets.map { targets in rows.map { targets[$0] } },
        samples: rows.map { samples[$0] })
    }
  }

  /// The result with the flags that the checks raise.
  @specialized(where C == PReLUNetwork<Float>)
  package func check(
    _ result: RobustnessResult<C.Scalar>, _ classifier: C, inputs: Matrix<C.Scalar>, labels: [Int]
  ) throws(AttackError) -> RobustnessResult<C.Scalar> {
    // What was found in double precision is looked at in double precision.
    if result.usedDoublePrecision, C.Scalar.self == Float.self,
      let double = classifier.inDoublePrecision
    {
      return try check(result, inDouble: double, inputs: inputs, labels: labels)
    }
    var checked = result
    let rows = Array(
      result.counted.filter { $0.status != .misclassified }.prefix(Self.sampleLimit).map(\.index))
    if rows.isEmpty { return checked }
    let probes = Probes(
      classifier: classifier, inputs: inputs.rows(at: rows), labels: rows.map { labels[$0] },
      targets: result.isTargeted ? rows.compactMap { result.samples[$0].target } : nil,
      samples: rows.map { result.samples[$0] })
    checked.flags += consistencyFlags(probes, unconfirmed: result.unconfirmed)
    // Nothing else can be asked of a classifier that changes its mind.
    if !checked.flags.isEmpty { return checked }
    checked.flags += gradientFlags(probes)
    checked.flags += distanceFlags(probes)
    checked.flags += noiseFlags(probes)
    checked.flags += try strengthFlags(probes.prefix(Self.attackLimit))
    return checked
  }

  private func check<D: Classifier<Double>>(
    _ result: RobustnessResult<C.Scalar>, inDouble double: D, inputs: Matrix<C.Scalar>,
    labels: [Int]
  ) throws(AttackError) -> RobustnessResult<C.Scalar> {
    var checked = result
    checked.flags = try ReliabilityChecks<D>(evaluation.inDoublePrecision(of: double)).check(
      RobustnessResult<Double>(result), double, inputs: inputs.converted(), labels: labels
    ).flags
    return checked
  }

  /// Whether a number of samples is more than luck: at least three, and more than 1%.
  static func isMany(_ count: Int, of total: Int) -> Bool {
    count >= 3 && Double(count) > 0.01 * Double(total)
  }
}
