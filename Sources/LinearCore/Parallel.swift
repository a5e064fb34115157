import Dispatch
import Foundation
import Synchronization

/// Runs pieces of work on several threads.
///
/// The caller cuts the work into pieces by a rule that does not look at the number of threads; each
/// piece writes its own output. Results are therefore the same, byte for byte, on any number of
/// threads.
package enum Parallel {
  private static let limit = Atomic<Int>(0)
  /// Asked once: the answer takes longer than many a loop over a short vector.
  private static let processorCount = AvailableProcessors.count()

  /// Inside a piece of work that runs beside others: the threads that are left for it.
  @TaskLocal private static var share: Int?

  /// How many threads all pieces of work together may use. Setting 0 means all that this
  /// process may use, see ``AvailableProcessors``.
  package static var threadCount: Int {
    get {
      let set = limit.load(ordering: .relaxed)
      return set > 0 ? set : processorCount
    }
    set {
      precondition(newValue >= 0, "a thread count cannot be negative")
      limit.store(newValue, ordering: .relaxed)
    }
  }

  /// Calls `body(0)` to `body(count - 1)`, in any order, on at most ``threadCount`` threads.
  ///
  /// Returns when all calls have returned. `body` must be safe to run concurrently with itself. Denormal
  /// numbers are zeros in it, on every thread. Calls inside `body` share the threads that are left:
  /// where the outer call takes all of them, inner ones run serially on the thread they are made on.
  package static func forEach(_ count: Int, _ body: (Int) -> Void) {
    let available = share ?? threadCount
    let threads = min(available, count)
    if threads <= 1 {
      DenormalNumbers.flushed {
        for index in 0..<max(count, 0) { body(index) }
      }
      return
    }
    let next = Atomic<Int>(0)
    let cancellation = Cancellation.current
    withoutActuallyEscaping(body) { body in
      nonisolated(unsafe) let body = body
      DispatchQueue.concurrentPerform(iterations: threads) { _ in
        $share.withValue(available / threads) {
          Cancellation.$current.withValue(cancellation) {
            DenormalNumbers.flushed {
              while true {
                let index = next.add(1, ordering: .relaxed).oldValue
                if index >= count { return }
                body(index)
              }
            }
          }
        }
      }
    }
  }

  /// Cuts 0..<count into consecutive ranges of `size` (the last may be shorter) and calls `body` on
  /// each, with its number.
  package static func forEachBlock(
    of count: Int, size: Int, _ body: (_ block: Int, _ range: Range<Int>) -> Void
  ) {
    forEach(blockCount(of: count, size: size)) { block in
      body(block, block * size..<min(count, (block + 1) * size))
    }
  }

  /// The number of ranges ``forEachBlock(of:size:_:)`` makes.
  package static func blockCount(of count: Int, size: Int) -> Int {
    precondition(size > 0)
    return (count + size - 1) / size
  }
}
