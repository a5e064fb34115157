import Foundation
import LinearCore

/// The largest radius that linear bounds of the whole ball prove, in few evaluations.
struct LinearRadius {
  let parts: PartEvaluator
  /// Around the sample; its radius does not count.
  let region: InputRegion
  let deadline: Date

  /// What was found.
  struct Result {
    /// Proved.
    var radius = 0.0
    var evaluations = 0
    /// The evaluations whose bounds the proof needs, that of the radius last.
    var stages: [DeepCertificate.Stage] = []
    /// Evaluations that proved nothing, larger radii first.
    var beyond: [PartEvaluator.Outcome] = []
  }

  /// The least margin at the center.
  var center: Double {
    parts.margins.values(parts.reference.values[parts.evaluator.network.output]).min() ?? 0
  }

  /// Where to look first: so far that a share of the neurons next to the input may change sides.
  func start(share: Double = 0.08) -> Double {
    var distances: [Double] = []
    for (_, power) in parts.evaluator.network.powers {
      guard let norms = parts.evaluator.rowNorms[power.input] else { continue }
      distances += zip(parts.reference.values[power.input], norms).map { $0.magnitude / $1 }
    }
    distances = distances.filter { $0.isFinite && $0 > 0 }.sorted()
    guard !distances.isEmpty else { return 0.2 * slopeRadius() }
    return distances[min(distances.count - 1, Int(saturating: share * Double(distances.count)))]
  }

  /// The distance to the boundary of the network's linearisation at the center: the least margin over the dual norm of
  /// its gradient.
  private func slopeRadius() -> Double {
    let evaluator = parts.evaluator
    guard let bounds = evaluator.bounds(parts.reference, region.with(radius: 0)) else { return 0 }
    let rows = parts.margins.rows
    var pass = evaluator.pass(
      to: evaluator.network.output, bounds, [], PassParameters(), rows: Array(0..<rows.rows))
    pass.keepsTrace = true
    let found = pass.lowerBounds(
      BackwardPass.Rows(node: evaluator.network.output, coefficients: rows))
    let values = parts.margins.values(parts.reference.values[evaluator.network.output])
    let lengths = region.norm.dual.rowLengths(found.trace!.ofInput)
    let least = zip(values, lengths).reduce(Double.infinity) { least, entry in
      let distance = entry.0 / entry.1
      return distance.isNaN ? least : min(least, distance)
    }
    return least.isFinite ? least : 1
  }

  /// Searches for the root of the margin as a function of the radius, which falls.
  ///
  /// - Parameters:
  ///   - start: where to look first.
  ///   - maximum: no radius beyond it is of interest.
  ///   - tolerance: relative.
  ///   - limit: evaluations.
  ///   - iterations: see ``PartEvaluator/evaluate(_:halfSpaces:known:iterations:start:)``.
  ///   - earlier: a search with fewer iterations.
  func run(
    start: Double, maximum: Double, tolerance: Double = 2e-3, limit: Int = 16,
    iterations: Int = 0, earlier: Result = Result()
  ) -> Result {
    var result = earlier
    result.evaluations = 0
    let center = center
    guard center > 0, start > 0, maximum > 0 else { return result }
    // Points of the curve, proved ones and others.
    var low = (result.radius, result.radius == 0 ? center : 0)
    var high = (Double.infinity, -Double.infinity)
    var third: (Double, Double)? = result.radius == 0 ? nil : (0, center)
    var radius = min(start, maximum)
    // At scales near the largest number a radius may overflow.
    while radius.isFinite, result.evaluations < limit, Date() < deadline {
      // The smallest ball beyond this one whose bounds are known.
      let places = result.beyond.indices.filter { result.beyond[$0].stage.radius! >= radius }
      let outcome = parts.evaluate(
        region.with(radius: radius), known: places.last.flatMap { result.beyond[$0].bounds },
        iterations: iterations, start: result.stages.last?.choices ?? [])
      let value = outcome.leastMargin
      result.evaluations += 1
      // On another machine the last digits differ.
      if value > 1e-9 * center {
        third = low.1 > 0 ? low : third
        low = (radius, value)
        result.radius = radius
        result.stages = places.map { result.beyond[$0].stage } + [outcome.stage]
        if radius >= maximum { break }
      } else {
        third = high.0.isFinite ? high : third
        high = (radius, value)
        if outcome.bounds != nil {
          result.beyond = places.map { result.beyond[$0] } + [outcome]
        }
      }
      if high.0.isFinite, high.0 - low.0 <= tolerance * high.0 { break }
      if !high.0.isFinite {
        radius = min(maximum, 1.3 * radius)
      } else if !high.1.isFinite {
        radius = low.0 > 0 ? (low.0 * high.0).squareRoot() : 0.25 * high.0
      } else {
        radius = next(low, high, third, tolerance)
      }
    }
    return result
  }

  /// Slightly below where a parabola through three points, or a line through two, is 0.
  private func next(
    _ low: (Double, Double), _ high: (Double, Double), _ third: (Double, Double)?,
    _ tolerance: Double
  ) -> Double {
    let slope = (high.1 - low.1) / (high.0 - low.0)
    var root = low.0 - low.1 / slope
    if let third, third.1.isFinite, third.0 != low.0, third.0 != high.0 {
      let other = (third.1 - high.1) / (third.0 - high.0)
      let curvature = (other - slope) / (third.0 - low.0)
      // value = low.1 + slope (r - low.0) + curvature (r - low.0)(r - high.0).
      for _ in 0..<4 {
        let value = low.1 + (root - low.0) * (slope + curvature * (root - high.0))
        let derivative = slope + curvature * (2 * root - low.0 - high.0)
        if derivative < 0 { root -= value / derivative }
        root = min(max(root, low.0), high.0)
      }
    }
    let margin = 0.4 * tolerance * high.0
    return min(max(root - margin, low.0 + margin), high.0 - margin)
  }
}
