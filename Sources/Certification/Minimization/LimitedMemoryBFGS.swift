import Foundation
import LinearCore

/// The limited-memory BFGS method (Liu and Nocedal, *Mathematical Programming* 1989) with a line search that only asks
/// for descent.
struct LimitedMemoryBFGS {
  /// Steps and changes of the gradient that are kept.
  private static var memory: Int { 12 }

  private let count: Int
  private var steps: [[Double]] = []
  private var changes: [[Double]] = []
  private var curvatures: [Double] = []

  /// - Parameter count: unknowns.
  init(count: Int) { self.count = count }

  /// Minimises from `x` on.
  ///
  /// - Parameters:
  ///   - limit: iterations at most.
  ///   - tolerance: ends when an iteration gains less than this, twice in a row.
  ///   - deadline: when to begin no further iteration.
  ///   - function: the value at a point; writes the gradient.
  /// - Returns: the least value, that at the new `x`.
  mutating func minimize(
    _ x: inout [Double], limit: Int, tolerance: Double, deadline: Date = .distantFuture,
    _ function: ([Double], inout [Double]) -> Double
  ) -> Double {
    steps.removeAll(keepingCapacity: true)
    changes.removeAll(keepingCapacity: true)
    curvatures.removeAll(keepingCapacity: true)
    var gradient = [Double](repeating: 0, count: count)
    var value = function(x, &gradient)
    var next = x
    var nextGradient = gradient
    var failures = 0
    for iteration in 0..<limit {
      let direction = direction(gradient)
      let slope = Double.dot(count, direction, gradient)
      if !(slope < 0) { break }
      var length = iteration == 0 ? min(1, 0.1 / (-slope).squareRoot()) : 1
      var nextValue = Double.infinity
      for _ in 0..<20 {
        for i in 0..<count { next[i] = x[i] + length * direction[i] }
        nextValue = function(next, &nextGradient)
        if nextValue <= value + 1e-4 * length * slope { break }
        length *= 0.4
      }
      if !(nextValue < value) { break }
      remember(x, next, gradient, nextGradient)
      failures = value - nextValue < tolerance ? failures + 1 : 0
      swap(&x, &next)
      swap(&gradient, &nextGradient)
      value = nextValue
      if failures > 1 || Date() >= deadline { break }
    }
    return value
  }

  private mutating func remember(
    _ x: [Double], _ next: [Double], _ gradient: [Double], _ nextGradient: [Double]
  ) {
    let step = zip(next, x).map { $0 - $1 }
    let change = zip(nextGradient, gradient).map { $0 - $1 }
    let curvature = Double.dot(count, step, change)
    // Where the function is not convex a step may have none.
    if curvature <= 1e-10 * Double.dot(count, change, change) { return }
    if steps.count == Self.memory {
      steps.removeFirst()
      changes.removeFirst()
      curvatures.removeFirst()
    }
    steps.append(step)
    changes.append(change)
    curvatures.append(curvature)
  }

  /// Minus the approximate inverse Hessian times the gradient.
  private func direction(_ gradient: [Double]) -> [Double] {
    var result = gradient
    var shares = [Double](repeating: 0, count: steps.count)
    for i in steps.indices.reversed() {
      shares[i] = Double.dot(count, steps[i], result) / curvatures[i]
      Double.add(count, -shares[i], changes[i], to: &result)
    }
    if let change = changes.last {
      Double.scale(count, curvatures.last! / Double.dot(count, change, change), &result)
    }
    for i in steps.indices {
      let share = shares[i] - Double.dot(count, changes[i], result) / curvatures[i]
      Double.add(count, share, steps[i], to: &result)
    }
    Double.scale(count, -1, &result)
    return result
  }
}
