import Foundation
import LinearCore

/// Looks for small perturbations that lose the label, in any norm, from given directions: the ray to the boundary, and
/// along the boundary towards the nearest point of its tangent plane. What it finds are upper bounds.
///
/// It asks for the label only, never for the size of the margin, so that neither flat boundaries nor samples with
/// a margin of 0 mislead it.
struct BoundaryDescent {
  private let problem: DecisionProblem
  private let norm: Norm
  private let start: [Double]
  /// More than rounding changes a pre-activation by.
  private let doubt: Double
  private let deadline: Date
  /// Of valid perturbations; nil for all.
  private let range: PerturbationRange?

  /// - Parameter deadline: when to begin no further step.
  init(
    _ problem: DecisionProblem, norm: Norm, deadline: Date, range: PerturbationRange? = nil
  ) {
    self.range = range
    self.problem = problem
    self.norm = norm
    self.deadline = deadline
    start = problem.preActivations
    doubt =
      Double(problem.dimension + 4) * 0x1p-53
      * max(problem.distance.upperBound + problem.largestOffset, 1e-300)
  }

  /// The smallest perturbation found from the axes, the neurons and the way to the center; nil where none is shorter
  /// than `limit`.
  func search(below limit: Double) -> [Double]? {
    let n = problem.dimension
    let half = Date().addingTimeInterval(0.3 * deadline.timeIntervalSinceNow)
    var starts = [problem.point.map { -$0 }]
    for j in 0..<problem.count {
      let sign = j < problem.supporting ? -1.0 : 1
      starts.append(problem.directions.row(j).map { sign * $0 })
    }
    if n > CompleteSearch.mostDimensions {
      starts += starts.map(steepest)
    } else {
      for i in 0..<n { for sign in [1.0, -1] { starts.append(axis(i, sign)) } }
    }
    var best: [Double]?
    var length = limit
    for start in starts {
      if Date() >= deadline || best != nil && n > 64 && Date() >= half { break }
      let size = norm.length(start)
      guard size > 0, size.isFinite else { continue }
      // Far crossings may lead to near ones.
      for share in n > 64 ? [1] : [0.25, 0.5, 1, 2] {
        guard let found = improve(start.map { $0 * share * limit / size }, below: length) else {
          continue
        }
        best = found
        length = norm.length(found)
        break
      }
    }
    return best
  }

  private func axis(_ i: Int, _ sign: Double) -> [Double] {
    var axis = [Double](repeating: 0, count: problem.dimension)
    axis[i] = sign
    return axis
  }

  /// The direction of steepest descent of the norm for a gradient.
  private func steepest(_ direction: [Double]) -> [Double] {
    switch norm {
    case .l2: return direction
    case .linf: return direction.map { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }
    case .l1:
      let i = direction.indices.max { direction[$0].magnitude < direction[$1].magnitude }!
      return axis(i, direction[i] < 0 ? -1 : 1)
    }
  }

  private func valid(_ d: [Double]) -> [Double] { range?.clamped(d) ?? d }

  /// A perturbation shorter than `limit` that loses the label, from the ray of a direction on; nil for none.
  func improve(_ direction: [Double], below limit: Double) -> [Double]? {
    guard var current = crossing(direction) else { return nil }
    var best: [Double]?
    var length = limit
    var weight = 1.0
    for _ in 0..<40 {
      let here = norm.length(current)
      if here < length { (best, length) = (current, here) }
      guard Date() < deadline, let nearest = nearestOfTangent(at: current) else { break }
      var isBetter = false
      while weight > 0.01 {
        let next = valid(zip(current, nearest).map { (1 - weight) * $0 + weight * $1 })
        let size = norm.length(next)
        let scale = here * (1 - 1e-7) / size
        let moved = valid(next.map { $0 * scale })
        if size > 0, scale.isFinite, isLost(moved) {
          current = boundary(moved)
          isBetter = true
          weight = min(1, 1.5 * weight)
          break
        }
        weight /= 2
      }
      if !isBetter { break }
    }
    return best
  }

  /// A point near d where the label is lost: d, or a step across the boundary there; nil for none.
  func lostPoint(near d: [Double]) -> [Double]? {
    if isLost(d) { return d }
    let gradient = problem.margin(d).gradient
    let length = Norm.l2.length(gradient)
    guard length > 0, length.isFinite else { return nil }
    for step in [1e-8, 1e-6, 1e-4, 1e-2] {
      let moved = valid(zip(d, gradient).map { $0 - step * $1 / length })
      if isLost(moved) { return moved }
    }
    return nil
  }

  /// Whether the label is lost at x + d, by more than rounding decides.
  func isLost(_ d: [Double]) -> Bool {
    let n = problem.dimension
    var (value, error, isActive) = (0.0, 0.0, false)
    problem.directions.withPointer { rows in
      for j in 0..<problem.count {
        var z = start[j]
        for i in 0..<n { z += rows[j * n + i] * d[i] }
        if z <= -doubt { continue }
        if j < problem.supporting { isActive = true }
        let jet = problem.activation.derivatives(z + doubt)
        let term = problem.weights[j] * problem.activation(z)
        error += problem.weights[j] * jet.slope * doubt
        value += j < problem.supporting ? term : -term
      }
    }
    let bias = problem.biasTerm(squaredLength(d))
    value += bias
    error += 0x1p-50 * bias.magnitude
    return value < -error || (value == 0 && !isActive && !problem.keepsTies)
  }

  private func squaredLength(_ d: [Double]) -> Double {
    let inside = problem.point.reduce(0) { $0 + $1 * $1 }
    return zip(problem.point, d).reduce(max(0, problem.squaredDistance - inside)) {
      $0 + ($1.0 + $1.1) * ($1.0 + $1.1)
    }
  }

  /// Where a ray is seen to lose the label near d, or beyond; nil where it is not.
  private func crossing(_ d: [Double]) -> [Double]? {
    for factor in [1, 1 + 1e-6, 1 + 1e-4, 1.003, 1.03, 1.2, 1.6] {
      let moved = valid(d.map { $0 * factor })
      if isLost(moved) { return boundary(moved) }
    }
    return nil
  }

  /// A point between 0 and d where the label is lost, and kept just before.
  private func boundary(_ d: [Double]) -> [Double] {
    var (kept, lost) = (0.0, 1.0)
    for _ in 0..<52 where lost - kept > 1e-13 * lost {
      let middle = 0.5 * (kept + lost)
      if isLost(d.map { $0 * middle }) { lost = middle } else { kept = middle }
    }
    return d.map { $0 * lost }
  }

  /// The point next to the origin of the plane through d along the boundary; nil where it has no normal.
  private func nearestOfTangent(at d: [Double]) -> [Double]? {
    let gradient = problem.margin(d).gradient
    let dual = norm.dual.length(gradient)
    guard dual > 0, dual.isFinite else { return nil }
    let unit = gradient.map { $0 / dual }
    let distance = zip(unit, d).reduce(0) { $0 + $1.0 * $1.1 }
    if let range, distance < 0 {
      // A + <g, x> <= 0 with A > 0, inside of the walls.
      let plane = BoxedHalfSpace(
        norm: norm, constant: -distance, gradient: unit, lower: range.lower[...],
        upper: range.upper[...])
      if let point = plane.nearest { return point }
    }
    switch norm {
    case .l2: return unit.map { distance * $0 }
    case .linf: return unit.map { $0 > 0 ? distance : $0 < 0 ? -distance : 0 }
    case .l1:
      let largest = unit.indices.max { unit[$0].magnitude < unit[$1].magnitude } ?? 0
      return unit.indices.map { $0 == largest ? (unit[$0] < 0 ? -distance : distance) : 0 }
    }
  }
}
