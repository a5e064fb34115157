import Foundation
import LinearCore
import Runs

/// What a run may know besides its cell.
struct RunContext<Kind: GridExperiment>: Sendable {
  /// The directory of the experiment, for files besides the measurement.
  let directory: RunDirectory
  /// A name for such files, different for every run: "p-3_alpha-0.1-seed0".
  let name: String
  /// The seed of the repeat.
  let seed: UInt64
  /// The data of the experiment.
  let source: Kind.Source
  /// Shows what this run does; for the thread that measures alone.
  nonisolated(unsafe) let progress: ProgressReporter
  /// Tells the progress line which share of this run is done; for any thread.
  let report: @Sendable (Double) -> Void
}

/// Cells times seeds: every combination is measured once and kept as a file, so that a killed experiment goes on
/// with what was running.
///
/// Runs are independent. They go side by side on the threads available, the longest first; with more runs than
/// threads each has one thread. Results do not depend on the number of threads.
struct Grid<Cell: GridCell>: Sendable {
  /// For progress lines.
  let name: String
  let cells: [Cell]
  /// The seeds of the repeats.
  let seeds: [UInt64]
  /// With how many of the seeds a cell is measured, from the first on; nil for all.
  let repeats: (@Sendable (Cell) -> Int)?
  /// Floating-point operations of a run of a cell, about.
  let operations: @Sendable (Cell) -> Double

  /// Cells must have different names, seeds must differ.
  init(
    name: String, cells: [Cell], seeds: [UInt64], repeats: (@Sendable (Cell) -> Int)? = nil,
    operations: @escaping @Sendable (Cell) -> Double
  ) {
    precondition(Set(cells.map(\.fileName)).count == cells.count, "cells need different parameters")
    precondition(Set(seeds).count == seeds.count && !seeds.isEmpty, "seeds must differ")
    self.name = name
    self.cells = cells
    self.seeds = seeds
    self.repeats = repeats
    self.operations = operations
  }

  /// A cell with a seed.
  struct Job: Sendable {
    let cell: Int
    let seed: Int
    let name: String
    let title: String
    let operations: Double

    /// Where its measurement is kept.
    var path: String { "results/runs/\(name).json" }
  }

  /// All runs, seed after seed.
  var jobs: [Job] {
    seeds.indices.flatMap { seed in
      cells.indices.compactMap { number in
        let cell = cells[number]
        if let repeats, seed >= repeats(cell) { return nil }
        return Job(
          cell: number, seed: seed, name: "\(cell.fileName)-seed\(seeds[seed])",
          title: "\(cell.title), seed \(seeds[seed])", operations: operations(cell))
      }
    }
  }

  /// Measures what is not there yet, in `results/runs/CELL-seedSEED.json` of the directory.
  ///
  /// - Parameters:
  ///   - directory: its configuration must fix the results.
  ///   - oneByOne: whether every run has all threads.
  ///   - measure: measures one run; called concurrently. What it returns must not depend on the time or
  ///     on the number of threads.
  /// - Returns: a row a cell with an entry a seed it is measured with.
  /// - Throws: the error of the first run that failed, with its name. No run is started after a failure.
  func run<Kind: GridExperiment>(
    in directory: RunDirectory, source: Kind.Source, oneByOne: Bool = false,
    progress: ProgressReporter,
    measure: @Sendable (Cell, RunContext<Kind>) throws(ExperimentError) -> Measured<Kind.Values>
  ) throws(ExperimentError) -> [[Measured<Kind.Values>]] {
    let jobs = jobs
    let plan = plan(directory, oneByOne: oneByOne)
    progress.begin(plan)
    let state = GridState<Kind.Values>(
      name: name, costs: jobs.map(\.operations), progress: progress, isSilent: oneByOne)
    @Sendable func perform(_ number: Int, progress: ProgressReporter) {
      let job = jobs[number]
      if state.hasFailed { return }
      let context = RunContext<Kind>(
        directory: directory, name: job.name, seed: seeds[job.seed], source: source,
        progress: progress, report: { state.update(number, fraction: $0) })
      var isNew = false
      do throws(ExperimentError) {
        let result = try directory.timed(job.path, part: job.name) { () throws(ExperimentError) in
          isNew = true
          state.begin(number, title: job.title)
          return try measure(cells[job.cell], context)
        }
        state.finish(number, result, isNew: isNew)
      } catch {
        state.fail(number, error.prefixed(job.title))
      }
    }
    if oneByOne {
      for number in jobs.indices {
        progress.beginStage()
        perform(number, progress: progress)
      }
    } else {
      progress.beginStage()
      // Equal costs keep their order.
      let order = jobs.indices.sorted { left, right in
        let costs = (jobs[left].operations, jobs[right].operations)
        return costs.0 == costs.1 ? left < right : costs.0 > costs.1
      }
      Parallel.forEach(order.count) { position in
        let number = order[position]
        perform(number, progress: ProgressReporter { state.update(number, fraction: $0) })
      }
    }
    var rows = cells.map { _ in [Measured<Kind.Values>]() }
    for (job, result) in zip(jobs, try state.results()) { rows[job.cell].append(result) }
    return rows
  }
}

extension ExperimentError {
  /// The same error with the name of what failed.
  func prefixed(_ name: String) -> ExperimentError {
    switch self {
    case .usage(let message): .usage("\(name): \(message)")
    case .failed(let message): .failed("\(name): \(message)")
    }
  }
}
