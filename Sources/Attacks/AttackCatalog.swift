/// The attacks by name.
public enum AttackCatalog {
  /// Every name with one line on what it is.
  public static let entries: [(name: String, summary: String)] = [
    ("standard", "structural, then pgd: the per-sample worst case of both"),
    ("quick", "structural with less effort"),
    ("structural", "lines towards other classes, refined on the decision boundary (minimum norm)"),
    ("pgd", "projected gradient descent on the margin, 100 steps, 2 restarts (fixed radii)"),
    ("apgd-ce", "Auto-PGD on cross-entropy, 100 steps, 1 restart (fixed radii)"),
    ("ddn", "decoupled direction and norm, 100 steps, refined (minimum norm, l2)"),
    ("fmn", "fast minimum norm, 100 steps, refined (minimum norm)"),
    ("apgd-margin", "Auto-PGD on the margin, 100 steps, 1 restart (fixed radii)"),
  ]

  /// The attacks that a name stands for.
  ///
  /// - Parameters:
  ///   - steps, restarts: for a gradient attack that runs alone; nil takes its own default.
  public static func attacks(named name: String, steps: Int? = nil, restarts: Int? = nil)
    throws(AttackError) -> [any Attack]
  {
    let onBalls = ["pgd", "apgd-ce", "apgd-margin"]
    for (flag, value, names) in [
      ("steps", steps, onBalls + ["ddn", "fmn"]), ("restarts", restarts, onBalls),
    ] {
      guard let value else { continue }
      if value < 1 { throw AttackError("--\(flag) is \(value), expected at least 1") }
      if !names.contains(name) {
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
    case "ddn":
      return [DecoupledDirectionNorm(steps: steps ?? 100)]
    case "fmn":
      return [FastMinimumNorm(steps: steps ?? 100)]
    default:
      throw AttackError(
        "--attack is '\(name)', expected one of "
          + entries.map(\.name).joined(separator: ", "))
    }
  }
}
