import Foundation
import LinearCore
import Testing

@testable import BoundPropagation

/// Boxes of few inputs, cut by inputs.
@Suite struct InputSplittingTests {
  /// Where several functions of the outputs lie below limits together: a point just above what a grid finds, none below
  /// what the grid allows.
  @Test(arguments: [1, 2.0])
  func answersAreThoseOfAGrid(_ p: Double) throws {
    var numbers = Numbers(61)
    for _ in 0..<6 {
      let network = try Samples.dense([2, 6, 4, 3], exponent: p, &numbers)
      let rows = numbers.matrix(3, 3)
      let alternatives = [[0], [1, 2]]
      func missing(_ x: [Double]) -> Double {
        let values = rows.times(network.outputs(x))
        return alternatives.map { $0.map { values[$0] }.max()! }.min()!
      }
      var least = Double.infinity
      for i in 0...80 {
        for j in 0...80 {
          least = min(least, missing([Double(i) / 80 - 0.5, Double(j) / 40 - 1]))
        }
      }
      func search(_ limit: Double) -> BoxProof.Answer {
        InputSplitting(
          network,
          BoxStatement(
            rows: rows, limits: [limit, limit, limit], alternatives: alternatives)
        ).search(
          lower: [-0.5, -1], upper: [0.5, 1], deadline: Date().addingTimeInterval(60))
      }
      guard case .found(let point) = search(least + 1e-6) else {
        Issue.record("no point at the least value of a grid")
        continue
      }
      #expect(missing(point) <= least + 1e-6)
      #expect(abs(point[0]) <= 0.5 && abs(point[1]) <= 1)
      let below = search(least - 0.2)
      guard case .none(let parts) = below else {
        Issue.record("\(below) far below the least value of a grid")
        continue
      }
      #expect(parts >= 1)
    }
  }

  /// Pre-activations of a part lie in what was known of the whole, whatever they are measured from.
  @Test func intervalsMoveWithTheReference() throws {
    var numbers = Numbers(62)
    let network = try Samples.dense([3, 8, 6, 2], exponent: 1, &numbers)
    let evaluator = RegionEvaluator(network, norm: .linf)
    let whole = InputRegion(lower: [-1, -1, -1], upper: [1, 1, 1])
    let bounds = try #require(
      evaluator.bounds(ReferencePoint(network, at: whole.center), whole))
    let known = NodeIntervals(bounds, at: evaluator.preActivations)
    let part = InputRegion(lower: [0.1, -1, 0.3], upper: [0.5, 0, 0.4])
    let reference = ReferencePoint(network, at: part.center)
    let moved = known.bounds(network, reference, part)
    for node in evaluator.preActivations {
      for i in 0..<network.sizes[node] {
        let shift = reference.values[node][i] - bounds.reference.values[node][i]
        #expect(moved.lower[node][i] <= bounds.lower[node][i] - shift + 1e-15)
        #expect(moved.lower[node][i] >= bounds.lower[node][i] - shift - 1e-13)
        #expect(moved.upper[node][i] <= bounds.upper[node][i] - shift + 1e-13)
        #expect(moved.upper[node][i] >= bounds.upper[node][i] - shift - 1e-15)
      }
    }
    // Known bounds make none wider.
    let plain = try #require(evaluator.bounds(reference, part))
    let better = try #require(evaluator.bounds(reference, part, known: moved))
    let rows = Matrix<Double>([[1, 0], [-1, 0], [1, 1]])
    let found = evaluator.leastOutputsAndSlopes(rows, better)
    #expect(found.slopes.rows == 3 && found.slopes.columns == 3)
    for (new, old) in zip(found.values, evaluator.leastOutputs(rows, plain)) {
      #expect(new >= old - 0.1)
    }
    // The bound is a linear function of the input.
    for _ in 0..<2000 {
      let x = (0..<3).map { part.center[$0] + numbers.uniform() * part.upper![$0] }
      let values = rows.times(network.outputs(x))
      for row in 0..<3 {
        var bound = found.values[row]
        for j in 0..<3 {
          let slope = found.slopes[row, j]
          let corner = part.center[j] + (slope > 0 ? part.lower![j] : part.upper![j])
          bound += slope * (x[j] - corner)
        }
        #expect(values[row] >= bound - 1e-12)
      }
    }
  }
}
