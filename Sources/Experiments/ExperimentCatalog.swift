/// How much an experiment does.
public enum Preset: String, Sendable, Codable, CaseIterable {
  /// A minute or two: smaller data and networks, one seed.
  case quick
  /// Some minutes: closer to the paper, several seeds.
  case laptop
  /// The exact protocol.
  case paper
}

/// What a person may say to an experiment.
public struct ExperimentOptions: Sendable {
  /// How much to do.
  public var preset: Preset
  /// The seed of the first repeat.
  public var seed: UInt64
  /// The data, for experiments that take any.
  public var data: String?
  /// Repeats with seeds one after the other, instead of the preset's number.
  public var repeats: Int?

  /// Options.
  public init(preset: Preset, seed: UInt64 = 0, data: String? = nil, repeats: Int? = nil) {
    self.repeats = repeats
    self.preset = preset
    self.seed = seed
    self.data = data
  }
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

  /// Whether it takes ``ExperimentOptions/data``.
  static var takesData: Bool { get }

  /// The experiment with some options.
  init(_ options: ExperimentOptions) throws(ExperimentError)

  /// Runs it in a directory.
  func run(out: String, resume: Bool, progress: ProgressReporter) throws(ExperimentError)
    -> ExperimentOutcome
}

extension Experiment {
  /// No.
  public static var takesData: Bool { false }
}

/// The experiments by name.
public enum ExperimentCatalog {
  /// All experiments.
  public static let all: [any Experiment.Type] = [
    OverviewExperiment.self, MixtureExperiment.self, DigitsParityExperiment.self,
    MNISTParityExperiment.self, MNISTDigitsExperiment.self, FashionParityExperiment.self,
    FeaturesExperiment.self, OrthonormalGMMExperiment.self, DegreeSweepExperiment.self,
    InitialScaleExperiment.self, FlowComparisonExperiment.self, SubclassScalingExperiment.self,
    CriticalRadiusExperiment.self, DeepMixtureExperiment.self, MNISTDeepExperiment.self,
    CIFAR10Experiment.self,
  ]

  /// Says before an experiment that its report will have no figures, where gnuplot is missing.
  public static func warnIfFiguresWillBeMissing() { FigureSink.warnIfFiguresWillBeMissing() }

  /// The experiment called `name`, with options.
  public static func make(named name: String, _ options: ExperimentOptions) throws(ExperimentError)
    -> any Experiment
  {
    let type = try experiment(named: name)
    if let data = options.data, !type.takesData {
      throw .usage("--data \(data): the experiment '\(name)' brings its own data")
    }
    return try type.init(options)
  }

  /// The experiment called `name`.
  public static func experiment(named name: String) throws(ExperimentError) -> any Experiment.Type {
    if let found = all.first(where: { $0.name == name }) { return found }
    throw .usage(
      "no experiment '\(name)', expected one of \(all.map { $0.name }.joined(separator: ", "))")
  }
}
