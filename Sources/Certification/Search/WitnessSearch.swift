import Foundation
import LinearCore

/// Looks for small perturbations that lose the label, to prune a search with: a minimum-norm descent on
/// P - N in few dimensions. What it finds are upper bounds.
struct WitnessSearch {
  private let problem: DecisionProblem
  private let preActivations: [Double]
  private let deadline: Date

  /// - Parameter deadline: when to begin no further step.
  init(_ problem: DecisionProblem, deadline: Date = .distantFuture) {
    self.problem = problem
    self.deadline = deadline
    preActivations = problem.preActivations
  }

  /// The smallest perturbation found from several starts; nil where none loses the label.
  /// - Parameter startsEnd: when to begin no further start but the first.
  func run(maximum: Double, startsEnd: Date = .distantFuture) -> [Double]? {
    var best: [Double]?
    var length = maximum
    let origin = [Double](repeating: 0, count: problem.dimension)
    var starts = [problem.margin(origin).gradient.map { -$0 }]
    var together = origin
    // Of many neurons those that could speak loudest.
    let loudness = preActivations.enumerated().map {
      problem.weights[$0.offset] * problem.activation($0.element + maximum)
    }
    let against = (problem.supporting..<problem.count).sorted {
      (loudness[$1], $0) < (loudness[$0], $1)
    }
    for k in against.prefix(32) {
      let row = problem.directions.row(k)
      // Towards the neuron, and away from what speaks for the label.
      starts.append(zip(row, starts[0]).map { $0 + $1 / max(1e-12, Norm.l2.length(starts[0])) })
      together = zip(together, row).map { $0 + $1 * problem.weights[k] }
    }
    starts.append(together)
    starts.append(problem.point.map { -$0 })
    if problem.dimension <= 32 {
      for i in 0..<problem.dimension {
        for sign in [1.0, -1] {
          var axis = [Double](repeating: 0, count: problem.dimension)
          axis[i] = sign
          starts.append(axis)
        }
      }
    }
    for (number, start) in starts.enumerated() {
      if number > 0, Date() >= min(startsEnd, deadline) { break }
      guard let found = improve(start, below: length) else { continue }
      best = found
      length = Norm.l2.length(found)
    }
    return best
  }

  /// Follows a direction to the boundary and descends along the boundary towards smaller perturbations.
  /// - Returns: a perturbation shorter than `limit` that loses the label, or nil.
  func improve(_ direction: [Double], below limit: Double) -> [Double]? {
    let size = Norm.l2.length(direction)
    guard size > 0, size.isFinite else { return nil }
    var best: [Double]?
    var length = limit
    guard var current = firstCrossing(along: direction.map { $0 / size }, size: size, limit: limit)
    else {
      return nil
    }
    var weight = 1.0
    for _ in 0..<40 {
      let here = Norm.l2.length(current)
      if here < length {
        best = current
        length = here
      }
      let (_, gradient) = problem.margin(current)
      let square = gradient.reduce(0) { $0 + $1 * $1 }
      if square == 0 || Date() >= deadline { break }
      // The point of the tangent plane next to the origin.
      let distance = zip(gradient, current).reduce(0) { $0 + $1.0 * $1.1 } / square
      let nearest = gradient.map { $0 * distance }
      var moved = false
      while weight > 0.02 {
        let next = zip(current, nearest).map { (1 - weight) * $0 + weight * $1 }
        let size = Norm.l2.length(next)
        if size > 0,
          let found = boundary(along: next.map { $0 / size }, within: here * (1 - 1e-7))
        {
          current = found
          moved = true
          weight = min(1, 1.5 * weight)
          break
        }
        weight /= 2
      }
      if !moved { break }
    }
    return best
  }

  /// Where a ray is first seen to lose the label: by steps, since it may win it back. A ray that loses it
  /// late may still lead to a place nearby.
  private func firstCrossing(along direction: [Double], size: Double, limit: Double) -> [Double]? {
    // The point itself may lie on the boundary, and the label lost there for a moment only.
    let near = [1 + 1e-6, 1 + 1e-3].map { $0 * size }
    let margin = MarginAlongRay(problem, start: preActivations, direction: direction)
    for t in near + (1...12).map({ limit * 0.25 * Double($0) }) {
      if margin(t) <= 0 {
        return boundary(along: direction, within: t)
      }
    }
    return nil
  }

  /// A point of the boundary on a ray, by safeguarded regula falsi, the label being lost there; nil where it
  /// is kept at the maximum.
  private func boundary(along direction: [Double], within maximum: Double) -> [Double]? {
    let value = MarginAlongRay(problem, start: preActivations, direction: direction)
    var (left, right) = (0.0, maximum)
    var (high, low) = (value(0), value(maximum))
    if high <= 0 { return nil }
    if low > 0 { return nil }
    for _ in 0..<60 where right - left > 1e-10 * right {
      var t = left + (right - left) * high / (high - low)
      let width = right - left
      if !(t > left + 1e-3 * width && t < right - 1e-3 * width) { t = 0.5 * (left + right) }
      let next = value(t)
      if next > 0 { (left, high) = (t, next) } else { (right, low) = (t, next) }
      if right - left > 0.6 * width {
        let middle = 0.5 * (left + right)
        let next = value(middle)
        if next > 0 { (left, high) = (middle, next) } else { (right, low) = (middle, next) }
      }
    }
    return direction.map { $0 * right }
  }
}
