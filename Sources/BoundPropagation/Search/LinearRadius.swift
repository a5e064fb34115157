import Foundation
import LinearCore

/// The largest radius that one evaluation of linear bounds proves, in few evaluations.
struct LinearRadius {
  let evaluator: RegionEvaluator
  let reference: ReferencePoint
  let region: InputRegion
  let margins: MarginRows

  /// What was found.
  struct Result {
    /// Proved.
    var radius: Double
    /// Bounds on a slightly larger ball, where nothing is proved any more; nil where none was tried.
    var beyond: (radius: Double, bounds: RegionBounds)?
    var evaluations = 0
    /// The evaluations whose bounds the proof needs, that of the radius last.
    var stages: [DeepCertificate.Stage] = []
  }

  /// The least margin on the ball of a radius, and the bounds that show it. NaN where nothing is known.
  func margin(_ radius: Double, known: RegionBounds?) -> (value: Double, bounds: RegionBounds?) {
    guard let bounds = evaluator.bounds(reference, region.with(radius: radius), known: known)
    else { return (.infinity, nil) }
    let values = evaluator.leastOutputs(margins.rows, bounds)
    return (values.reduce(.infinity) { $1.isNaN || $0.isNaN ? .nan : min($0, $1) }, bounds)
  }

  /// The distance to the boundary of the network's linearisation at the center: the least margin over the dual norm of
  /// its gradient.
  func slopeRadius() -> Double {
    guard let bounds = evaluator.bounds(reference, region.with(radius: 0)) else { return 0 }
    var pass = evaluator.pass(
      to: evaluator.network.output, bounds, [], PassParameters(),
      rows: Array(0..<margins.count))
    pass.keepsTrace = true
    let found = pass.lowerBounds(
      BackwardPass.Rows(node: evaluator.network.output, coefficients: margins.rows))
    let values = margins.values(reference.values[evaluator.network.output])
    let lengths = region.norm.dual.rowLengths(found.trace!.ofInput)
    return zip(values, lengths).reduce(.infinity) { least, entry in
      let distance = entry.0 / entry.1
      return distance.isNaN ? least : min(least, distance)
    }
  }

  /// Where to look first: so far that a share of the neurons next to the input may change sides, or half the way
  /// to the boundary of the linearisation where that is nearer.
  func start(share: Double = 0.12) -> Double {
    var distances: [Double] = []
    for (_, power) in evaluator.network.powers {
      guard let norms = evaluator.rowNorms[power.input] else { continue }
      distances += zip(reference.values[power.input], norms).map { $0.magnitude / $1 }
    }
    distances = distances.filter(\.isFinite).sorted()
    guard !distances.isEmpty else { return 0.2 * slopeRadius() }
    return distances[min(distances.count - 1, Int(share * Double(distances.count)))]
  }

  /// Searches for the root of the margin as a function of the radius, which falls.
  ///
  /// - Parameters:
  ///   - start: where to look first.
  ///   - maximum: no radius beyond it is of interest.
  ///   - tolerance: relative.
  func run(start: Double, maximum: Double, tolerance: Double = 2e-3, limit: Int = 12) -> Result {
    var result = Result(radius: 0)
    let center = margins.values(reference.values[evaluator.network.output]).min() ?? 0
    guard center > 0, start > 0, maximum > 0 else { return result }
    // Points of the curve, proved ones and others.
    var (low, high) = ((0.0, center), (Double.infinity, -Double.infinity))
    var third: (Double, Double)?
    var known: RegionBounds?
    var stages: [DeepCertificate.Stage] = []
    var radius = min(start, maximum)
    while result.evaluations < limit {
      let (value, bounds) = margin(radius, known: known)
      result.evaluations += 1
      // On another machine the last digits differ.
      if value > 1e-9 * center {
        third = low
        low = (radius, value)
        result.radius = radius
        result.stages = stages + [DeepCertificate.Stage(radius: radius, choices: [])]
        if radius >= maximum { break }
      } else {
        third = high.0.isFinite ? high : third
        high = (radius, value)
        if let bounds {
          known = bounds
          stages.append(DeepCertificate.Stage(radius: radius, choices: []))
          result.beyond = (radius, bounds)
        }
      }
      if high.0.isFinite, high.0 - low.0 <= tolerance * high.0 { break }
      guard high.0.isFinite else {
        radius = min(maximum, 1.3 * radius)
        continue
      }
      guard high.1.isFinite else {
        radius = low.0 > 0 ? (low.0 * high.0).squareRoot() : 0.25 * high.0
        continue
      }
      radius = next(low, high, third, tolerance)
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
