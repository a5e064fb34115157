import Formats
import Foundation
import LinearCore
import Networks

/// Looks for counterexamples in a box: random points, and from the best of them projected gradient descent on what is
/// missing to violate the property.
struct PropertyAttack {
  let network: VerifiedNetwork
  let property: VNNLIBProperty
  let box: VNNLIBProperty.Case
  let deadline: Date

  private static let steps = 40
  /// Random points for each that descends.
  private static let candidates = 8
  /// Coordinates of all points that go through the network together.
  private static let largestBlock = 1 << 20

  /// - Parameter starts: points that descend, each for one of the alternatives.
  func run(starts: Int, stream: RandomStream) -> Counterexample? {
    var stream = stream
    let alternatives = box.alternatives.count
    var targets: [Int] = []
    var points: [[Double]] = []
    let block = max(1, Self.largestBlock / max(1, box.lower.count))
    for start in stride(from: 0, to: starts, by: block) {
      let count = min(block, starts - start)
      targets = (start..<start + count).map { $0 % alternatives }
      points = targets.map { _ in [] }
      var best = [Double](repeating: .infinity, count: count)
      for round in 0..<Self.candidates {
        if Date() >= deadline { break }
        let new = targets.map { _ in random(&stream, isCorner: round == 1) }
        let (found, missing) = missing(new, targets)
        if let found { return found }
        for k in new.indices where missing[k] < best[k] || points[k].isEmpty {
          (points[k], best[k]) = (new[k], missing[k])
        }
      }
      if points.contains(where: \.isEmpty) { return nil }
      if let found = descend(points, targets) { return found }
    }
    return nil
  }

  private func random(_ stream: inout RandomStream, isCorner: Bool) -> [Double] {
    box.lower.indices.map { j in
      let t =
        isCorner
        ? (Bool.random(using: &stream) ? 1 : 0) : Double.random(in: 0...1, using: &stream)
      return clipped((1 - t) * box.lower[j] + t * box.upper[j], j)
    }
  }

  private func clipped(_ value: Double, _ j: Int) -> Double {
    min(max(value, box.lower[j]), box.upper[j])
  }

  /// The largest excess over a limit of the alternative of every point; a counterexample among the points if there is one.
  private func missing(_ points: [[Double]], _ targets: [Int]) -> (Counterexample?, [Double]) {
    let outputs = network.double.logits(Matrix(points))
    var values: [Double] = []
    for (k, target) in targets.enumerated() {
      let worst = worst(outputs.row(k), target)
      values.append(worst.excess)
      if worst.excess <= 0, let found = counterexample(points[k]) { return (found, values) }
    }
    return (nil, values)
  }

  private func counterexample(_ point: [Double]) -> Counterexample? {
    Counterexample(near: point, of: network, property: property, box: box)
  }

  /// The constraint of an alternative that is exceeded most, in units of its coefficients.
  private func worst(_ outputs: [Double], _ target: Int) -> (index: Int?, excess: Double) {
    var result: (index: Int?, excess: Double) = (nil, -.infinity)
    for (index, constraint) in box.alternatives[target].enumerated() {
      let value = constraint.terms.reduce(-constraint.limit) {
        $0 + $1.coefficient * outputs[$1.output]
      }
      let excess = value / constraint.size
      if excess > result.excess || excess.isNaN { result = (index, excess) }
    }
    return result
  }

  /// Steps by the signs of derivatives, shorter and shorter, of which the last go into the alternative and not only to it.
  private func descend(_ start: [[Double]], _ targets: [Int]) -> Counterexample? {
    var points = start
    for step in 0..<Self.steps {
      if Date() >= deadline { return nil }
      let length = 0.5 * Double.power(0.85, Double(step))
      let (outputs, gradient) = network.double.logitsAndInputGradient(Matrix(points)) {
        logits, rows in
        var weights = Matrix<Double>(rows: logits.rows, columns: logits.columns)
        for (k, point) in rows.enumerated() {
          guard let index = worst(logits.row(k), targets[point]).index else { continue }
          let constraint = box.alternatives[targets[point]][index]
          for term in constraint.terms { weights[k, term.output] = term.coefficient }
        }
        return weights
      }
      for (k, target) in targets.enumerated() {
        if worst(outputs.row(k), target).excess <= 0, let found = counterexample(points[k]) {
          return found
        }
        points[k] = points[k].indices.map { j in
          let slope = gradient[k, j]
          guard slope != 0, slope.isFinite else { return points[k][j] }
          let width = box.upper[j] - box.lower[j]
          return clipped(points[k][j] - length * (slope > 0 ? width : -width), j)
        }
      }
    }
    return missing(points, targets).0
  }
}

extension VNNLIBProperty.Constraint {
  /// The sum of the sizes of the coefficients.
  var size: Double { terms.reduce(0) { $0 + $1.coefficient.magnitude } }
}
