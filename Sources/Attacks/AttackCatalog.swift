/// The attacks by name.
public enum AttackCatalog {
  /// Every name with one line on what it is.
  public static let entries: [(name: String, summary: String)] = [
    ("standard", "structural, then pgd: the per-sample worst case of both"),
    ("quick", "structural with less effort"),
    ("structural", "lines towards other classes, refined on the decision boundary (minimum norm)"),
    ("pgd", "projected gradient descent on the margin, 100 steps, 2 restarts (fixed radii)"),
  ]

  /// The attacks that a name stands for.
  public static func attacks(named name: String) throws(AttackError) -> [any Attack] {
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
      return [ProjectedGradientDescent()]
    default:
      throw AttackError(
        "--attack is '\(name)', expected one of "
          + entries.map(\.name).joined(separator: ", "))
    }
  }
}
