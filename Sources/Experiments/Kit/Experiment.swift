import Runs

/// How much an experiment does.
package enum Preset: String, Sendable, Codable, CaseIterable {
  /// A minute or two: smaller data and networks, one seed.
  case quick
  /// Some minutes: closer to the paper, several seeds.
  case laptop
  /// The exact protocol.
  case paper

  /// What a setting is at each size.
  func pick<Value>(quick: Value, laptop: Value, paper: Value) -> Value {
    switch self {
    case .quick: quick
    case .laptop: laptop
    case .paper: paper
    }
  }
}

/// What a person may say to an experiment.
package struct ExperimentOptions: Sendable {
  /// How much to do.
  package var preset: Preset
  /// The seed of the first repeat.
  package var seed: UInt64
  /// The data, for experiments that take any.
  package var data: String?
  /// Repeats with seeds one after the other, instead of the preset's number.
  package var repeats: Int?
  /// Whether ``seed`` was asked for, so that a change of it contradicts.
  package var isSeedGiven = false
  /// Changes of settings by name, for ``ExperimentCatalog/make(named:_:)``.
  package var changes: [SettingChange] = []

  /// Options.
  package init(preset: Preset, seed: UInt64 = 0, data: String? = nil, repeats: Int? = nil) {
    self.repeats = repeats
    self.preset = preset
    self.seed = seed
    self.data = data
  }
}

/// What an experiment leaves behind, besides its run directory.
package struct ExperimentOutcome: Sendable {
  /// The table for the terminal.
  package let table: String
  /// The path of `report.html`.
  package let report: String
  /// `results/summary.json` as text.
  package let summary: String
  /// Reasons not to trust a robustness number; empty when no check objects.
  package let flags: [String]

  /// An outcome.
  package init(table: String, report: String, summary: String, flags: [String]) {
    self.table = table
    self.report = report
    self.summary = summary
    self.flags = flags
  }
}

/// An experiment: one command that trains, measures, draws and reports.
package protocol Experiment: Sendable {
  /// The name on the command line.
  static var name: String { get }
  /// One line on what it shows.
  static var summary: String { get }

  /// Whether it takes ``ExperimentOptions/data``.
  static var takesData: Bool { get }

  /// What determines the results: its settings, or those of its parts.
  var parts: [SettingsPart] { get set }

  /// The experiment with some options, except for their changes.
  init(_ options: ExperimentOptions) throws(ExperimentError)

  /// Runs it in a directory.
  func run(out: String, resume: Bool, progress: ProgressReporter) throws(ExperimentError)
    -> ExperimentOutcome
}

extension Experiment {
  /// No.
  package static var takesData: Bool { false }
}
