import LinearCore

/// A loss that grows as the target comes to lead over all other classes: minus another loss, with the target
/// in the place of the label.
///
/// Of cross-entropy it makes the logarithm of the target's odds, of the margin the target's lead over the
/// strongest other class, of the difference of logits ratio that lead divided by the ratio's denominator. A
/// loss that leads from the label to one class knows nothing of the others that stand in the way: it is
/// replaced by the margin.
///
/// - Warning: The ratio also grows with its denominator, while the target is behind. On linear classifiers
///   Auto-PGD with it misses half of the targets that it reaches with the margin.
struct AimedAttackLoss: AttackLoss {
  private let base: any AttackLoss

  var name: String { base.name }
  var minimumClassCount: Int { base.minimumClassCount }

  init(_ loss: any AttackLoss) { base = loss }

  /// Minus the other loss and its direction.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func evaluate<Scalar: LinearScalar>(_ batch: LogitBatch<Scalar>) {
    let aimed = LogitBatch(
      count: batch.count, outputs: batch.outputs, logits: batch.logits, labels: batch.targets,
      targets: batch.targets, values: batch.values)
    if base.targetRank == nil {
      base.evaluate(aimed)
    } else {
      MarginAttackLoss().evaluate(aimed)
    }
    for i in 0..<batch.count { batch.values[i] = -batch.values[i] }
    for k in 0..<batch.count * batch.outputs { batch.logits[k] = -batch.logits[k] }
  }
}
