import Foundation
import LinearCore

/// Live progress of long work on standard error: one line rewritten in place on a terminal, a plain
/// line every few seconds elsewhere.
public final class ProgressReporter {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let isSilent: Bool
  private var lastPrinted = Date.distantPast
  private var lineLength = 0
  private var plan: RunPlan?
  private let share: (@Sendable (Double) -> Void)?

  /// A reporter; `quiet` prints nothing.
  public init(quiet: Bool = false) {
    isSilent = quiet
    share = nil
  }

  /// A reporter of work that is a part of something larger: shows nothing, but hands on which share of it is
  /// done.
  init(share: @escaping @Sendable (Double) -> Void) {
    isSilent = true
    self.share = share
  }

  /// Says what will be done and how long it may take, where it takes more than a minute.
  func begin(_ plan: RunPlan) {
    self.plan = plan
    if plan.seconds >= 60 { note(plan.text) }
  }

  /// Goes on to the next stage of the plan.
  func beginStage() { plan?.advance(at: Date()) }

  /// Shows the state of the work now and then.
  /// - Parameters:
  ///   - fraction: the share that is done, 0...1; with the time since `start` it gives the time left.
  public func update(_ text: @autoclosure () -> String, fraction: Double, since start: Date) {
    share?(fraction)
    guard isDue(since: start) else { return }
    let elapsed = Date().timeIntervalSince(start)
    var left = fraction > 0 ? elapsed * (1 - fraction) / fraction : .infinity
    // The first steps of a stage say little; until a tenth is done the plan counts as well.
    if let planned = plan?.stageSeconds, fraction < 0.1 {
      let weight = 10 * fraction
      left = weight * (left.isFinite ? left : 0) + (1 - weight) * max(0, planned - elapsed)
    }
    var line = "\(text()), \(Self.duration(left)) left"
    if let later = plan?.secondsAfterStage(), later >= 1 {
      line += ", \(Self.duration(left + later)) in all"
    }
    show(line)
  }

  /// Shows the state of work whose end nobody can foresee now and then.
  public func update(_ text: @autoclosure () -> String, since start: Date) {
    if isDue(since: start) { show(text()) }
  }

  private func isDue(since start: Date) -> Bool {
    if isSilent { return false }
    let now = Date()
    if now.timeIntervalSince(lastPrinted) < (isTerminal ? 0.2 : 5) { return false }
    // Short work finishes before anybody wonders.
    if now.timeIntervalSince(start) < (isTerminal ? 0.5 : 5) { return false }
    lastPrinted = now
    return true
  }

  /// A line that stays.
  public func note(_ text: String) {
    if isSilent { return }
    clear()
    print("\(text)\n")
  }

  /// A warning that stays, also when quiet.
  public func warn(_ text: String) {
    clear()
    print("warning: \(text)\n")
  }

  /// Removes the live line.
  public func clear() {
    if lineLength > 0 { print("\r" + String(repeating: " ", count: lineLength) + "\r") }
    lineLength = 0
  }

  private func show(_ text: String) {
    if isTerminal {
      let padding = String(repeating: " ", count: max(0, lineLength - text.count))
      print("\r\(text)\(padding)")
      lineLength = text.count
    } else {
      print("\(text)\n")
    }
  }

  private func print(_ text: String) {
    // A reader that has gone away must not end the work.
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  /// A time span as a person says it: "12 s", "3 min 20 s", "2 h 5 min".
  public static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite else { return "unknown time" }
    let total = Int(saturating: seconds.rounded())
    if total < 60 { return "\(total) s" }
    if total < 3600 { return "\(total / 60) min \(total % 60) s" }
    return "\(total / 3600) h \(total % 3600 / 60) min"
  }
}
