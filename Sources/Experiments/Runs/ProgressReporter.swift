import Foundation

/// Live progress of long work on standard error: one line rewritten in place on a terminal, a plain
/// line every few seconds elsewhere.
public final class ProgressReporter {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let isSilent: Bool
  private var lastPrinted = Date.distantPast
  private var lineLength = 0

  /// A reporter; `quiet` prints nothing.
  public init(quiet: Bool = false) { isSilent = quiet }

  /// Shows the state of the work now and then.
  /// - Parameters:
  ///   - fraction: the share that is done, 0...1; with the time since `start` it gives the time left.
  public func update(_ text: @autoclosure () -> String, fraction: Double, since start: Date) {
    guard isDue(since: start) else { return }
    let elapsed = Date().timeIntervalSince(start)
    let left = fraction > 0 ? elapsed * (1 - fraction) / fraction : .infinity
    show("\(text()), \(Self.duration(left)) left")
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
    let total = Int(seconds.rounded())
    if total < 60 { return "\(total) s" }
    if total < 3600 { return "\(total / 60) min \(total % 60) s" }
    return "\(total / 3600) h \(total % 3600 / 60) min"
  }
}
