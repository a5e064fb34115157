import Foundation
import LinearCore
import Synchronization

/// Live progress of long work on standard error: one line rewritten in place on a terminal, a plain
/// line every few seconds elsewhere.
public final class ProgressReporter {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let isSilent: Bool
  private var lastPrinted = Date.distantPast
  private var lastNoted = Date.distantPast
  private var plan: RunPlan?
  private let share: (@Sendable (Double) -> Void)?

  /// A reporter; `quiet` prints nothing.
  public init(quiet: Bool = false) {
    isSilent = quiet
    share = nil
  }

  /// A reporter of work that is a part of something larger: shows nothing, but hands on which share of it is
  /// done.
  package init(share: @escaping @Sendable (Double) -> Void) {
    isSilent = true
    self.share = share
  }

  /// A reporter of a part of this work, whose shares are a range of the whole where shares are handed on.
  package func part(_ range: ClosedRange<Double>) -> ProgressReporter {
    guard let share else { return self }
    let length = range.upperBound - range.lowerBound
    return ProgressReporter { share(range.lowerBound + $0 * length) }
  }

  /// Says what will be done and how long it may take, where it takes more than a minute.
  package func begin(_ plan: RunPlan) {
    self.plan = plan
    if plan.seconds >= 60 { note(plan.text) }
  }

  /// Goes on to the next stage of the plan.
  package func beginStage() { plan?.advance(at: Date()) }

  /// Shows the state of the work now and then.
  /// - Parameters:
  ///   - fraction: the share that is done, 0...1; with the time since `start` it gives the time left.
  public func update(_ text: @autoclosure () -> String, fraction: Double, since start: Date) {
    share?(fraction)
    noteForInterruption(text)
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
    noteForInterruption(text)
    if isDue(since: start) { show(text()) }
  }

  /// Also when nothing is shown: where the work was interrupted is said in any case.
  private func noteForInterruption(_ text: () -> String) {
    let now = Date()
    guard share == nil, now.timeIntervalSince(lastNoted) >= 0.2 else { return }
    lastNoted = now
    Interruption.note(text())
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
    Self.clearLine()
    Self.printError("\(text)\n")
  }

  /// A warning that stays, also when quiet.
  public func warn(_ text: String) { Self.warn(text) }

  /// A warning that stays.
  package static func warn(_ text: String) {
    clearLine()
    printError("warning: \(text)\n")
  }

  /// Removes the live line.
  public func clear() { Self.clearLine() }

  /// The length of the live line. There is one terminal, however many reporters there are.
  private static let lineLength = Mutex(0)

  /// Removes the live line, whoever has written it.
  static func clearLine() {
    lineLength.withLock {
      if $0 > 0 { printError("\r" + String(repeating: " ", count: $0) + "\r") }
      $0 = 0
    }
  }

  private func show(_ text: String) {
    guard isTerminal else { return Self.printError("\(text)\n") }
    Self.lineLength.withLock {
      let padding = String(repeating: " ", count: max(0, $0 - text.count))
      Self.printError("\r\(text)\(padding)")
      $0 = text.count
    }
  }

  /// Writes to standard error. A reader that has gone away must not end the work.
  static func printError(_ text: String) {
    do { try FileHandle.standardError.write(contentsOf: Data(text.utf8)) } catch {}
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
