/// What is wanted of each sample: another class than its label, or its target.
struct AttackGoals {
  /// The class of each sample.
  let labels: [Int]
  /// The class that each is to be predicted as; nil where any but the label will do.
  let targets: [Int]?

  /// The goals of some samples.
  func rows(at rows: some Collection<Int>) -> AttackGoals {
    AttackGoals(
      labels: rows.map { labels[$0] },
      targets: targets.map { targets in rows.map { targets[$0] } })
  }
}
