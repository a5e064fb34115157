import Foundation
import LinearCore

/// Radii in any norm from one linear relaxation: quick and weak, for networks as they are.
///
/// On the ball ‖d‖ <= t of a norm every z_k stays within t ‖u_k‖* of its start, ‖.‖* the dual norm. There
/// N lies below its chords, and P above its tangents in any point v, so that
///
///     P - N >= A + <g, d>,   g = sum_j b_j phi'(<u_j, v>) u_j - sum_k b_k c_k u_k,
///
/// c_k the slopes of the chords, and P - N + bias stays positive as long as A + bias > t ‖g‖*. The chords
/// are those of the interval [z - t ‖u‖*, z + t ‖u‖*]; plain interval arithmetic, which bounds every neuron by
/// its end, is weaker. v = x + d with d the worst perturbation of the relaxation so far is improved a few times.
struct LinearRelaxation {
  private let problem: DecisionProblem
  private let norm: Norm
  private let start: [Double]
  /// ‖u_j‖*.
  private let reach: [Double]

  /// - Parameter norm: of perturbations; problems in other norms than l2 must not be reduced.
  init(_ problem: DecisionProblem, norm: Norm) {
    self.problem = problem
    self.norm = norm
    start = problem.preActivations
    let dual = norm.dual
    reach = (0..<problem.count).map { dual.length(problem.directions.row($0)) * (1 + 1e-12) }
  }

  /// The largest radius found that the relaxation proves, at most `maximum`, by halving.
  ///
  /// - Parameter deadline: when to halve no further.
  func radius(maximum: Double, deadline: Date = .distantFuture) -> Double {
    if proves(maximum) { return maximum }
    var (low, high) = (0.0, maximum)
    for _ in 0..<24 where high - low > 1e-4 * high {
      if Date() >= deadline { break }
      let middle = 0.5 * (low + high)
      if proves(middle) { low = middle } else { high = middle }
    }
    return low
  }

  /// Whether the margin stays positive on the ball of radius `t`.
  func proves(_ t: Double) -> Bool {
    if t == 0 { return true }
    guard t > 0, t.isFinite, problem.isFinite else { return false }
    if euclidean(t) * (1 + 1e-12) <= problem.biasRadius { return true }
    let bound = margin(within: t)
    return bound > 0 && bound.isFinite
  }

  /// A lower bound of the margin on the ball, rounding subtracted.
  private func margin(within t: Double) -> Double {
    let n = problem.dimension
    var worst = [Double](repeating: 0, count: n)
    var best = -Double.infinity
    for _ in 0..<6 {
      let (bound, gradient) = relaxation(tangentAt: worst, within: t)
      if bound <= best { break }
      best = bound
      if best > 0 { break }
      worst = steepest(gradient).map { -0.5 * t * $0 }
    }
    return best
  }

  /// The bound with tangents at x + v, and g.
  private func relaxation(tangentAt v: [Double], within t: Double) -> (Double, [Double]) {
    let n = problem.dimension
    var gradient = [Double](repeating: 0, count: n)
    var value = problem.constant(within: euclidean(t))
    // No |<u_j, x>| is larger.
    let whole = problem.extent
    var size = whole + value.magnitude
    problem.directions.withPointer { rows in
      for j in 0..<problem.count {
        let row = rows + j * n
        let weight = problem.weights[j]
        var slope: Double
        if j < problem.supporting {
          var z = start[j]
          for i in 0..<n { z += row[i] * v[i] }
          let jet = problem.activation.derivatives(z)
          slope = weight * jet.slope
          value += weight * jet.value + slope * (start[j] - z)
          size += weight * jet.value + slope * (whole + abs(z))
        } else {
          let (l, u) = (start[j] - t * reach[j], start[j] + t * reach[j])
          let (low, high) = (problem.activation(l), problem.activation(u))
          if high == 0 { continue }
          slope = -weight * (high - low) / max(u - l, 1e-300)
          value -= weight * low - slope * (start[j] - l)
          // A chord's slope is no larger than that of phi at its end.
          size += weight * (high + problem.activation.derivatives(u).slope * whole)
        }
        for i in 0..<n { gradient[i] += slope * row[i] }
      }
    }
    let operations = problem.activation.exponent + Double(n + problem.count + 64)
    let dual = norm.dual.length(gradient)
    return (value - t * dual * (1 + 1e-12) - operations * 0x1p-50 * (size + t * dual), gradient)
  }

  /// The Euclidean size of the ball, for the error of the network and the bias.
  private func euclidean(_ t: Double) -> Double {
    norm == .linf ? t * Double(problem.dimension).squareRoot() : t
  }

  /// d with ‖d‖ = 1 and <g, d> = ‖g‖*.
  private func steepest(_ g: [Double]) -> [Double] {
    switch norm {
    case .l2:
      let length = Norm.l2.length(g)
      return length > 0 ? g.map { $0 / length } : g
    case .linf:
      return g.map { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }
    case .l1:
      let largest = g.indices.max { abs(g[$0]) < abs(g[$1]) } ?? 0
      return g.indices.map { $0 == largest ? (g[$0] < 0 ? -1 : 1) : 0 }
    }
  }
}
