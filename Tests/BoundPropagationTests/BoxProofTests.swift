import Foundation
import LinearCore
import Testing

@testable import BoundPropagation

/// Statements over boxes.
@Suite struct BoxProofTests {
  @Test func leastValuesHold() throws {
    var numbers = Numbers(51)
    for p in [1, 2.0] {
      let network = try Samples.dense([3, 8, 6, 2], exponent: p, &numbers)
      let (lower, upper) = ([-0.4, 0, 0.1], [0.3, 0, 0.9])
      let rows = numbers.matrix(3, 2)
      let proof = BoxProof(network)
      let plain = proof.leastValues(rows, lower: lower, upper: upper)
      let better = proof.leastValues(rows, lower: lower, upper: upper, iterations: 6)
      for _ in 0..<2000 {
        let x = (0..<3).map { lower[$0] + (upper[$0] - lower[$0]) * numbers.uniform(0...1) }
        let values = rows.times(network.outputs(x))
        #expect(zip(values, plain).allSatisfy { $0 >= $1 - 1e-12 })
        #expect(zip(values, better).allSatisfy { $0 >= $1 - 1e-12 })
      }
      #expect(better.reduce(0, +) >= plain.reduce(0, +))
    }
  }

  /// By coordinates in few dimensions and by neurons in many: none where there is none, a point where there is one.
  @Test(arguments: [3, 30]) func searchesAreComplete(_ inputs: Int) throws {
    var numbers = Numbers(52)
    for _ in 0..<6 {
      let network = try Samples.dense([inputs, 6, 1], exponent: 1, &numbers)
      let side = inputs == 3 ? 0.5 : 0.1
      let (lower, upper) = (
        [Double](repeating: -side, count: inputs), [Double](repeating: side, count: inputs)
      )
      var least = Double.infinity
      for _ in 0..<3000 {
        let x = (0..<inputs).map { _ in
          numbers.uniform() > 0.3 ? side : numbers.uniform() > 0 ? -side : side * numbers.uniform()
        }
        least = min(least, network.outputs(x)[0])
      }
      let proof = BoxProof(network)
      let rows = Matrix<Double>([[1]])
      let deadline = Date().addingTimeInterval(20)
      let hit = proof.search(
        rows, limits: [least + 1e-6], lower: lower, upper: upper, deadline: deadline)
      guard case .found(let point) = hit else {
        Issue.record("\(hit) where there is a point")
        continue
      }
      #expect(network.outputs(point)[0] <= least + 1e-6)
      #expect(point.allSatisfy { abs($0) <= side })
      let bound = proof.leastValues(rows, lower: lower, upper: upper, iterations: 4)[0]
      let none = proof.search(
        rows, limits: [bound - 1e-6], lower: lower, upper: upper, deadline: deadline)
      guard case .none = none else {
        Issue.record("\(none) where there is none")
        continue
      }
    }
  }

  @Test func timeEnds() throws {
    var numbers = Numbers(53)
    let network = try Samples.dense([4, 20, 20, 1], exponent: 1, &numbers)
    let sides = ([Double](repeating: -5, count: 4), [Double](repeating: 5, count: 4))
    let answer = BoxProof(network).search(
      Matrix([[1], [-1]]), limits: [0, -1e9], lower: sides.0, upper: sides.1,
      deadline: Date().addingTimeInterval(-1))
    #expect(answer == .unknown)
  }
}
