import Attacks
import Datasets
import LinearCore
import Networks
import Runs
import Training

/// Refuses settings that would end the program or never let it end, with the path of the first one and what it may be.
struct SettingsCheck: Sendable {
  /// The group that the settings checked stand in; empty for none.
  private let group: String

  init() { group = "" }
  private init(group: String) { self.group = group }

  /// The check of a group below this one.
  func at(_ name: String) -> SettingsCheck { SettingsCheck(group: path(name)) }

  private func path(_ name: String) -> String { group.isEmpty ? name : group + "." + name }

  /// A setting with a value that it cannot have.
  func refusal(_ name: String, _ found: Any, _ expected: String) -> ExperimentError {
    let found = (found as? Double).map(Self.text) ?? "\(found)"
    return .usage("--set \(path(name)) is \(found), expected \(expected)")
  }

  /// Runs checks of other modules, whose errors name fields of their own; `names` has those called differently here.
  func own(_ names: [String: String] = [:], _ check: () throws -> Void) throws(ExperimentError) {
    func name(_ field: String) -> String {
      let words = field.split(separator: "-")
      return names[field]
        ?? words.dropFirst().reduce(words.first.map(String.init) ?? field) {
          $0 + $1.prefix(1).uppercased() + $1.dropFirst()
        }
    }
    do { try check() } catch {
      switch error {
      case TrainingError.invalid(let field, let found, let expected),
        DatasetError.parameter(let field, let found, let expected):
        throw refusal(name(field), found, expected)
      case DatasetError.invalid(_, let problem): throw .usage("--set \(group): \(problem)")
      default: throw .usage("--set \(group.isEmpty ? "" : group + ": ")\(error)")
      }
    }
  }

  // MARK: - Numbers

  /// A whole number in a range.
  func count(_ name: String, _ value: Int, in range: ClosedRange<Int> = 1...NumberText.largestCount)
    throws(ExperimentError)
  {
    guard !range.contains(value) else { return }
    let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    // The repeats have a flag of their own.
    if group.isEmpty, name == "repeats" {
      throw .usage("--repeats is \(value), expected \(expected)")
    }
    throw refusal(name, value, expected)
  }

  /// Repeats, each of which is a run of its own.
  func repeats(_ value: Int) throws(ExperimentError) { try count("repeats", value, in: 1...10_000) }

  private static func text(_ value: Double) -> String {
    SettingNode(.number, .scalar(.number(value))).text ?? ""
  }

  /// A number above 0.
  func positive(_ name: String, _ value: Double) throws(ExperimentError) {
    guard value > 0, value <= NumberText.largestNumber else {
      throw refusal(name, value, "a number above 0, up to 1e30")
    }
  }

  /// A number in a range.
  func number(_ name: String, _ value: Double, in range: ClosedRange<Double>)
    throws(ExperimentError)
  {
    guard range.contains(value) else {
      throw refusal(
        name, value,
        "a number from \(Self.text(range.lowerBound)) to \(Self.text(range.upperBound))")
    }
  }

  /// A number strictly between others.
  func number(_ name: String, _ value: Double, between low: Double, and high: Double)
    throws(ExperimentError)
  {
    guard value > low, value < high else {
      throw refusal(name, value, "a number between \(Self.text(low)) and \(Self.text(high))")
    }
  }

  /// The share of its old velocity that a step keeps.
  func momentum(_ name: String, _ value: Double) throws(ExperimentError) {
    guard value >= 0, value < 1 else { throw refusal(name, value, "a number in [0, 1)") }
  }

  /// The degree of a network.
  func degree(_ name: String, _ value: Double) throws(ExperimentError) {
    guard Degree.allowed.contains(value) else { throw refusal(name, value, Degree.expectation) }
  }

  // MARK: - Lists

  /// A list without repetitions, whose elements are each checked.
  ///
  /// - Parameter limit: more than so many do not fit into a figure, or take years.
  func list<Value: Hashable>(
    _ name: String, _ values: [Value], limit: Int = 100,
    element: (Value) throws(ExperimentError) -> Void
  ) throws(ExperimentError) {
    guard (1...limit).contains(values.count) else {
      throw refusal(name, "a list of \(values.count)", "1 to \(limit) values")
    }
    for value in values { try element(value) }
    var found = Set<Value>()
    if let twice = values.first(where: { !found.insert($0).inserted }) {
      let value = (twice as? Double).map(Self.text) ?? "\(twice)"
      throw refusal(name, "a list with \(value) twice", "different values")
    }
  }

  /// Degrees of networks.
  func degrees(_ name: String, _ values: [Double], limit: Int = 100) throws(ExperimentError) {
    try list(name, values, limit: limit) { (value) throws(ExperimentError) in
      try degree(name, value)
    }
  }

  /// Numbers above 0, such as learning rates.
  func positives(_ name: String, _ values: [Double], limit: Int = 100) throws(ExperimentError) {
    try list(name, values, limit: limit) { (value) throws(ExperimentError) in
      try positive(name, value)
    }
  }

  /// Whole numbers in a range.
  func counts(
    _ name: String, _ values: [Int], in range: ClosedRange<Int> = 1...NumberText.largestCount,
    limit: Int = 100
  ) throws(ExperimentError) {
    try list(name, values, limit: limit) { (value) throws(ExperimentError) in
      try count(name, value, in: range)
    }
  }

  /// What is varied: a cell of a sweep for every combination. Not more than can be measured, and none twice.
  func cells(most: [Int], _ cells: () -> [some GridCell]) throws(ExperimentError) {
    let product = most.reduce(1) { min($0, 1 << 30) * min($1, 1 << 30) }
    guard product <= 10_000 else {
      throw .usage("--set: \(product) combinations of settings, expected at most 10000")
    }
    var found = Set<String>()
    if let twice = cells().first(where: { !found.insert($0.fileName).inserted }) {
      throw .usage("--set: there are two runs with \(twice.title), expected different ones")
    }
  }
}
