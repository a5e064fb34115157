import Runs

/// `results/summary.json` of every experiment: what was varied, the mean of each number over the repeats, and the
/// answer. Documentation/Data.md describes it.
struct GridSummary: Encodable, Sendable {
  /// Changes when a member changes its meaning or goes.
  static let format = 2

  struct Row: Encodable, Sendable {
    let parameters: [Parameter]
    let metrics: [String: MeanInterval]
    let failures: Int
  }

  let experiment: String
  let preset: Preset
  let seeds: [UInt64]
  let answer: String
  let findings: [String: Account.Finding]
  let remarks: [String]
  let cells: [Row]
  let failures: [String]
  let flags: [String]
  /// Members of one experiment alone, by name.
  let details: [String: any Encodable & Sendable]

  /// What metrics were called in version 0.1, beside the new names for one version.
  private static let oldNames = ["medianRadius": "halfRadius"]

  init<Kind: GridExperiment>(
    _ kind: Kind, results: GridResults<Kind>, account: Account
  ) {
    experiment = Kind.name
    preset = kind.settings.preset
    seeds = results.seeds
    answer = account.answer
    findings = account.findings
    remarks = account.remarks
    cells = results.cells.map { cell in
      var values = Dictionary(
        uniqueKeysWithValues: kind.metrics.map { ($0.key, results.interval($0, cell)) })
      for (name, old) in Self.oldNames { values[old] = values[name] }
      return Row(
        parameters: cell.parameters, metrics: values, failures: results.failures(cell))
    }
    failures = results.failures
    flags = results.flags + account.flags
    details = account.details
  }

  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Name.self)
    func put(_ name: String, _ value: some Encodable) throws {
      try container.encode(value, forKey: Name(stringValue: name))
    }
    try put("format", Self.format)
    try put("experiment", experiment)
    try put("preset", preset)
    try put("seeds", seeds)
    try put("answer", answer)
    try put("findings", findings)
    try put("remarks", remarks)
    try put("cells", cells)
    try put("failures", failures)
    try put("flags", flags)
    for (name, value) in details { try put(name, value) }
  }
}
