import Foundation
import Runs
import Synchronization

/// What the threads of a grid share: results, the first error, and the progress line.
final class GridState<Values: Codable & Sendable>: Sendable {
  private struct Content {
    var results: [Measured<Values>?]
    var fractions: [Double]
    var costs: [Double]
    var error: (number: Int, error: ExperimentError)?
    var title = ""
  }

  private let content: Mutex<Content>
  private let name: String
  private let start = Date()
  /// Whether the runs show their own progress.
  private let isSilent: Bool
  /// Touched only inside the lock.
  nonisolated(unsafe) private let progress: ProgressReporter

  init(name: String, costs: [Double], progress: ProgressReporter, isSilent: Bool) {
    self.name = name
    self.progress = progress
    self.isSilent = isSilent
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

  func finish(_ number: Int, _ result: Measured<Values>, isNew: Bool) {
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

  func results() throws(ExperimentError) -> [Measured<Values>] {
    let (results, error) = content.withLock { content in
      progress.clear()
      return (content.results, content.error)
    }
    if let error { throw error.error }
    return results.map { $0! }
  }

  private func show(_ content: Content) {
    if isSilent { return }
    let total = content.costs.reduce(0, +)
    let done = zip(content.costs, content.fractions).reduce(0) { $0 + $1.0 * $1.1 }
    let finished = content.results.count { $0 != nil }
    progress.update(
      "\(name): \(finished)/\(content.results.count) runs, \(content.title)",
      fraction: total > 0 ? done / total : 1, since: start)
  }
}
