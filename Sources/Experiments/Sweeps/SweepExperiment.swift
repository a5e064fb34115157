import LinearCore
import Runs
import Studies

/// The settings every sweep has, besides its own; `config.json`.
protocol SweepSettings: ExperimentSettings {
  /// The name of the experiment.
  var experiment: String { get }
}

/// An experiment that measures cells with several seeds and answers one question: its file says what is
/// varied, what a run measures, and what the numbers mean. Everything else is here.
protocol SweepExperiment: SingleExperiment where Settings: SweepSettings {
  /// What is varied.
  associatedtype Cell: SweepCell

  /// What is varied, in the order of the table.
  var cells: [Cell] { get }
  /// What is measured, in the order of the table.
  var metrics: [SweepMetric] { get }

  /// Floating-point operations that a run of a cell takes, about: the plan follows from it. Time that is
  /// not spent in products counts as the products that it had room for.
  func operations(_ cell: Cell) -> Double

  /// Checks what may be missing, such as data, before a directory is made.
  /// - Returns: the data that the experiment does not make itself.
  func prepare() throws(ExperimentError) -> [RunInput]

  /// Measures one run. Called concurrently for different runs; what it returns must depend on nothing but
  /// the settings, the cell and the seed.
  func measure(_ cell: Cell, _ context: SweepContext) throws(ExperimentError) -> SweepMeasurement

  /// The words and figures for the results.
  func account(of results: SweepResults<Cell>) throws(ExperimentError) -> SweepAccount
}

extension SweepExperiment {
  /// Needs nothing.
  func prepare() throws(ExperimentError) -> [RunInput] { [] }

  /// The seeds of the repeats.
  var seeds: [UInt64] { (0..<settings.repeats).map { settings.seed &+ UInt64($0) } }

  /// Measures what is not there yet and writes the report.
  func run(out: String, resume: Bool, progress: ProgressReporter) throws(ExperimentError)
    -> ExperimentOutcome
  {
    let inputs = try prepare()
    let directory = try RunDirectory(
      out, configuration: settings, inputs: inputs, resume: resume)
    try directory.write(
      RunEnvironment(seed: settings.seed, dataChecksum: ""), to: "environment.json")
    let sweep = Sweep(name: Self.name, cells: cells, seeds: seeds)
    progress.begin(sweep.plan(operations: operations))
    progress.beginStage()
    let results = try sweep.run(in: directory, progress: progress) {
      (cell, context) throws(ExperimentError) in try measure(cell, context)
    }
    return try SweepReport(
      experiment: Self.name, preset: settings.preset, results: results, metrics: metrics,
      account: try account(of: results)
    ).write(to: directory)
  }
}
