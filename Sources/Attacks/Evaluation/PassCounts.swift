import Foundation

/// How many passes through the classifier an attack has spent on each sample.
///
/// An ``AttackProblem`` counts what goes through it; its subsets count for the samples they came from.
package final class PassCounts: @unchecked Sendable {
  private let lock = NSLock()
  private var forward: [Int]
  private var gradient: [Int]

  /// Counts for some samples, all 0.
  package init(samples: Int) {
    forward = [Int](repeating: 0, count: samples)
    gradient = forward
  }

  /// Evaluations of the classifier alone, a number a sample.
  package var forwardPasses: [Int] { lock.withLock { forward } }
  /// Evaluations of the classifier with a gradient, a number a sample.
  package var gradientPasses: [Int] { lock.withLock { gradient } }

  func addForward(_ samples: [Int]) {
    lock.withLock { for i in samples { forward[i] += 1 } }
  }

  func addGradients(_ samples: [Int], _ passes: [Int]? = nil) {
    lock.withLock {
      for (row, i) in samples.enumerated() { gradient[i] += passes?[row] ?? 1 }
    }
  }
}
