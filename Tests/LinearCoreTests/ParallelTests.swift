import Foundation
import LinearCore
import Synchronization
import Testing

@Suite struct ParallelTests {
  @Test(arguments: [0, 1, 2, 1000], [1, 2, 8])
  func everyIndexExactlyOnce(count: Int, threads: Int) {
    let seen = Mutex([Int](repeating: 0, count: count))
    withThreads(threads) {
      Parallel.forEach(count) { index in seen.withLock { $0[index] += 1 } }
    }
    #expect(seen.withLock { $0 } == [Int](repeating: 1, count: count))
  }

  @Test(arguments: [0, 1, 2, 1000], [1, 3, 1000, 1001])
  func blocksAreConsecutiveAndCoverTheRange(count: Int, size: Int) {
    let seen = Mutex([Int: Range<Int>]())
    withThreads(8) {
      Parallel.forEachBlock(of: count, size: size) { block, range in
        seen.withLock { $0[block] = range }
      }
    }
    let blocks = seen.withLock { $0 }
    #expect(blocks.count == Parallel.blockCount(of: count, size: size))
    var next = 0
    for block in 0..<blocks.count {
      #expect(blocks[block]?.lowerBound == next)
      #expect((1...size).contains(blocks[block]?.count ?? 0))
      next = blocks[block]?.upperBound ?? -1
    }
    #expect(next == count)
  }

  @Test(arguments: [1, 2, 8]) func nestedUseReturns(threads: Int) {
    let total = Atomic<Int>(0)
    withThreads(threads) {
      Parallel.forEach(20) { i in
        Parallel.forEach(20) { j in
          Parallel.forEach(3) { k in total.add(i * 100 + j * 10 + k, ordering: .relaxed) }
        }
      }
    }
    // Each index sums to n (n - 1) / 2, as often as the other two loops run.
    #expect(total.load(ordering: .relaxed) == 100 * 190 * 60 + 10 * 190 * 60 + 3 * 400)
  }

  @Test func usesNoMoreThreadsThanAllowed() {
    let running = Atomic<Int>(0)
    let most = Mutex(0)
    withThreads(2) {
      Parallel.forEach(500) { _ in
        let now = running.add(1, ordering: .sequentiallyConsistent).newValue
        most.withLock { $0 = max($0, now) }
        running.subtract(1, ordering: .sequentiallyConsistent)
      }
    }
    #expect(most.withLock { $0 } <= 2)
  }

  /// With all threads taken by the outer call, inner ones stay on their thread, in order.
  @Test func nestedUseIsSerialWhereNoThreadIsLeft() {
    let isInOrder = Mutex(true)
    withThreads(2) {
      Parallel.forEach(40) { _ in
        let thread = pthread_self()
        var expected = 0
        Parallel.forEach(50) { inner in
          let isExpected = pthread_equal(thread, pthread_self()) != 0 && inner == expected
          expected += 1
          if !isExpected { isInOrder.withLock { $0 = false } }
        }
      }
    }
    #expect(isInOrder.withLock { $0 })
  }

  /// Threads that the outer call leaves are shared, and never more than allowed run at once.
  @Test(arguments: [2, 3, 8]) func nestedUseKeepsTheLimit(threads: Int) {
    let running = Atomic<Int>(0)
    let most = Mutex(0)
    withThreads(threads) {
      Parallel.forEach(3) { _ in
        Parallel.forEach(100) { _ in
          let now = running.add(1, ordering: .sequentiallyConsistent).newValue
          most.withLock { $0 = max($0, now) }
          running.subtract(1, ordering: .sequentiallyConsistent)
        }
      }
    }
    #expect(most.withLock { $0 } <= threads)
  }

  /// A product inside a parallel piece has the bytes it has outside.
  @Test func nestedProductsAreTheSame() {
    let stream = RandomStream(seed: 3)
    let a = Matrix<Float>.gaussian(rows: 300, columns: 70, stream: stream.child("a"))
    let b = Matrix<Float>.gaussian(rows: 70, columns: 210, stream: stream.child("b"))
    let outside = withThreads(8) { Matrix.product(a, b) }
    let isSame = Mutex(true)
    withThreads(2) {
      Parallel.forEach(4) { _ in
        let inside = Matrix.product(a, b)
        if inside != outside { isSame.withLock { $0 = false } }
      }
    }
    #expect(isSame.withLock { $0 })
  }

  @Test func zeroMeansAllProcessors() {
    withThreads(0) { #expect(Parallel.threadCount >= 1) }
    withThreads(5) { #expect(Parallel.threadCount == 5) }
  }
}
