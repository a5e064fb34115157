import Foundation
import LinearCore
import Networks

/// Checks that ask whether an evaluation was too weak to be believed.
public struct ReliabilityChecks<C: Classifier>: Sendable {
  /// The evaluation to be checked.
  public let evaluation: RobustnessEvaluation<C>

  /// Checks of an evaluation.
  public init(_ evaluation: RobustnessEvaluation<C>) { self.evaluation = evaluation }

  /// At most this many samples are compared with the points around them.
  static var sampleLimit: Int { 200 }
  /// At most this many samples are attacked once more.
  static var structuralLimit: Int { 100 }

  /// The result with the flags that the checks raise.
  @specialized(where C == PReLUNetwork<Float>)
  public func check(
    _ result: RobustnessResult<C.Scalar>, _ classifier: C, inputs: Matrix<C.Scalar>, labels: [Int]
  ) throws(AttackError) -> RobustnessResult<C.Scalar> {
    var checked = result
    checked.flags += distanceFlags(result, classifier, inputs: inputs)
    checked.flags += try structuralFlags(result, classifier, inputs: inputs, labels: labels)
    return checked
  }

  /// The distance to any point classified otherwise is an upper bound of the radius: an attack that
  /// found nothing as close has failed.
  private func distanceFlags(
    _ result: RobustnessResult<C.Scalar>, _ classifier: C, inputs: Matrix<C.Scalar>
  ) -> [String] {
    let others = evaluation.references.samples
    if others.rows == 0 { return [] }
    let classes = classifier.predictions(others)
    let largestEpsilon = evaluation.epsilons.max() ?? .infinity
    var failed = 0
    for sample in result.samples.prefix(Self.sampleLimit) where sample.status != .misclassified {
      var nearest = Double.infinity
      let input = inputs.row(sample.index)
      for s in 0..<others.rows where classes[s] != sample.predicted {
        let difference = zip(input, others.row(s)).map { $0 - $1 }
        nearest = min(nearest, Double(result.norm.length(difference)))
      }
      if sample.radius > nearest * (1 + 1e-5) && nearest <= largestEpsilon { failed += 1 }
    }
    if failed == 0 { return [] }
    return [
      "\(failed) samples have a point of the data that is classified otherwise closer by than "
        + "the smallest perturbation the attack found: the attack is too weak; use --attack standard"
    ]
  }

  /// Without the structural attack in the ensemble, it is run as a check on some samples.
  private func structuralFlags(
    _ result: RobustnessResult<C.Scalar>, _ classifier: C, inputs: Matrix<C.Scalar>, labels: [Int]
  ) throws(AttackError) -> [String] {
    if evaluation.attacks.contains(where: { $0 is StructuralAttack }) { return [] }
    var stronger = evaluation
    stronger.attacks = try AttackCatalog.attacks(named: "quick")
    let rows = Array(0..<min(Self.structuralLimit, labels.count))
    let second = try stronger.run(
      classifier, inputs: inputs.rows(at: rows), labels: rows.map { labels[$0] })
    for epsilon in evaluation.epsilons.sorted() {
      let standing = rows.count { result.samples[$0].radius > epsilon }
      let worstStanding = second.samples.count { $0.radius > epsilon }
      let first = Double(standing) / Double(rows.count)
      let worst = Double(worstStanding) / Double(rows.count)
      // One or two samples may be luck.
      if first > worst + 0.01 && standing - worstStanding >= 3 {
        let (a, b) = (String(format: "%.3f", first), String(format: "%.3f", worst))
        return [
          "at epsilon \(epsilon) the attack leaves \(a) of \(rows.count) samples standing, the "
            + "structural attack \(b): the attack is too weak; use --attack standard"
        ]
      }
    }
    return []
  }
}
