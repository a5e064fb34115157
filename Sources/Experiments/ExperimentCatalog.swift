import Runs
import Studies

/// How much an experiment does.
package enum Preset: String, Sendable, Codable, CaseIterable {
  /// A minute or two: smaller data and networks, one seed.
  case quick
  /// Some minutes: closer to the paper, several seeds.
  case laptop
  /// The exact protocol.
  case paper
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

/// The experiments by name.
package enum ExperimentCatalog {
  /// All experiments.
  package static let all: [any Experiment.Type] = [
    OverviewExperiment.self, MixtureExperiment.self, DigitsParityExperiment.self,
    MNISTParityExperiment.self, MNISTDigitsExperiment.self, FashionParityExperiment.self,
    FeaturesExperiment.self, OrthonormalGMMExperiment.self, DegreeSweepExperiment.self,
    InitialScaleExperiment.self, FlowComparisonExperiment.self, SubclassScalingExperiment.self,
    CriticalRadiusExperiment.self, DeepMixtureExperiment.self, MNISTDeepExperiment.self,
    CIFAR10Experiment.self,
  ]

  /// Says before an experiment that its report will have no figures, where gnuplot is missing.
  package static func warnIfFiguresWillBeMissing() { FigureSink.warnIfFiguresWillBeMissing() }

  /// The experiment called `name`, with options and their changes.
  package static func make(named name: String, _ options: ExperimentOptions) throws(ExperimentError)
    -> any Experiment
  {
    let type = try experiment(named: name)
    if let data = options.data, !type.takesData {
      throw .usage("--data \(data): the experiment '\(name)' brings its own data")
    }
    return try make(type, options)
  }

  private static func make<Kind: Experiment>(_ type: Kind.Type, _ options: ExperimentOptions)
    throws(ExperimentError) -> any Experiment
  { try type.init(options).changed(by: options) }

  /// The experiment called `name`.
  package static func experiment(named name: String) throws(ExperimentError) -> any Experiment.Type
  {
    if let found = all.first(where: { $0.name == name }) { return found }
    throw .usage(
      "no experiment '\(name)', expected one of \(all.map { $0.name }.joined(separator: ", "))")
  }
}
