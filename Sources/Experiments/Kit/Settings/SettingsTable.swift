import Figures
import Runs

/// All settings of an experiment by name, for a person who wants to change them.
package struct SettingsTable: Sendable {
  /// A setting.
  package struct Row: Sendable, Equatable {
    /// The part that it belongs to; empty in an experiment without parts.
    package let part: String
    /// Its path.
    package let name: String
    /// Its value, as a ``SettingChange`` takes it.
    package let value: String
  }

  /// The settings in order.
  package let rows: [Row]
  /// The settings as one JSON document: an object, of objects by the names of parts where there are several. What is
  /// nil is null.
  package let json: String
  private let experiment: String

  init(experiment: String, _ parts: [SettingsPart]) throws(ExperimentError) {
    self.experiment = experiment
    let isWhole = parts.count == 1
    var rows: [Row] = []
    var members: [(name: String, node: SettingNode)] = []
    for part in parts {
      let root: SettingNode
      do { root = try SettingEncoder.encode(part.settings) } catch { throw ExperimentError(error) }
      for place in root.places {
        guard let text = place.node.text else { continue }
        rows.append(Row(part: isWhole ? "" : part.name, name: place.path, value: text))
      }
      members.append((part.name, root))
    }
    self.rows = rows
    json = JSONText.encode(isWhole ? members[0].node : SettingNode(.group, .group(members)))
  }

  /// The table for the terminal.
  package var text: String {
    let hasParts = rows.contains { !$0.part.isEmpty }
    let header = (hasParts ? ["part"] : []) + ["setting", "value"]
    var table = TerminalTable(header: header, alignments: header.map { _ in .left })
    for row in rows { table.append((hasParts ? [row.part] : []) + [row.name, row.value]) }
    return table.text
  }

  /// The settings that differ from those of another table, by part and name; nil for none. Seed and number of repeats
  /// are left out: they have flags and do not change what an experiment is.
  func changes(from other: SettingsTable) -> [String: String]? {
    let old = Dictionary(other.rows.map { ("\($0.part).\($0.name)", $0.value) }) { $1 }
    let changed = rows.filter {
      $0.name != "seed" && $0.name != "repeats" && old["\($0.part).\($0.name)"] != $0.value
    }
    if changed.isEmpty { return nil }
    return Dictionary(changed.map { ("\($0.part).\($0.name)", $0.value) }) { $1 }
  }

  /// What is said of a key that is none of these: the names there are, or the nearest of many.
  func unknown(_ key: String) -> ExperimentError {
    let fixed = SettingChange.fixed
    let names = SettingChange.distinct(rows.map(\.name)).filter { fixed[$0] == nil }
    let all = names.joined(separator: ", ")
    let start = "--set \(key): the experiment '\(experiment)' has no such setting, expected "
    if all.count <= 600 { return .usage(start + "one of " + all) }
    func distance(_ name: String) -> Int {
      let leaf = name.split(separator: ".").last.map(String.init) ?? name
      return min(Self.distance(key, name), Self.distance(key, leaf))
    }
    let nearest = names.map { ($0, distance($0)) }.enumerated()
      .sorted { ($0.element.1, $0.offset) < ($1.element.1, $1.offset) }.prefix(8)
      .map { $0.element.0 }
    return .usage(
      start + "one like " + nearest.joined(separator: ", ") + "; --settings prints all of them")
  }

  /// How many characters have to be inserted, left out or replaced to make one text of another.
  private static func distance(_ first: String, _ second: String) -> Int {
    let second = Array(second.lowercased())
    var row = Array(0...second.count)
    // Nobody means anything by a longer one.
    for (i, character) in first.lowercased().prefix(200).enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in second.enumerated() {
        let replaced = diagonal + (character == other ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[second.count]
  }
}
