import LinearCore

/// A loss that grows as the target comes to lead over all other classes: minus another loss, with the target
/// in the place of the label.
///
/// Of cross-entropy it makes the logarithm of the target's odds, of the margin the target's lead over the
/// strongest other class, of the difference of logits ratio that lead in units of the same ratio. A loss
/// that leads from the label to one class knows nothing of the others that stand in the way: it is replaced
/// by the difference of logits ratio, for two classes by the margin.
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
    } else if batch.outputs >= 3 {
      DLRAttackLoss().evaluate(aimed)
    } else {
      MarginAttackLoss().evaluate(aimed)
    }
    for i in 0..<batch.count { batch.values[i] = -batch.values[i] }
    for k in 0..<batch.count * batch.outputs { batch.logits[k] = -batch.logits[k] }
  }
}
