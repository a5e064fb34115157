import LinearCore
import Runs

/// An experiment that measures cells with several seeds and answers a question. Its file says what is varied, what a
/// run measures, and what the numbers mean; everything else is here.
protocol GridExperiment: SingleExperiment {
  /// What is varied.
  associatedtype Cell: GridCell
  /// What a run measures.
  associatedtype Values: Codable & Sendable
  /// Data that are loaded once for all runs.
  associatedtype Source: Sendable = NoSource

  /// What is varied, in the order of the table.
  var cells: [Cell] { get }
  /// What is shown of every run, in the order of the table.
  var metrics: [Metric<Values>] { get }
  /// Whether runs go one after the other, each on all threads: for networks that fill the memory.
  var runsOneByOne: Bool { get }

  /// Loads what may be missing, before a directory is made.
  func load() throws(ExperimentError) -> Source
  /// The data of ``load()`` that the run is bound to.
  func inputs(_ source: Source) -> [RunInput]

  /// Makes what several runs need, such as networks that are trained before any is attacked.
  /// - Returns: the data with what was made.
  func prepare(_ source: Source, in directory: RunDirectory, _ progress: ProgressReporter)
    throws(ExperimentError) -> Source

  /// How many of the seeds a cell is measured with, from the first on; all unless said otherwise.
  func repeats(of cell: Cell) -> Int

  /// Floating-point operations of a run, about. Only their ratios matter once a run is finished.
  func operations(_ cell: Cell) -> Double
  /// The same where the data say how much there is to do; unless given, ``operations(_:)``.
  func operations(_ cell: Cell, _ source: Source) -> Double

  /// Measures one run. Called concurrently for different runs; what it returns must depend on nothing but
  /// the settings, the cell and the seed.
  func measure(_ cell: Cell, _ context: RunContext<Self>) throws(ExperimentError) -> Measured<
    Values
  >

  /// The words and figures for the results.
  func account(of results: GridResults<Self>) throws(ExperimentError) -> Account
}

/// The source of an experiment that makes its data itself.
struct NoSource: Sendable {}

extension GridExperiment where Source == NoSource {
  func load() throws(ExperimentError) -> NoSource { NoSource() }
}

extension GridExperiment {
  typealias Results = GridResults<Self>
  typealias Context = RunContext<Self>

  var runsOneByOne: Bool { false }
  func inputs(_ source: Source) -> [RunInput] { [] }
  func operations(_ cell: Cell) -> Double { 1 }
  func operations(_ cell: Cell, _ source: Source) -> Double { operations(cell) }
  func prepare(_ source: Source, in directory: RunDirectory, _ progress: ProgressReporter)
    throws(ExperimentError) -> Source
  { source }
  func repeats(of cell: Cell) -> Int { settings.repeats }
  /// The seeds of the repeats.
  var seeds: [UInt64] { (0..<settings.repeats).map { settings.seed &+ UInt64($0) } }

  func run(out: String, resume: Bool, progress: ProgressReporter) throws(ExperimentError)
    -> ExperimentOutcome
  {
    try execute(out: out, figuresLink: "figures", resume: resume, progress: progress).outcome()
  }

  /// Measures what is not there yet, and draws.
  func execute(
    out: String, figuresLink: String, resume: Bool, progress: ProgressReporter
  ) throws(ExperimentError) -> FinishedExperiment {
    let loaded = try load()
    let inputs = inputs(loaded)
    let directory = try RunDirectory(
      out, configuration: settings, inputs: inputs, resume: resume)
    try directory.write(
      RunEnvironment(
        seed: settings.seed,
        dataChecksum: inputs.first { $0.role == .training }?.sha256 ?? ""),
      to: "environment.json")
    let source = try prepare(loaded, in: directory, progress)
    let grid = Grid(
      name: Self.name, cells: cells, seeds: seeds, repeats: repeats(of:)
    ) { operations($0, source) }
    let runs = try grid.run(
      in: directory, source: source, oneByOne: runsOneByOne, progress: progress
    ) { (cell, context: Context) throws(ExperimentError) in try measure(cell, context) }
    let results = Results(
      cells: cells, seeds: seeds, runs: runs, source: source, directory: directory)
    return try GridReport(
      experiment: self, results: results, account: try account(of: results),
      figuresLink: figuresLink
    ).write()
  }
}
