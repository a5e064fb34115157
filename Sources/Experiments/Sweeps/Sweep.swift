import Foundation
import LinearCore
import Runs
import Studies
import Synchronization

/// Cells times seeds: every combination is measured once and kept as a file, so that a killed sweep goes
/// on with what was running.
///
/// Runs are independent and go side by side on the threads available, the longest first; with more runs
/// than threads each has one thread. Results do not depend on the number of threads.
struct Sweep<Cell: SweepCell>: Sendable {
  /// A name for progress lines.
  let name: String
  /// What is varied.
  let cells: [Cell]
  /// The seeds of the repeats.
  let seeds: [UInt64]

  /// A sweep. Cells must have different names, seeds must differ.
  init(name: String, cells: [Cell], seeds: [UInt64]) {
    precondition(Set(cells.map(\.fileName)).count == cells.count, "cells need different columns")
    precondition(Set(seeds).count == seeds.count && !seeds.isEmpty, "seeds must differ")
    self.name = name
    self.cells = cells
    self.seeds = seeds
  }

  private struct Job {
    let cell: Int
    let seed: Int
  }

  /// Measures what is not there yet, in `results/runs/<cell>-seed<seed>.json` of the directory.
  ///
  /// - Parameters:
  ///   - directory: its configuration must fix the results.
  ///   - measure: measures one run; called concurrently. What it returns must not depend on the time or
  ///     on the number of threads.
  /// - Throws: the error of the first run that failed, in the order of cells and seeds, with its name.
  ///   No run is started after a failure.
  func run(
    in directory: RunDirectory, progress: ProgressReporter,
    measure: @Sendable (Cell, SweepContext) throws(ExperimentError) -> SweepMeasurement
  ) throws(ExperimentError) -> SweepResults<Cell> {
    let jobs = cells.indices.flatMap { cell in seeds.indices.map { Job(cell: cell, seed: $0) } }
    // Equal costs keep their order.
    let order = jobs.indices.sorted { left, right in
      let costs = (cells[jobs[left].cell].cost, cells[jobs[right].cell].cost)
      return costs.0 == costs.1 ? left < right : costs.0 > costs.1
    }
    let state = SweepState(
      name: name, costs: jobs.map { cells[$0.cell].cost }, progress: progress)
    Parallel.forEach(order.count) { position in
      let number = order[position]
      let (cell, seed) = (cells[jobs[number].cell], seeds[jobs[number].seed])
      if state.hasFailed { return }
      let name = "\(cell.fileName)-seed\(seed)"
      let context = SweepContext(directory: directory, name: name, seed: seed) {
        state.update(number, fraction: $0)
      }
      var isNew = false
      do throws(ExperimentError) {
        let result = try directory.cached("results/runs/\(name).json") {
          () throws(ExperimentError) in
          isNew = true
          state.begin(number, title: "\(cell.title), seed \(seed)")
          return try measure(cell, context)
        }
        state.finish(number, result, isNew: isNew)
      } catch {
        state.fail(number, error.prefixed("\(cell.title), seed \(seed)"))
      }
    }
    let results = try state.results()
    return SweepResults(
      cells: cells, seeds: seeds,
      runs: cells.indices.map { cell in
        Array(results[cell * seeds.count..<(cell + 1) * seeds.count])
      })
  }
}

/// What the threads of a sweep share: results, the first error, and the progress line.
private final class SweepState: Sendable {
  private struct Content {
    var results: [SweepMeasurement?]
    var fractions: [Double]
    var costs: [Double]
    var error: (number: Int, error: ExperimentError)?
    var title = ""
  }

  private let content: Mutex<Content>
  private let name: String
  private let start = Date()
  /// Touched only inside the lock.
  nonisolated(unsafe) private let progress: ProgressReporter

  init(name: String, costs: [Double], progress: ProgressReporter) {
    self.name = name
    self.progress = progress
    content = Mutex(
      Content(
        results: Array(repeating: nil, count: costs.count),
        fractions: Array(repeating: 0, count: costs.count), costs: costs))
  }

  var hasFailed: Bool { content.withLock { $0.error != nil } }

  func begin(_ number: Int, title: String) {
    content.withLock {
      $0.title = title
      show($0)
    }
  }

  func update(_ number: Int, fraction: Double) {
    content.withLock {
      $0.fractions[number] = min(max(fraction, 0), 1)
      show($0)
    }
  }

  func finish(_ number: Int, _ result: SweepMeasurement, isNew: Bool) {
    content.withLock {
      $0.results[number] = result
      $0.fractions[number] = 1
      // What an earlier process has measured says nothing about this one's speed.
      if !isNew { $0.costs[number] = 0 }
      show($0)
    }
  }

  func fail(_ number: Int, _ error: ExperimentError) {
    content.withLock {
      if let first = $0.error, first.number < number { return }
      $0.error = (number, error)
    }
  }

  func results() throws(ExperimentError) -> [SweepMeasurement] {
    let (results, error) = content.withLock { content in
      progress.clear()
      return (content.results, content.error)
    }
    if let error { throw error.error }
    return results.map { $0! }
  }

  private func show(_ content: Content) {
    let total = content.costs.reduce(0, +)
    let done = zip(content.costs, content.fractions).reduce(0) { $0 + $1.0 * $1.1 }
    let finished = content.results.count { $0 != nil }
    progress.update(
      "\(name): \(finished)/\(content.results.count) runs, \(content.title)",
      fraction: total > 0 ? done / total : 1, since: start)
  }
}
