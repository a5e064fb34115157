import LinearCore

/// The logit of one other class less the label's; with one output, which leaves one other class, -y f.
///
/// What a targeted attack makes large where the classes are too few for ``TargetedDLRAttackLoss``.
package struct TargetedMarginAttackLoss: AttackLoss {
  package var name: String { "margin-targeted" }
  /// Which class is aimed at.
  package var targetRank: Int?

  /// The loss that aims at the class of the given rank.
  package init(targetRank: Int) {
    precondition(targetRank >= 1, "ranks start at 1")
    self.targetRank = targetRank
  }

  /// The difference and its gradient.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func evaluate<Scalar: LinearScalar>(_ batch: LogitBatch<Scalar>) {
    if batch.outputs == 1 { return evaluateSingleOutput(batch) }
    for i in 0..<batch.count {
      let logits = batch.logits + i * batch.outputs
      let (label, target) = (batch.labels[i], batch.targets[i])
      batch.values[i] = logits[target] - logits[label]
      for c in 0..<batch.outputs { logits[c] = 0 }
      logits[label] = -1
      logits[target] = 1
    }
  }
}
