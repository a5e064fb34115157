/// How much an experiment does.
public enum Preset: String, Sendable, Codable, CaseIterable {
  /// A minute or two: smaller data and networks, one seed.
  case quick
  /// Some minutes: closer to the paper, several seeds.
  case laptop
  /// The exact protocol.
  case paper
}

/// What an experiment leaves behind, besides its run directory.
public struct ExperimentOutcome: Sendable {
  /// The table for the terminal.
  public let table: String
  /// The path of `report.html`.
  public let report: String
  /// `results/summary.json` as text.
  public let summary: String
  /// Reasons not to trust a robustness number; empty when no check objects.
  public let flags: [String]

  /// An outcome.
  public init(table: String, report: String, summary: String, flags: [String]) {
    self.table = table
    self.report = report
    self.summary = summary
    self.flags = flags
  }
}

/// An experiment: one command that trains, measures, draws and reports.
public protocol Experiment: Sendable {
  /// The name on the command line.
  static var name: String { get }
  /// One line on what it shows.
  static var summary: String { get }

  /// The experiment at some size.
  init(preset: Preset, seed: UInt64)

  /// Runs it in a directory.
  func run(out: String, resume: Bool, progress: ProgressReporter) throws(ExperimentError)
    -> ExperimentOutcome
}

/// The experiments by name.
public enum ExperimentCatalog {
  /// All experiments.
  public static let all: [any Experiment.Type] = [
    OverviewExperiment.self, MixtureExperiment.self, DigitsParityExperiment.self,
  ]

  /// The experiment called `name`.
  public static func experiment(named name: String) throws(ExperimentError) -> any Experiment.Type {
    if let found = all.first(where: { $0.name == name }) { return found }
    throw .usage(
      "no experiment '\(name)', expected one of \(all.map { $0.name }.joined(separator: ", "))")
  }
}
