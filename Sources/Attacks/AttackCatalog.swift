import LinearCore

/// The attacks by name.
public enum AttackCatalog {
  /// Every name with one line on what it is.
  public static let entries: [(name: String, summary: String)] = [
    ("standard", "the ensemble, see below"),
    ("quick", "structural with less effort, then apgd-ce"),
    ("accuracy", "fixed radii: robust accuracy only, faster than standard, see below"),
    ("structural", "minimum norm: lines towards other classes, then along the boundary"),
    ("ddn", "minimum norm, l2: decoupled direction and norm, 100 steps"),
    ("fmn", "minimum norm: fast minimum norm, 100 steps"),
    ("fab", "minimum norm: fast adaptive boundary, 100 steps, 1 restart"),
    ("fab-t", "minimum norm: fab aimed at up to 9 classes, one at a time"),
    ("pgd", "fixed radii: projected descent on the margin, 100 steps, 2 restarts"),
    ("apgd-ce", "fixed radii: Auto-PGD on cross-entropy, 100 steps, 1 restart"),
    ("apgd-margin", "fixed radii: Auto-PGD on the margin, 100 steps, 1 restart"),
    ("apgd-dlr", "fixed radii: Auto-PGD on the DLR loss; 3 classes or more"),
    ("apgd-t", "fixed radii: targeted Auto-PGD, 9 targets, 100 steps, 1 restart"),
    ("square", "fixed radii: no gradients, 5000 queries, 1 restart"),
  ]

  /// Whose `--steps` and `--restarts` can be chosen.
  private static let withSteps: Set = [
    "ddn", "fmn", "fab", "fab-t", "pgd", "apgd-ce", "apgd-margin", "apgd-dlr", "apgd-t",
  ]
  private static let withRestarts = withSteps.subtracting(["ddn", "fmn"]).union(["square"])

  /// More steps or restarts than these find nothing more.
  public static let largestEffort = 1_000_000

  /// The attacks that a name stands for.
  ///
  /// - Parameters:
  ///   - norm, classCount: what the ensembles are composed for.
  ///   - steps, restarts: for an attack that runs alone; nil takes its own default.
  public static func attacks(
    named name: String, norm: Norm = .l2, classCount: Int = 2, steps: Int? = nil,
    restarts: Int? = nil
  ) throws(AttackError) -> [any Attack] {
    for (flag, value, names) in [
      ("steps", steps, withSteps), ("restarts", restarts, withRestarts),
    ] {
      guard let value else { continue }
      if value < 1 { throw AttackError("\(SettingName(flag)) is \(value), expected at least 1") }
      if value > largestEffort {
        throw AttackError("\(SettingName(flag)) is \(value), expected at most \(largestEffort)")
      }
      if !names.contains(name) {
        throw AttackError("\(SettingName(flag)) does not apply to the attack '\(name)'")
      }
    }
    let (many, runs) = (steps ?? 100, restarts ?? 1)
    switch name {
    case "standard": return standard(norm: norm, classCount: classCount)
    case "quick": return quick(norm)
    case "accuracy": return accuracy(norm: norm, classCount: classCount)
    case "structural": return [StructuralAttack()]
    case "ddn": return [DecoupledDirectionNorm(steps: many)]
    case "fmn": return [FastMinimumNorm(steps: many)]
    case "fab", "fab-t":
      return [FastAdaptiveBoundary(targeted: name == "fab-t", steps: many, restarts: runs)]
    case "pgd": return [ProjectedGradientDescent(steps: many, restarts: restarts ?? 2)]
    case "apgd-ce": return [autoPGD(CrossEntropyAttackLoss(), norm, steps: many, restarts: runs)]
    case "apgd-margin":
      return [autoPGD(MarginAttackLoss(), norm, steps: many, restarts: runs)]
    case "apgd-dlr": return [autoPGD(DLRAttackLoss(), norm, steps: many, restarts: runs)]
    case "apgd-t":
      var attack = TargetedAutoPGD(steps: many, restarts: runs)
      attack.skipsCoordinatesOnBounds = norm == .l1
      return [attack]
    case "square": return [SquareAttack(restarts: runs)]
    default:
      throw AttackError(
        "\(SettingName("attack")) is '\(name)', expected one of "
          + entries.map(\.name).joined(separator: ", "))
    }
  }

  /// From cheap to dear. Two classes have one other class to aim at, and losses that differ by an
  /// increasing function only, so that one gradient attack of each kind is enough.
  private static func standard(norm: Norm, classCount: Int) -> [any Attack] {
    let minimumNorm: any Attack = norm == .l2 ? DecoupledDirectionNorm() : FastMinimumNorm()
    if classCount == 2 {
      return [
        StructuralAttack(), minimumNorm, autoPGD(MarginAttackLoss(), norm),
        FastAdaptiveBoundary(targeted: false), gradientFree,
      ]
    }
    var targeted = TargetedAutoPGD()
    targeted.targetsAfterScreening = 3
    targeted.skipsCoordinatesOnBounds = norm == .l1
    return [
      StructuralAttack(), minimumNorm, autoPGD(CrossEntropyAttackLoss(), norm), targeted,
      FastAdaptiveBoundary(targeted: true), gradientFree,
    ]
  }

  /// The parts of AutoAttack, each on what those before it have left: they end where a sample is fooled, and look for
  /// nothing smaller.
  private static func accuracy(norm: Norm, classCount: Int) -> [any Attack] {
    if classCount == 2 {
      return [
        autoPGD(MarginAttackLoss(), norm), FastAdaptiveBoundary(targeted: false), gradientFree,
      ]
    }
    var targeted = TargetedAutoPGD()
    targeted.targetsAfterScreening = 3
    targeted.skipsCoordinatesOnBounds = norm == .l1
    return [
      autoPGD(CrossEntropyAttackLoss(), norm), targeted, FastAdaptiveBoundary(targeted: true),
      gradientFree,
    ]
  }

  private static func quick(_ norm: Norm) -> [any Attack] {
    var structural = StructuralAttack()
    structural.candidates = 1
    structural.steps = 15
    structural.neighbours = 1
    return [structural, autoPGD(CrossEntropyAttackLoss(), norm)]
  }

  /// In l1 with the sparse steps that get past the box.
  private static func autoPGD(
    _ loss: any AttackLoss, _ norm: Norm, steps: Int = 100, restarts: Int = 1
  ) -> AutoPGD {
    var attack = AutoPGD(loss: loss, steps: steps, restarts: restarts)
    attack.skipsCoordinatesOnBounds = norm == .l1
    return attack
  }

  /// Where gradients can be followed, a check on them rather than a source of small perturbations: a fifth
  /// of the usual queries. Where it finds something, all of them.
  private static var gradientFree: any Attack {
    var attack = SquareAttack(queries: 1000)
    attack.queriesWhereNeeded = 5000
    return attack
  }
}
