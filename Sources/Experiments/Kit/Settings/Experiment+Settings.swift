import Runs

extension Experiment {
  /// The experiment after the changes of its options, checked.
  ///
  /// - Throws: ``ExperimentError/usage(_:)`` for a key that no part knows, a value of the wrong kind or out of range,
  ///   and a seed or number of repeats that differs from that of its flag.
  func changed(by options: ExperimentOptions) throws(ExperimentError) -> Self {
    var result = self
    result.parts = try Self.changed(parts, by: options.changes)
    for part in result.parts {
      let settings = part.settings
      if options.isSeedGiven, settings.seed != options.seed {
        throw Self.contradiction("seed", "\(settings.seed)", "\(options.seed)")
      }
      if let repeats = options.repeats, settings.repeats != repeats {
        throw Self.contradiction("repeats", "\(settings.repeats)", "\(repeats)")
      }
      try settings.validate()
    }
    return result
  }

  private static func contradiction(_ key: String, _ set: String, _ flag: String) -> ExperimentError
  {
    .usage("--set \(key) is \(set), but --\(key) is \(flag); expected one of them")
  }

  private static func changed(_ parts: [SettingsPart], by changes: [SettingChange])
    throws(ExperimentError) -> [SettingsPart]
  {
    if changes.isEmpty { return parts }
    var known = Set<Int>()
    var result = parts
    for (place, part) in parts.enumerated() {
      result[place].settings = try part.settings.changed(
        by: changes, part: parts.count > 1 ? part.name : nil
      ) { known.insert($0) }
    }
    if let unknown = changes.indices.first(where: { !known.contains($0) }) {
      throw try SettingsTable(experiment: name, parts).unknown(changes[unknown].key)
    }
    return result
  }

  /// All settings by name.
  package func settingsTable() throws(ExperimentError) -> SettingsTable {
    try SettingsTable(experiment: Self.name, parts)
  }
}
