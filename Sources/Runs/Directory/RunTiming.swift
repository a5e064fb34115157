import Foundation
import LinearCore
import Synchronization

/// What a run took and what it had; `timing.json`. Everything else in a run directory is the same for the same
/// seed, this is not.
package struct RunTiming: Codable, Sendable {
  /// Threads used by the last process that worked on the run.
  package var threads: Int
  /// Seconds of that process; nil where only parts are timed.
  package var seconds: Double?
  /// Seconds of the parts of the run, by name.
  package var parts: [String: Double] = [:]

  /// Times of this process.
  init() { threads = Parallel.threadCount }
}

extension RunDirectory {
  private static let timingName = "timing.json"
  /// Parts of a run may end at the same time.
  private static let timingLock = Mutex(())

  /// What earlier processes and this one have noted; nil for nothing.
  package func timing() -> RunTiming? {
    guard exists(Self.timingName) else { return nil }
    do {
      return try UserFile.json(path(Self.timingName), as: RunTiming.self, what: "times of a run")
    } catch {
      ProgressReporter.warn("\(error); times begin anew")
      return nil
    }
  }

  private func changeTiming(_ change: (inout RunTiming) -> Void) throws(ExperimentError) {
    try Self.timingLock.withLock { _ throws(ExperimentError) in
      var timing = timing() ?? RunTiming()
      timing.threads = Parallel.threadCount
      change(&timing)
      try write(timing, to: Self.timingName)
    }
  }

  /// Notes the seconds that this process has worked on the run.
  package func writeTiming(since start: Date) throws(ExperimentError) {
    try changeTiming { $0.seconds = Date().timeIntervalSince(start) }
  }

  /// Notes the seconds of a part of the run.
  func note(seconds: Double, of part: String) throws(ExperimentError) {
    try changeTiming { $0.parts[part] = seconds }
  }

  /// ``cached(_:_:)`` for a part whose seconds are noted.
  package func timed<Value: Codable>(
    _ name: String, part: String, _ compute: () throws(ExperimentError) -> Value
  ) throws(ExperimentError) -> Value {
    try cached(name) { () throws(ExperimentError) in
      let start = Date()
      let value = try compute()
      try note(seconds: Date().timeIntervalSince(start), of: part)
      return value
    }
  }
}
