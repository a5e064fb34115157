import CPolyReLU
import Foundation
import LinearCore
import Runs
import Synchronization

/// Work on a thread of its own, which may ask whoever waits for it to compute something.
///
/// The worker writes a request down and sleeps; the waiting thread takes it, computes, and answers. So foreign code
/// runs on the thread that it knows, one call at a time, whichever thread of the work needs it.
final class Job: @unchecked Sendable {
  /// What the work ended with.
  typealias Outcome = Result<ResultDocument, ExperimentError>

  private let condition = NSCondition()
  private var request: polyrelu_request?
  private var isTaken = false
  private var answer: Bool?
  private var outcome: Outcome?
  private var fraction = 0.0
  /// Held by the worker thread whose turn it is to ask.
  private let turn = NSLock()
  private let cancellation = Cancellation()

  /// Bytes of the stack of a worker: what a main thread has.
  private static let stackSize = 8 << 20

  /// Begins work.
  /// - Throws: ``ExperimentError/failed(_:)`` in a process that was forked after the first job.
  init(_ work: @escaping (Job) throws(ExperimentError) -> ResultDocument) throws(ExperimentError) {
    try ForkGuard.check()
    nonisolated(unsafe) let work = work
    let thread = Thread { [self] in
      let outcome: Outcome = Cancellation.$current.withValue(cancellation) {
        do throws(ExperimentError) { return .success(try work(self)) } catch {
          return .failure(error)
        }
      }
      end(outcome)
    }
    thread.stackSize = Self.stackSize
    thread.start()
  }

  private func end(_ outcome: Outcome) {
    condition.lock()
    self.outcome = outcome
    condition.broadcast()
    condition.unlock()
  }

  /// Reports the share that is done.
  var progress: ProgressReporter {
    ProgressReporter { [weak self] share in self?.set(fraction: share) }
  }

  private func set(fraction share: Double) {
    condition.lock()
    fraction = share
    condition.unlock()
  }

  // MARK: - The worker's side

  /// Runs some requests without those of other threads between them.
  func inTurn<Result>(_ body: () -> Result) -> Result {
    turn.lock()
    defer { turn.unlock() }
    return body()
  }

  /// Hands a request on and waits for the answer.
  /// - Returns: whether it was done; false for a job that is cancelled.
  func ask(_ wanted: polyrelu_request) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    if cancellation.isRequested { return false }
    (request, isTaken, answer) = (wanted, false, nil)
    condition.broadcast()
    // Who has taken the request writes into memory of this thread: then it has to be waited for.
    while answer == nil && (isTaken || !cancellation.isRequested) { condition.wait() }
    request = nil
    return answer ?? false
  }

  // MARK: - The caller's side

  /// The next request, or what there is after so many seconds.
  func wait(_ seconds: Double) -> polyrelu_request {
    condition.lock()
    defer { condition.unlock() }
    let limit = Date(timeIntervalSinceNow: min(max(seconds, 0), 1e6))
    while true {
      if outcome != nil { return plain(POLYRELU_DONE) }
      if var request, !isTaken {
        isTaken = true
        request.fraction = fraction
        return request
      }
      if !condition.wait(until: limit) {
        return plain(outcome == nil ? POLYRELU_NOTHING : POLYRELU_DONE)
      }
    }
  }

  private func plain(_ kind: Int) -> polyrelu_request {
    var request = polyrelu_request()
    (request.kind, request.fraction) = (Int32(kind), fraction)
    return request
  }

  /// Answers the request that was taken.
  func reply(isDone: Bool) {
    condition.lock()
    if !isDone { cancellation.request() }
    if isTaken { (request, answer, isTaken) = (nil, isDone, false) }
    condition.broadcast()
    condition.unlock()
  }

  func cancel() {
    condition.lock()
    cancellation.request()
    condition.broadcast()
    condition.unlock()
  }

  /// Whether somebody has asked it to end.
  var isCancelled: Bool { cancellation.isRequested }

  /// What it has found; nil before the end.
  var result: Outcome? {
    condition.lock()
    defer { condition.unlock() }
    return outcome
  }
}

/// Threads do not survive a fork: a child would wait for work that nobody does.
enum ForkGuard {
  private static let process = Atomic<Int32>(0)

  static func check() throws(ExperimentError) {
    let own = getpid()
    let (_, first) = process.compareExchange(expected: 0, desired: own, ordering: .relaxed)
    guard first == 0 || first == own else {
      throw .failed(
        "this process was forked after its parent had used polyrelu, whose threads it does not have; fork before "
          + "the first call, or start workers by spawn or forkserver")
    }
  }
}
