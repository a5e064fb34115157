import LinearCore
import Networks

extension AttackProblem {
  /// For each row of logits, a sample each, how far it is from what the attack wants: the label's lead over
  /// the strongest other class, or the strongest other class's lead over the target.
  func margins<Scalar: LinearScalar>(of logits: Matrix<Scalar>) -> [Scalar] {
    guard let targets else { return classificationMargins(logits, labels: labels) }
    return classificationMargins(logits, labels: targets).map { -$0 }
  }

  /// Which samples are fooled where these classes are predicted, one a sample.
  func fools(_ predicted: [Int]) -> [Bool] {
    if let targets { return zip(predicted, targets).map { $0 == $1 } }
    return zip(predicted, labels).map { $0 != $1 }
  }

  /// For each sample the classes to aim at: its target, or else the other classes, the one with the largest
  /// logit at the unperturbed sample first (of equal ones the first). The latter counts one forward pass.
  func otherClasses() -> [[Int]] {
    if let targets { return targets.map { [$0] } }
    if classifier.outputCount == 1 { return labels.map { [1 - $0] } }
    counts.addForward(sampleNumbers)
    let logits = classifier.logits(inputs)
    return labels.enumerated().map { i, label in
      let row = logits.row(i)
      return row.indices.filter { $0 != label }.sorted { (-row[$0], $0) < (-row[$1], $1) }
    }
  }

  /// How many classes ``otherClasses()`` has for each sample.
  var otherClassCount: Int { targets == nil ? classifier.classCount - 1 : 1 }

  /// For each sample the numbers of the `count` nearest reference samples of a class that the attack may lead
  /// to: any but the label, or the target.
  func nearestOthers(count: Int) -> [[Int]] {
    references.nearest(to: inputs, count: count) { isGoal(references.sampleLabels[$1], of: $0) }
  }

  /// Whether the attack on a sample may end in a class.
  func isGoal(_ candidate: Int, of sample: Int) -> Bool {
    targets.map { candidate == $0[sample] } ?? (candidate != labels[sample])
  }
}
