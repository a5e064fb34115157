import LinearCore

/// The difference of logits ratio of Croce and Hein, *Reliable evaluation of adversarial robustness with
/// an ensemble of diverse parameter-free attacks*, ICML 2020: with logits z, label y and z_(1) >= z_(2)
/// >= ... the sorted logits
///
///     (max over c != y of z_c - z_y) / (z_(1) - z_(3)).
///
/// It stays the same when all logits are multiplied by a positive number or a number is added to all of
/// them. The published constant 1e-12 in the denominator, which breaks that for tiny logits, is left out.
package struct DLRAttackLoss: AttackLoss {
  package var name: String { "dlr" }
  package var minimumClassCount: Int { 3 }

  package init() {}

  /// The ratio and the direction of its gradient.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func evaluate<Scalar: LinearScalar>(_ batch: LogitBatch<Scalar>) {
    precondition(batch.outputs >= minimumClassCount, "DLR sorts three logits")
    for i in 0..<batch.count {
      let logits = batch.logits + i * batch.outputs
      let label = batch.labels[i]
      let other = strongestOther(logits, batch.outputs, label)
      let order = largestFour(logits, batch.outputs)
      batch.values[i] = replaceByRatioGradient(
        logits, batch.outputs, label: label, target: other, largest: order.0,
        less: (order.2, order.2))
    }
  }
}

/// The targeted difference of logits ratio of the same paper, for a target class t:
///
///     (z_t - z_y) / (z_(1) - (z_(3) + z_(4)) / 2).
package struct TargetedDLRAttackLoss: AttackLoss {
  package var name: String { "dlr-targeted" }
  package var minimumClassCount: Int { 4 }
  /// Which class is aimed at.
  package var targetRank: Int?

  /// The loss that aims at the class of the given rank.
  package init(targetRank: Int) {
    precondition(targetRank >= 1, "ranks start at 1")
    self.targetRank = targetRank
  }

  /// The ratio and the direction of its gradient.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func evaluate<Scalar: LinearScalar>(_ batch: LogitBatch<Scalar>) {
    precondition(batch.outputs >= minimumClassCount, "targeted DLR sorts four logits")
    for i in 0..<batch.count {
      let logits = batch.logits + i * batch.outputs
      let order = largestFour(logits, batch.outputs)
      batch.values[i] = replaceByRatioGradient(
        logits, batch.outputs, label: batch.labels[i], target: batch.targets[i],
        largest: order.0, less: (order.2, order.3))
    }
  }
}

/// The ratio r = n / d with n = z_target - z_label and d = z_largest - mean of the two `less`; the logits
/// are replaced by a positive multiple of its gradient.
///
/// The gradient is (dn - r dd) / d. Without the divisor, and divided by |r| where that is above 1, its
/// entries are 3 in size at most. Where the denominator is 0, r is infinite or, for n = 0, 0, and the
/// direction is that of n.
@inline(__always)
private func replaceByRatioGradient<Scalar: LinearScalar>(
  _ logits: UnsafeMutablePointer<Scalar>, _ outputs: Int, label: Int, target: Int, largest: Int,
  less: (Int, Int)
) -> Scalar {
  let numerator = logits[target] - logits[label]
  // Differences first: half of a sum may round what the logits have in common.
  let denominator =
    (logits[largest] - logits[less.0]) / 2 + (logits[largest] - logits[less.1]) / 2
  for c in 0..<outputs { logits[c] = 0 }
  let ratio = numerator / denominator
  if !ratio.isFinite {
    logits[target] = 1
    logits[label] = -1
    return numerator > 0 ? .infinity : numerator < 0 ? -.infinity : 0
  }
  let scale = 1 / Swift.max(1, ratio.magnitude)
  let share = ratio * scale
  logits[target] += scale
  logits[label] -= scale
  logits[largest] -= share
  logits[less.0] += share / 2
  logits[less.1] += share / 2
  return ratio
}

/// The classes of the four largest logits, largest first (of equal ones the first first); with fewer
/// classes the last repeats.
@inline(__always)
private func largestFour<Scalar: LinearScalar>(_ logits: UnsafePointer<Scalar>, _ outputs: Int)
  -> (Int, Int, Int, Int)
{
  func next(_ a: Int, _ b: Int, _ c: Int) -> Int {
    var best = -1
    for k in 0..<outputs where k != a && k != b && k != c {
      if best < 0 || logits[k] > logits[best] { best = k }
    }
    return best < 0 ? c : best
  }
  let first = next(-1, -1, -1)
  let second = next(first, first, first)
  let third = next(first, second, second)
  return (first, second, third, next(first, second, third))
}
