import Foundation
import Synchronization

/// What becomes of work when the user or the system asks the program to end: Ctrl-C (SIGINT), SIGTERM, SIGHUP.
///
/// Every file appears whole, so a process may end at any time. Work that goes on from checkpoints gets the time
/// to write one: it calls ``safePoint(_:)`` between two pieces, inside ``withSafePoints(_:)``. All other work
/// ends at once. Then one line says where it stopped and how to go on, and the status is 128 plus the number of
/// the signal. A second signal ends the process without waiting.
///
/// Nothing of this happens in programs that do not call ``install(resumption:)``.
package enum Interruption {
  private struct State {
    var signal: Int32?
    var position: String?
    var resumption: String?
    var safePoints = 0
  }

  private static let state = Mutex(State())
  /// Looked at in loops, so apart from the lock.
  private static let isRequested = Atomic(false)
  /// Kept alive. Touched by ``install(resumption:)`` alone, which a program calls once.
  nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []

  /// How long work with safe points may take to reach the next one. Where pieces take longer than that, a
  /// checkpoint was written behind the last of them.
  private static let patience = 10.0

  /// Makes the signals end the program in order.
  ///
  /// - Parameter resumption: how to go on, a command; nil where nothing is kept.
  package static func install(resumption: String?) {
    state.withLock { $0.resumption = resumption }
    for number in [SIGINT, SIGTERM, SIGHUP] {
      // What a shell has switched off for work in the background, or nohup, stays so.
      if unsafeBitCast(signal(number, SIG_IGN), to: Int.self)
        == unsafeBitCast(SIG_IGN, to: Int.self)
      {
        continue
      }
      let source = DispatchSource.makeSignalSource(
        signal: number, queue: DispatchQueue.global(qos: .userInteractive))
      source.setEventHandler { received(number) }
      source.resume()
      sources.append(source)
    }
  }

  /// Notes how far the work is, for the last line.
  static func note(_ position: String) { state.withLock { $0.position = position } }

  /// Whether the program was asked to end.
  static var wasRequested: Bool { isRequested.load(ordering: .relaxed) }

  /// Runs work that calls ``safePoint(_:)`` now and then.
  package static func withSafePoints<Result, Failure: Error>(_ body: () throws(Failure) -> Result)
    throws(Failure) -> Result
  {
    state.withLock { $0.safePoints += 1 }
    defer { state.withLock { $0.safePoints -= 1 } }
    return try body()
  }

  /// A place where the work can end: keeps what was done and ends the program, if it was asked to.
  ///
  /// - Parameter keep: writes a checkpoint and says where the work stopped.
  package static func safePoint(_ keep: () throws -> String?) rethrows {
    guard wasRequested else { return }
    let position = try keep()
    let signal = state.withLock {
      if let position { $0.position = position }
      return $0.signal
    }
    end(signal ?? SIGTERM)
  }

  /// Ends the program if it was asked to; called where it would end with an error instead.
  package static func finishIfRequested() { safePoint { nil } }

  private static func received(_ number: Int32) {
    let (isFirst, waits) = state.withLock { state in
      let isFirst = state.signal == nil
      if isFirst { state.signal = number }
      return (isFirst, state.safePoints > 0)
    }
    isRequested.store(true, ordering: .relaxed)
    guard isFirst && waits else { end(number) }
    DispatchQueue.global().asyncAfter(deadline: .now() + patience) { end(number) }
  }

  /// Says where the work stopped, and ends the process. Never returns, on whatever thread.
  private static func end(_ number: Int32) -> Never {
    let names = [SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGHUP: "SIGHUP"]
    // One thread says it; others wait here for the end.
    state.withLock { state in
      var line = "stopped by \(names[number] ?? "signal \(number)")"
      if let position = state.position { line += " at \(position)" }
      line += state.resumption.map { "; go on with: \($0)" } ?? "; nothing was kept"
      ProgressReporter.clearLine()
      ProgressReporter.printError("\(line)\n")
      RunLock.removeAll()
      // Not exit(3): other threads are at work, and nothing waits to be written.
      _exit(128 + number)
    }
    _exit(128 + number)
  }
}
