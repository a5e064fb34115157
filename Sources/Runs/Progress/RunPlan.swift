import Foundation
import LinearCore

/// The stages of a long experiment with the time each is expected to take: said before it starts, and
/// corrected while it runs by the time that the finished stages have taken.
package struct RunPlan: Sendable {
  package struct Stage: Sendable {
    /// What is done: "train 30 networks".
    package let name: String
    /// Expected seconds on the threads at hand.
    package let seconds: Double

    package init(_ name: String, seconds: Double) {
      self.name = name
      self.seconds = seconds
    }
  }

  /// The stages in order.
  package let stages: [Stage]
  /// What shares the time of a single stage whose parts go side by side, and seconds of each.
  private let details: [(name: String, seconds: Double)]
  /// The stage at work; `stages.count` after the last.
  private(set) var current = -1
  private var began = Date.distantPast
  private var taken = 0.0
  private var expected = 0.0

  package init(_ stages: [Stage]) { self.init(stages, details: []) }

  /// A plan of one stage whose parts go side by side.
  package init(_ stages: [Stage], details: [(name: String, seconds: Double)]) {
    self.stages = stages
    self.details = details
  }

  /// Expected seconds of all stages.
  package var seconds: Double { stages.reduce(0) { $0 + $1.seconds } }

  /// Expected seconds of the present stage.
  var stageSeconds: Double? { stages.indices.contains(current) ? stages[current].seconds : nil }

  /// The stages and their times, a line each.
  package var text: String {
    let lines = stages.enumerated().map { number, stage in
      "  \(number + 1). \(stage.name): about \(ProgressReporter.duration(stage.seconds))"
    }
    let parts = details.map { "     \($0.name): about \(ProgressReporter.duration($0.seconds))" }
    return "plan, about \(ProgressReporter.duration(seconds)) in all:\n"
      + (lines + parts).joined(separator: "\n")
  }

  /// Goes on to the next stage.
  mutating func advance(at now: Date) {
    if current >= 0 && current < stages.count {
      taken += now.timeIntervalSince(began)
      expected += stages[current].seconds
    }
    current += 1
    began = now
  }

  /// Expected seconds of the stages after the present one: as planned, times how much longer than planned
  /// those before have taken.
  func secondsAfterStage() -> Double {
    let later = stages.dropFirst(current + 1).reduce(0) { $0 + $1.seconds }
    // A stage that an earlier process has finished says nothing about this machine.
    return expected > 0 && taken > 0.05 * expected ? later * taken / expected : later
  }

  /// Floating-point operations a second of dense products in single precision, on all threads: measured
  /// in some hundredths of a second.
  package static func productRate() -> Double {
    let (m, n, k) = (250, 100, 1000)
    let a = Matrix<Float>(rows: m, columns: k, elements: [Float](repeating: 0.5, count: m * k))
    let b = Matrix<Float>(rows: n, columns: k, elements: [Float](repeating: 0.25, count: n * k))
    var fastest = Double.infinity
    for _ in 0..<5 {
      let start = Date()
      Parallel.forEach(Parallel.threadCount) { _ in
        for _ in 0..<4 { _ = Matrix.product(a, b, transposeB: true) }
      }
      fastest = min(fastest, Date().timeIntervalSince(start))
    }
    return 2 * Double(m * n * k * 4 * Parallel.threadCount) / fastest
  }
}
