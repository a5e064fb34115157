import Figures
import Foundation
import LinearCore
import Runs
import Studies
import Synchronization
import Testing

@testable import Experiments

/// A made-up law, y = a x^2 with noise of the seed.
private struct ParabolaExperiment: GridExperiment {
  static let name = "parabola"
  static let summary = "a parabola"

  struct Settings: ExperimentSettings {
    var experiment = ParabolaExperiment.name
    var preset: Preset
    var seed: UInt64
    var repeats: Int
  }

  struct Cell: GridCell {
    var x: Double
    var parameters: [Parameter] { [.init("x", x), .init("kind", "a b")] }
  }

  struct Values: Codable, Equatable {
    var y: Double
    var radius: Double
    var line: [Double] = []
  }

  var settings: Settings
  var failing: Double?
  /// Counts the runs that are really made.
  let calls: Counter

  final class Counter: Sendable {
    let value = Mutex<[Double]>([])
  }

  init(_ options: ExperimentOptions) {
    settings = Settings(preset: options.preset, seed: options.seed, repeats: 3)
    calls = Counter()
  }

  var cells: [Cell] { [1, 2, 3, 4].map(Cell.init(x:)) }
  var metrics: [Metric<Values>] { [y, Metric(\.radius, "radius")] }
  let y = Metric(\Values.y, "y")
  func operations(_ cell: Cell) -> Double { 1e6 * cell.x }

  func measure(_ cell: Cell, _ context: Context) throws(ExperimentError) -> Measured<Values> {
    calls.value.withLock { $0.append(cell.x) }
    if cell.x == failing && context.seed == 1 { throw .failed("it broke") }
    var stream = RandomStream(seed: context.seed).child("noise")
    let noise = Double.random(in: -0.01...0.01, using: &stream)
    context.report(0.5)
    return Measured(
      Values(
        y: cell.x * cell.x + noise, radius: context.seed == 2 ? .infinity : cell.x,
        line: [0, cell.x + noise]),
      flags: cell.x == 2 ? ["weak attack"] : [],
      failure: cell.x == 4 && context.seed == 0 ? "stalled" : nil)
  }

  func account(of results: Results) -> Account {
    let fit = LineFit(
      x: cells.map { log($0.x) }, y: cells.map { log(results.mean(y, $0) ?? .nan) })
    return Account(
      title: "Parabola", subtitle: "four cells", introduction: "y against x",
      answer: String(format: "the exponent is %.2f", fit?.slope ?? .nan),
      findings: ["exponent": .number(fit?.slope ?? .nan)],
      figures: [
        results.chart(
          "parabola", "Parabola", x: Axis("x", scale: .logarithmic),
          y: Axis("y", scale: .logarithmic), [("y", y)], at: { $0.x })
      ])
  }
}

/// One after the other: the number of threads is set for the whole process.
@Suite(.serialized) struct GridTests {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("grid-\(UUID().uuidString)")

  private func run(
    _ experiment: ParabolaExperiment, _ name: String, resume: Bool = false
  ) throws -> ExperimentOutcome {
    try experiment.run(
      out: folder.appendingPathComponent(name).path, resume: resume,
      progress: ProgressReporter(quiet: true))
  }

  private func text(_ name: String) throws -> String {
    try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
  }

  @Test func resultsFlagsAndFailuresAreShown() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let experiment = ParabolaExperiment(ExperimentOptions(preset: .quick))
    let outcome = try run(experiment, "whole")
    #expect(experiment.calls.value.withLock { $0.count } == 12)
    #expect(outcome.flags == ["x = 2, kind = a b, seed 0 and 2 more of 12 runs: weak attack"])
    #expect(outcome.table.contains("no result: x = 4, kind = a b, seed 0: stalled"))
    #expect(outcome.table.contains("1 of 3") && outcome.table.hasSuffix("the exponent is 2.00\n"))
    #expect(outcome.summary.contains("\"exponent\"") && outcome.summary.contains("\"format\" : 2"))
    let report = try text("whole/report.html")
    #expect(report.contains("the exponent is 2.00") && report.contains("weak attack"))
    let rows = try text("whole/results/cells.csv").split(separator: "\n")
    #expect(rows.count == 5)
    #expect(rows[0].hasPrefix("x,kind,runs,failures,y,y half width,y values,y infinite,y missing,"))
    // Two finite radii and an infinite one; the failed run of x = 4 does not count.
    #expect(rows[1].hasSuffix("1,0,2,1,0") && rows[4].hasSuffix(",1,1,0"))
    #expect(try text("whole/results/runs.csv").contains("4,a b,0,"))
    for file in ["figures/parabola.svg", "figures/parabola.csv", "environment.json"] {
      #expect(
        FileManager.default.fileExists(atPath: folder.appendingPathComponent("whole/\(file)").path))
    }
  }

  @Test func resumedRunsHaveTheSameBytes() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let options = ExperimentOptions(preset: .quick, seed: 0)
    _ = try run(ParabolaExperiment(options), "whole")
    // Stops after a failure; what was measured stays.
    var broken = ParabolaExperiment(options)
    broken.failing = 3
    let error = #expect(throws: ExperimentError.self) { try run(broken, "broken") }
    #expect(error == .failed("x = 3, kind = a b, seed 1: it broke"))
    let made = broken.calls.value.withLock { $0 }
    #expect(made.first == 4, "the longest first")
    // A file that a kill has cut short counts as missing.
    let first = folder.appendingPathComponent("broken/results/runs/x-4_kind-a-b-seed0.json")
    try Data("{".utf8).write(to: first)

    let resumed = ParabolaExperiment(options)
    _ = try run(resumed, "broken", resume: true)
    let repeated = resumed.calls.value.withLock { $0.count }
    #expect(repeated <= 12 - made.count + 2)
    for file in [
      "results/summary.json", "results/cells.csv", "results/runs.csv", "figures/parabola.csv",
      "report.html",
    ] {
      #expect(try text("whole/\(file)") == text("broken/\(file)"), "\(file)")
    }
    // A finished sweep measures nothing.
    let again = ParabolaExperiment(options)
    _ = try run(again, "broken", resume: true)
    #expect(again.calls.value.withLock { $0.isEmpty })
  }

  /// Files besides the report, which names the threads.
  @Test func threadsDoNotMatter() throws {
    defer {
      Parallel.threadCount = 0
      try? FileManager.default.removeItem(at: folder)
    }
    for threads in [1, 3] {
      Parallel.threadCount = threads
      _ = try run(ParabolaExperiment(ExperimentOptions(preset: .quick)), "threads\(threads)")
    }
    for file in ["results/summary.json", "results/cells.csv", "results/runs.csv"] {
      #expect(try text("threads1/\(file)") == text("threads3/\(file)"), "\(file)")
    }
  }

  @Test func curvesAndSeries() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let cells = [2.0, 1].map(ParabolaExperiment.Cell.init(x:))
    let runs = cells.map { cell in
      (0..<2).map { seed in
        Measured(
          ParabolaExperiment.Values(y: cell.x + Double(seed), radius: 1, line: [1, Double(seed)]))
      }
    }
    let y = Metric(\ParabolaExperiment.Values.y, "y")
    let results = GridResults<ParabolaExperiment>(
      cells: cells, seeds: [0, 1], runs: runs, source: NoSource(),
      directory: try RunDirectory(folder.path, configuration: ["law": 2], resume: false))
    let series = results.series("y", y, cells: cells) { $0.x }
    #expect(series.x == [1, 2] && series.y == [1.5, 2.5])
    // t = 12.7062 for one degree of freedom, variance 1/2 of two values.
    #expect(abs(series.band!.upper[0] - (1.5 + 12.7062 / 2)) < 1e-4)
    // Logarithms of 2 and 3 on a logarithmic axis: the interval stays above 0.
    let logarithmic = results.series("y", y, cells: [cells[0]], scale: .logarithmic) { $0.x }
    #expect(abs(logarithmic.y[0] - 6.0.squareRoot()) < 1e-14)
    let width = 12.7062 * log(1.5) / 2
    #expect(abs(log(logarithmic.band!.lower[0]) - (log(6) / 2 - width)) < 1e-4)
    #expect(results.curve(\.line, cells[0]).map(\.mean) == [1, 0.5])
    #expect(results.interval(cells[0], of: { $0.y * 2 }).mean == 5)
    #expect(cells[0].fileName == "x-2_kind-a-b" && cells[0].title == "x = 2, kind = a b")
  }

  /// Metrics of a part that is missing count as missing, and keep their name.
  @Test func metricsOfParts() {
    struct Whole: Codable, Sendable {
      var part: ParabolaExperiment.Values?
    }
    let metric = Metric(\ParabolaExperiment.Values.y, "y", digits: 1).of(\Whole.part)
    #expect(metric.key == "y" && metric.digits == 1 && metric.value(Whole()).isNaN)
    #expect(metric.value(Whole(part: .init(y: 3, radius: 1))) == 3)
  }

  /// A plan counts what is missing, at the rate of the runs that are finished.
  @Test func plansLearnFromFinishedRuns() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let directory = try RunDirectory(folder.path, configuration: ["law": 2], resume: false)
    let grid = Grid(
      name: "g", cells: [1, 2, 3].map(ParabolaExperiment.Cell.init(x:)), seeds: [0]
    ) { 1e9 * $0.x }
    // The run of x = 1 took 10 s: 1e8 operations a second on each thread; 5e9 are left.
    let timing = #"{"threads": 1, "parts": {"\#(grid.jobs[0].name)": 10}}"#
    try directory.write(text: timing, to: "timing.json")
    try directory.write(text: "{}", to: grid.jobs[0].path)
    let threads = Double(Parallel.threadCount)
    #expect(abs(grid.plan(directory, oneByOne: false).seconds - 50 / threads) < 1e-9)
    #expect(abs(grid.plan(directory, oneByOne: true).seconds - 50) < 1e-9)
    #expect(grid.plan(directory, oneByOne: true).stages.map(\.seconds) == [0, 20, 30])
  }
}
