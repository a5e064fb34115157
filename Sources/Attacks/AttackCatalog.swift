/// The attacks by name.
public enum AttackCatalog {
  /// Every name with one line on what it is.
  public static let entries: [(name: String, summary: String)] = [
    ("standard", "structural, then pgd: the per-sample worst case of both"),
    ("quick", "structural with less effort"),
    ("structural", "lines towards other classes, refined on the decision boundary (minimum norm)"),
    ("pgd", "projected gradient descent on the margin, 100 steps, 2 restarts (fixed radii)"),
    ("apgd-ce", "Auto-PGD on cross-entropy, 100 steps, 1 restart (fixed radii)"),
    ("apgd-margin", "Auto-PGD on the margin, 100 steps, 1 restart (fixed radii)"),
    ("apgd-dlr", "Auto-PGD on the difference of logits ratio; 3 classes or more (fixed radii)"),
    ("apgd-t", "targeted Auto-PGD, 9 targets, 100 steps, 1 restart (fixed radii)"),
    ("fab", "fast adaptive boundary attack, 100 steps, 1 restart (minimum norm)"),
    ("fab-t", "the same, aiming at 9 classes one at a time (minimum norm)"),
    ("square", "Square Attack without gradients, 5000 queries, 1 restart (fixed radii)"),
  ]

  /// The attacks that a name stands for.
  ///
  /// - Parameters:
  ///   - steps, restarts: for a gradient attack that runs alone, restarts for Square as well; nil takes
  ///     its own default.
  public static func attacks(named name: String, steps: Int? = nil, restarts: Int? = nil)
    throws(AttackError) -> [any Attack]
  {
    for (flag, value) in [("steps", steps), ("restarts", restarts)] {
      guard let value else { continue }
      if value < 1 { throw AttackError("--\(flag) is \(value), expected at least 1") }
      let gradientAttacks = ["pgd", "apgd-ce", "apgd-margin", "apgd-dlr", "apgd-t", "fab", "fab-t"]
      if !gradientAttacks.contains(name) && (name, flag) != ("square", "restarts") {
        throw AttackError("--\(flag) does not apply to the attack '\(name)'")
      }
    }
    switch name {
    case "standard":
      return [StructuralAttack(), ProjectedGradientDescent()]
    case "quick":
      var attack = StructuralAttack()
      attack.candidates = 1
      attack.steps = 15
      attack.neighbours = 1
      return [attack]
    case "structural":
      return [StructuralAttack()]
    case "pgd":
      return [ProjectedGradientDescent(steps: steps ?? 100, restarts: restarts ?? 2)]
    case "apgd-ce":
      return [AutoPGD(steps: steps ?? 100, restarts: restarts ?? 1)]
    case "apgd-margin":
      return [
        AutoPGD(loss: MarginAttackLoss(), steps: steps ?? 100, restarts: restarts ?? 1)
      ]
    case "apgd-dlr":
      return [AutoPGD(loss: DLRAttackLoss(), steps: steps ?? 100, restarts: restarts ?? 1)]
    case "apgd-t":
      return [TargetedAutoPGD(steps: steps ?? 100, restarts: restarts ?? 1)]
    case "fab", "fab-t":
      return [
        FastAdaptiveBoundary(
          targeted: name == "fab-t", steps: steps ?? 100, restarts: restarts ?? 1)
      ]
    case "square":
      return [SquareAttack(restarts: restarts ?? 1)]
    default:
      throw AttackError(
        "--attack is '\(name)', expected one of "
          + entries.map(\.name).joined(separator: ", "))
    }
  }
}
