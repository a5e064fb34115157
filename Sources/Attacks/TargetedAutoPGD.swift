import LinearCore
import Networks

/// Targeted Auto-PGD, the second attack of AutoAttack: Croce and Hein, *Reliable evaluation of
/// adversarial robustness with an ensemble of diverse parameter-free attacks*, ICML 2020.
///
/// ``AutoPGD`` on the targeted difference of logits ratio, once for each of the classes with the largest
/// logits after the label's; each target only on samples that no target before has fooled. That loss needs
/// four classes: with fewer the attack uses ``TargetedMarginAttackLoss``.
///
/// - Warning: Like all gradient attacks it overestimates robustness for p >= 3 on clustered data; see
///   ``AutoPGD``.
public struct TargetedAutoPGD: Attack {
  /// "apgd-t".
  public var name: String { "apgd-t" }
  /// No: it searches the ball it is given.
  public var isMinimumNorm: Bool { false }

  /// Gradient steps of each run.
  public var steps: Int
  /// Runs for each target.
  public var restarts: Int
  /// At most this many classes are aimed at.
  public var targets: Int
  /// As ``AutoPGD/skipsCoordinatesOnBounds``.
  public var skipsCoordinatesOnBounds = false

  /// An attack with the paper's effort unless said otherwise.
  public init(steps: Int = 100, restarts: Int = 1, targets: Int = 9) {
    precondition(steps >= 1 && restarts >= 1 && targets >= 1, "an attack takes at least one step")
    self.steps = steps
    self.restarts = restarts
    self.targets = targets
  }

  /// A perturbation of each sample that fools it, or else the one of largest loss for the first target.
  @specialized(where C == PReLUNetwork<Float>)
  public func perturbations<C: Classifier>(
    _ problem: AttackProblem<C>, radii: [C.Scalar], stream: RandomStream
  ) -> Matrix<C.Scalar> {
    let classCount = problem.classifier.classCount
    var result = Matrix<C.Scalar>(rows: problem.count, columns: problem.inputs.columns)
    var open = Array(0..<problem.count)
    for rank in 1...min(targets, classCount - 1) where !open.isEmpty {
      let loss: any AttackLoss =
        classCount >= 4
        ? TargetedDLRAttackLoss(targetRank: rank) : TargetedMarginAttackLoss(targetRank: rank)
      var attack = AutoPGD(loss: loss, steps: steps, restarts: restarts)
      attack.skipsCoordinatesOnBounds = skipsCoordinatesOnBounds
      let part = open.count == problem.count ? problem : problem.subset(open)
      let found = attack.perturbations(
        part, radii: open.map { radii[$0] }, stream: stream.child("target", rank))
      let fooled = part.isFooled(found)
      for (row, i) in open.enumerated() where fooled[row] || rank == 1 {
        result.copyRow(i, from: found, row: row)
      }
      open = open.indices.filter { !fooled[$0] }.map { open[$0] }
    }
    return result
  }
}
