import Foundation
import LinearCore

/// Branch and bound over a box of few inputs: boxes that are not excluded are halved along the input that moves the
/// bounds most.
package struct InputSplitting: Sendable {
  private let network: BoundedNetwork
  private let evaluator: RegionEvaluator
  private let statement: BoxStatement
  /// What a point has to meet beside the statement in double precision.
  private let accepts: @Sendable ([Double]) -> Bool

  /// Boxes that are looked at together: a number that does not depend on threads.
  private static let batch = 64
  /// Boxes that may wait.
  private static let mostOpen = 1 << 22

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
    guard let bounds = evaluator.bounds(reference, region) else { return .excluded }
    let least =
      statement.rows.rows > 0 ? evaluator.leastOutputs(statement.rows, bounds) : []
    if statement.isExcluded(least) { return .excluded }
    if isHit(region.center, outputs: reference.values[network.output]) {
      return .point(region.center)
    }
    let rows = statement.nearest(least)
    let slopes = inputSlopes(bounds, rows)
    for (place, _) in rows.enumerated() {
      let end = end(of: box, against: slopes.row(place))
      if isHit(end, outputs: network.outputs(end)) { return .point(end) }
    }
    return halves(box, slopes)
  }

  private func isHit(_ point: [Double], outputs: [Double]) -> Bool {
    statement.isMet(outputs) && accepts(point)
  }

  /// The corner where a linear function is least.
  private func end(of box: Box, against slopes: [Double]) -> [Double] {
    slopes.indices.map { slopes[$0] > 0 ? box.lower[$0] : box.upper[$0] }
  }

  /// The coefficients of the input in the bounds of some functions.
  private func inputSlopes(_ bounds: RegionBounds, _ rows: [Int]) -> Matrix<Double> {
    var pass = evaluator.pass(
      to: network.output, bounds, [], PassParameters(), rows: Array(rows.indices))
    pass.keepsTrace = true
    let coefficients = Matrix(
      rows: rows.count, columns: network.outputCount,
      elements: rows.flatMap { statement.rows.row($0) })
    let trace = pass.lowerBounds(
      BackwardPass.Rows(node: network.output, coefficients: coefficients)
    ).trace
    return trace!.ofInput
  }

  private func halves(_ box: Box, _ slopes: Matrix<Double>) -> Finding {
    let widths = zip(box.lower, box.upper).map { $1 - $0 }
    let widest = widths.max() ?? 0
    var best: (coordinate: Int, score: Double)?
    for j in widths.indices {
      let middle = 0.5 * box.lower[j] + 0.5 * box.upper[j]
      guard middle > box.lower[j], middle < box.upper[j] else { continue }
      var slope = 0.0
      for row in 0..<slopes.rows where slopes[row, j].isFinite {
        slope += slopes[row, j].magnitude
      }
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
