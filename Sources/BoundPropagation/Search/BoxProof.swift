import Foundation
import LinearCore

/// Statements about linear functions of the outputs over a box of inputs.
package struct BoxProof: Sendable {
  package let network: BoundedNetwork
  private let evaluator: RegionEvaluator

  /// Inputs of at most so many coordinates that vary are cut by coordinates, others by neurons.
  private static let mostCoordinates = 24
  /// Steps to better slopes on every part.
  private static let iterations = 3

  package init(_ network: BoundedNetwork) {
    self.network = network
    evaluator = RegionEvaluator(network, norm: .linf)
  }

  /// Numbers that rows · f(x) is nowhere below on the box; NaN or -infinity where nothing is known.
  ///
  /// - Parameters:
  ///   - rows: coefficients of the outputs, (functions, outputs).
  ///   - lower, upper: finite, lower <= upper.
  ///   - iterations: steps to better slopes; 0 takes those of a rule.
  package func leastValues(
    _ rows: Matrix<Double>, lower: [Double], upper: [Double], iterations: Int = 0
  ) -> [Double] {
    DenormalNumbers.kept {
      outcome(InputRegion(lower: lower, upper: upper), rows, iterations).margins
    }
  }

  private func outcome(_ region: InputRegion, _ rows: Matrix<Double>, _ iterations: Int)
    -> PartEvaluator.Outcome
  {
    parts(region, rows).evaluate(region, iterations: iterations)
  }

  private func parts(_ region: InputRegion, _ rows: Matrix<Double>) -> PartEvaluator {
    PartEvaluator(
      evaluator: evaluator, reference: ReferencePoint(network, at: region.center),
      margins: MarginRows(rows: rows))
  }

  /// Whether some input of the box has rows · f(x) <= limits in every row.
  package enum Answer: Sendable, Equatable {
    /// None has: proved in real arithmetic, by so many parts of the box.
    case none(parts: Int)
    /// This one has, as computed in double precision.
    case found([Double])
    /// Time was over.
    case unknown
  }

  /// Looks for an input of the box with rows · f(x) <= limits in every row, or a proof that there is none.
  ///
  /// - Parameter accepts: what a point has to meet beside the limits in double precision.
  /// - Precondition: lower <= upper, all finite; one limit a row, at least one row.
  package func search(
    _ rows: Matrix<Double>, limits: [Double], lower: [Double], upper: [Double], deadline: Date,
    accepts: @escaping @Sendable ([Double]) -> Bool = { _ in true }
  ) -> Answer {
    precondition(rows.rows == limits.count && rows.rows > 0)
    return DenormalNumbers.kept {
      let problem = Problem(rows: rows, limits: limits, accepts: accepts)
      let varying = zip(lower, upper).count { $0 < $1 }
      return varying <= Self.mostCoordinates
        ? cuttingCoordinates(problem, lower, upper, deadline)
        : cuttingNeurons(problem, lower, upper, deadline)
    }
  }

  private struct Problem {
    let rows: Matrix<Double>
    let limits: [Double]
    let accepts: @Sendable ([Double]) -> Bool

    /// The row that is nearest to exclude a part.
    func bestRow(_ values: [Double]) -> Int {
      values.indices.max {
        excess(values, $0) < excess(values, $1)
      } ?? 0
    }

    func excess(_ values: [Double], _ row: Int) -> Double {
      let value = values[row] - limits[row]
      return value.isNaN ? -.infinity : value
    }

    func isExcluded(_ values: [Double]) -> Bool {
      values.indices.contains { values[$0] > limits[$0] }
    }

    func largestExcess(_ outputs: [Double]) -> Double {
      zip(rows.times(outputs), limits).map { $0 - $1 }.max() ?? 0
    }

    func isMet(_ point: [Double], outputs: [Double]) -> Bool {
      zip(rows.times(outputs), limits).allSatisfy { $0 <= $1 } && accepts(point)
    }
  }

  /// A box that is still open.
  private struct Open: Sendable {
    var lower: [Double]
    var upper: [Double]
    /// What is missing to exclude it.
    var excess: Double
  }

  /// What was found of a box.
  private enum Finding: Sendable {
    case excluded
    case point([Double])
    case halves(Open, Open)
  }

  private func cuttingCoordinates(
    _ problem: Problem, _ lower: [Double], _ upper: [Double], _ deadline: Date
  ) -> Answer {
    var open = [Open(lower: lower, upper: upper, excess: -.infinity)]
    var count = 0
    while !open.isEmpty {
      if Date() >= deadline { return .unknown }
      // The hardest first: that is where points are.
      open.sort { $0.excess > $1.excess }
      let batch = Array(open.suffix(4 * max(1, Parallel.threadCount)))
      open.removeLast(batch.count)
      count += batch.count
      var findings = [Finding](repeating: .excluded, count: batch.count)
      findings.withUnsafeMutableBufferPointer { target in
        nonisolated(unsafe) let target = target
        Parallel.forEach(batch.count) { number in
          target[number] = DenormalNumbers.kept { look(batch[number], problem) }
        }
      }
      for finding in findings {
        switch finding {
        case .excluded: break
        case .point(let point): return .found(point)
        case .halves(let low, let high): open += [low, high]
        }
      }
    }
    return .none(parts: count)
  }

  private func look(_ box: Open, _ problem: Problem) -> Finding {
    let region = InputRegion(lower: box.lower, upper: box.upper)
    let outcome = outcome(region, problem.rows, 0)
    if problem.isExcluded(outcome.margins) { return .excluded }
    guard let bounds = outcome.bounds else { return .excluded }
    let row = problem.bestRow(outcome.margins)
    let slopes = inputSlopes(bounds, [], problem.rows.row(row))
    if let point = point(bounds, slopes, problem) { return .point(point) }
    // The coordinate that moves the bound most.
    let widths = zip(box.lower, box.upper).map { $1 - $0 }
    let widest = widths.max() ?? 0
    let scores = widths.indices.map { widths[$0] * (slopes[$0].magnitude + 1e-9 * widest) }
    let chosen =
      scores.indices.max { scores[$0] < scores[$1] || scores[$0].isNaN } ?? 0
    let middle = 0.5 * box.lower[chosen] + 0.5 * box.upper[chosen]
    var (low, high) = (box, box)
    low.upper[chosen] = middle
    high.lower[chosen] = middle
    let excess = problem.excess(outcome.margins, row)
    (low.excess, high.excess) = (excess, excess)
    return .halves(low, high)
  }

  /// The coefficients of the input in the bound of a function.
  private func inputSlopes(
    _ bounds: RegionBounds, _ halfSpaces: [HalfSpace], _ row: [Double]
  ) -> [Double] {
    var pass = evaluator.pass(
      to: network.output, bounds, halfSpaces, PassParameters(), rows: [0])
    pass.keepsTrace = true
    let trace = pass.lowerBounds(
      BackwardPass.Rows(node: network.output, coefficients: Matrix([row]))
    ).trace
    return trace?.ofInput.row(0) ?? []
  }

  /// A point that meets the limits: where the bound is attained, or the middle, or somewhere on the way down from there; nil
  /// where none does.
  private func point(
    _ bounds: RegionBounds, _ slopes: [Double], _ problem: Problem, steps: Int = 0
  ) -> [Double]? {
    let region = bounds.region
    var step = [Double](repeating: 0, count: slopes.count)
    region.minimizer(slopes, into: &step)
    let end = inside(zip(region.center, step).map { $0 + $1 }, region)
    for point in [end, region.center]
    where problem.isMet(point, outputs: network.outputs(point)) {
      return point
    }
    return steps > 0 ? descent(from: end, region, problem, steps: steps) : nil
  }

  /// The point with every coordinate in the box.
  private func inside(_ point: [Double], _ region: InputRegion) -> [Double] {
    guard let bounds = region.box else { return point }
    return point.indices.map { min(max(point[$0], bounds.lower[$0]), bounds.upper[$0]) }
  }

  /// Moves against the derivative of the function that is farthest above its limit, to the ends of the box or less far.
  private func descent(
    from start: [Double], _ region: InputRegion, _ problem: Problem, steps: Int
  ) -> [Double]? {
    var point = start
    func excess(_ x: [Double]) -> Double { problem.largestExcess(network.outputs(x)) }
    var value = excess(point)
    for _ in 0..<steps {
      let reference = ReferencePoint(network, at: point)
      let values = problem.rows.times(reference.values[network.output])
      let row = problem.bestRow(values)
      guard
        let bounds = evaluator.bounds(
          reference, InputRegion(center: point, norm: .linf, radius: 0))
      else { return nil }
      let slopes = inputSlopes(bounds, [], problem.rows.row(row))
      var (length, found) = (1.0, false)
      while length > 1e-6, !found {
        let moved = inside(
          point.indices.map { j in
            let end = slopes[j] > 0 ? region.box!.lower[j] : region.box!.upper[j]
            return slopes[j] == 0 ? point[j] : point[j] + length * (end - point[j])
          }, region)
        let next = excess(moved)
        if next < value {
          (point, value, found) = (moved, next, true)
        } else {
          length *= 0.3
        }
      }
      if value <= 0, problem.isMet(point, outputs: network.outputs(point)) { return point }
      if !found { return nil }
    }
    return nil
  }

  private func cuttingNeurons(
    _ problem: Problem, _ lower: [Double], _ upper: [Double], _ deadline: Date
  ) -> Answer {
    let region = InputRegion(lower: lower, upper: upper)
    let parts = parts(region, problem.rows)
    let found = Found()
    var proof = TreeProof(
      parts: parts, region: region, isProved: { problem.isExcluded($0) || found.point != nil },
      deadline: deadline, iterations: Self.iterations, candidates: 3, limit: .max)
    proof.worst = problem.bestRow
    proof.shortfall = { max(0, -problem.excess($0, problem.bestRow($0))) }
    proof.visit = { halfSpaces, bounds, row in
      guard found.point == nil else { return }
      let slopes = inputSlopes(bounds, halfSpaces, problem.rows.row(row))
      found.parts += 1
      let isTime = found.parts & (found.parts - 1) == 0
      found.point = point(bounds, slopes, problem, steps: isTime ? 20 : 0)
    }
    let tree = proof.prove(known: nil)
    if let point = found.point { return .found(point) }
    return tree.isProved ? .none(parts: proof.count.parts) : .unknown
  }

  private final class Found {
    var parts = 0
    var point: [Double]?
  }
}
