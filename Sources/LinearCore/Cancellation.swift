import Synchronization

/// A wish that long work should end early, seen by all threads that do it.
///
/// Loops look at ``isRequested`` between two pieces and leave. What they return then is whatever they have, and no
/// result: whoever started the work throws it away, see ``check(_:)``.
package final class Cancellation: Sendable {
  private let flag = Atomic<Bool>(false)

  /// Of the work that this thread does; nil for work that nobody can cancel.
  @TaskLocal package static var current: Cancellation?

  package init() {}

  /// Asks the work to end.
  package func request() { flag.store(true, ordering: .relaxed) }

  /// Whether the work was asked to end.
  package var isRequested: Bool { flag.load(ordering: .relaxed) }

  /// Whether the work of this thread was asked to end.
  package static var isRequested: Bool { current?.isRequested ?? false }

  /// Throws where the work of this thread was asked to end.
  ///
  /// - Parameter error: what is thrown then.
  package static func check<Failure: Error>(_ error: @autoclosure () -> Failure) throws(Failure) {
    if isRequested { throw error() }
  }
}
