import Foundation
import LinearCore

/// Branch and bound over a box of few inputs: boxes that are not excluded lose what the bounds exclude of them, and are
/// halved along the input that moves the bounds most.
package struct InputSplitting: Sendable {
  private let network: BoundedNetwork
  private let evaluator: RegionEvaluator
  private let statement: BoxStatement
  /// What a point has to meet beside the statement in double precision.
  private let accepts: @Sendable ([Double]) -> Bool

  /// Boxes that are looked at together: a number that does not depend on threads.
  private static let batch = 64
  /// Boxes that may wait.
  private static let mostOpen = 1 << 20

  package init(
    _ network: BoundedNetwork, _ statement: BoxStatement,
    accepts: @escaping @Sendable ([Double]) -> Bool = { _ in true }
  ) {
    self.network = network
    self.statement = statement
    self.accepts = accepts
    evaluator = RegionEvaluator(network, norm: .linf)
  }

  private struct Box: Sendable {
    var lower: [Double]
    var upper: [Double]
    /// What pre-activations lie between on a box that holds this one.
    var known: NodeIntervals?
  }

  private enum Finding: Sendable {
    case excluded
    case point([Double])
    case halves(Box, Box)
    /// Neither excluded nor to be halved in double precision.
    case stuck
  }

  /// Looks for an input of the box that meets the statement, or a proof that there is none.
  ///
  /// - Precondition: lower <= upper, all finite.
  package func search(lower: [Double], upper: [Double], deadline: Date) -> BoxProof.Answer {
    var open = [Box(lower: lower, upper: upper)]
    var count = 0
    var isComplete = true
    while !open.isEmpty {
      if Date() >= deadline || open.count > Self.mostOpen { return .unknown }
      let boxes = Array(open.suffix(Self.batch))
      open.removeLast(boxes.count)
      count += boxes.count
      var findings = [Finding](repeating: .stuck, count: boxes.count)
      findings.withUnsafeMutableBufferPointer { target in
        nonisolated(unsafe) let target = target
        Parallel.forEach(boxes.count) { number in
          target[number] = DenormalNumbers.kept { look(boxes[number]) }
        }
      }
      for finding in findings {
        switch finding {
        case .excluded: break
        case .point(let point): return .found(point)
        case .halves(let low, let high): open += [low, high]
        case .stuck: isComplete = false
        }
      }
    }
    return isComplete ? .none(parts: count) : .unknown
  }

  private func look(_ box: Box) -> Finding {
    let region = InputRegion(lower: box.lower, upper: box.upper)
    let reference = ReferencePoint(network, at: region.center)
    guard
      let bounds = evaluator.bounds(
        reference, region, known: box.known?.bounds(network, reference, region))
    else { return .excluded }
    let found = evaluator.leastOutputsAndSlopes(statement.rows, bounds)
    if statement.isExcluded(found.values) { return .excluded }
    if isHit(region.center, outputs: reference.values[network.output]) {
      return .point(region.center)
    }
    let rows = statement.nearest(found.values)
    for row in rows {
      let end = end(of: box, against: found.slopes.row(row))
      if isHit(end, outputs: network.outputs(end)) { return .point(end) }
    }
    guard var part = clipped(box, found) else { return .excluded }
    part.known = NodeIntervals(bounds, at: evaluator.preActivations)
    return halves(part, found.slopes, rows)
  }

  private func isHit(_ point: [Double], outputs: [Double]) -> Bool {
    statement.isMet(outputs) && accepts(point)
  }

  /// The corner where a linear function is least.
  private func end(of box: Box, against slopes: [Double]) -> [Double] {
    slopes.indices.map { slopes[$0] > 0 ? box.lower[$0] : box.upper[$0] }
  }

  /// A box with all points of the box where the bounds leave an alternative; nil where there are none.
  ///
  /// A function is at least its least value plus the sum of g_j (x_j - e_j), each at least 0, with e the corner where
  /// <g, x> is least. Where it is at most its limit, no summand is above limit - least value.
  private func clipped(_ box: Box, _ found: RegionEvaluator.LeastValues) -> Box? {
    var hull: Box?
    for alternative in statement.alternatives {
      if alternative.contains(where: { found.values[$0] > statement.limits[$0] }) { continue }
      var part = box
      for row in alternative {
        let room = statement.limits[row] - found.values[row]
        guard room.isFinite else { continue }
        for j in part.lower.indices {
          let slope = found.slopes[row, j]
          guard slope != 0, slope.isFinite else { continue }
          // Corners of regions are rounded outward.
          let size = max(box.lower[j].magnitude, box.upper[j].magnitude)
          let reach =
            room.magnitude / slope.magnitude * (1 + 64 * Rounding.unit) + 64 * Rounding.unit * size
          if slope > 0 {
            part.upper[j] = min(part.upper[j], box.lower[j] + reach)
          } else {
            part.lower[j] = max(part.lower[j], box.upper[j] - reach)
          }
        }
      }
      if part.lower.indices.contains(where: { part.lower[$0] > part.upper[$0] }) { continue }
      guard let old = hull else {
        hull = part
        continue
      }
      for j in part.lower.indices {
        hull!.lower[j] = min(old.lower[j], part.lower[j])
        hull!.upper[j] = max(old.upper[j], part.upper[j])
      }
    }
    return hull
  }

  private func halves(_ box: Box, _ slopes: Matrix<Double>, _ rows: [Int]) -> Finding {
    let widths = zip(box.lower, box.upper).map { $1 - $0 }
    let widest = widths.max() ?? 0
    var best: (coordinate: Int, score: Double)?
    for j in widths.indices {
      let middle = 0.5 * box.lower[j] + 0.5 * box.upper[j]
      guard middle > box.lower[j], middle < box.upper[j] else { continue }
      var slope = 0.0
      for row in rows where slopes[row, j].isFinite { slope += slopes[row, j].magnitude }
      // Where no input has any effect, the widest is cut.
      let score = widths[j] * (slope + 1e-9 * widths[j] / widest)
      if best.map({ score > $0.score }) ?? true { best = (j, score) }
    }
    guard let best else { return .stuck }
    let j = best.coordinate
    let middle = 0.5 * box.lower[j] + 0.5 * box.upper[j]
    var (low, high) = (box, box)
    low.upper[j] = middle
    high.lower[j] = middle
    return .halves(low, high)
  }
}

/// What pre-activations lie between on a region, whatever they are measured from there.
struct NodeIntervals: Sendable {
  /// By node, both rounded outward.
  private let intervals: [(node: Int, lower: [Double], upper: [Double])]

  init(_ bounds: RegionBounds, at nodes: Set<Int>) {
    intervals = nodes.map { node in
      let origin = bounds.reference.values[node]
      let (low, high) = (bounds.lower[node], bounds.upper[node])
      return (
        node, origin.indices.map { Self.down(origin[$0], low[$0]) },
        origin.indices.map { Self.up(origin[$0], high[$0]) }
      )
    }
  }

  /// The intervals as bounds on a region within that of these, measured from another reference.
  func bounds(
    _ network: BoundedNetwork, _ reference: ReferencePoint, _ region: InputRegion
  ) -> RegionBounds {
    var bounds = RegionBounds(network, reference, region)
    for (node, lower, upper) in intervals {
      let origin = reference.values[node]
      bounds.restate(
        node, origin.indices.map { Self.down(lower[$0], -origin[$0]) },
        origin.indices.map { Self.up(upper[$0], -origin[$0]) })
    }
    return bounds
  }

  /// At most a + b.
  private static func down(_ a: Double, _ b: Double) -> Double { (a + b).nextDown }

  private static func up(_ a: Double, _ b: Double) -> Double { (a + b).nextUp }
}

extension RegionEvaluator {
  /// Least values of functions of the outputs, and what they depend on.
  struct LeastValues {
    let values: [Double]
    /// The coefficients of the input in every bound: its value at x is at least the least value plus <slopes, x> minus
    /// the least <slopes, x> of the region.
    let slopes: Matrix<Double>
  }

  /// ``leastOutputs(_:_:halfSpaces:parameters:)`` and the slopes of the same pass.
  func leastOutputsAndSlopes(_ rows: Matrix<Double>, _ bounds: RegionBounds) -> LeastValues {
    var pass = pass(
      to: network.output, bounds, [], PassParameters(), rows: Array(0..<rows.rows))
    pass.keepsTrace = true
    let (found, trace) = pass.lowerBounds(
      BackwardPass.Rows(node: network.output, coefficients: rows))
    return LeastValues(
      values: leastOutputs(rows, bounds, found: found), slopes: trace!.ofInput)
  }
}
