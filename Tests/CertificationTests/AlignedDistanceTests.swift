import Certification
import Foundation
import LinearCore
import Networks
import Testing
import Theory

/// Distances on the sphere of networks whose neurons lie close to those of the ideal classifier, where two
/// large sums nearly cancel.
@Suite struct AlignedDistanceTests {
  /// Neurons at an angle to the centres, in a dimension more than these, and contributions off by a little.
  func turned(_ p: Double, angle: Double, off: Double, count: Int) throws -> PReLUNetwork<Double> {
    var weights = Matrix<Double>(rows: count, columns: 2 * count)
    for k in 0..<count {
      weights[k, k] = cos(angle)
      weights[k, count + k] = sin(angle)
    }
    return try PReLUNetwork(
      exponent: p, hiddenWeights: weights,
      outputWeights: Matrix(
        rows: 1, columns: count,
        elements: (0..<count).map { ($0 < count / 2 ? 1 : -1) * (1 + ($0 % 2 == 0 ? off : -off)) }))
  }

  func ideal(_ p: Double, count: Int) -> PReLUNetwork<Double> {
    var centers = Matrix<Double>(rows: count, columns: 2 * count)
    for k in 0..<count { centers[k, k] = 1 }
    return IdealClassifiers.polynomialReLU(
      exponent: p, centers: centers, labels: (0..<count).map { $0 < count / 2 ? 1 : 0 })
  }

  /// One neuron at an angle theta, the other in its place: what differs lies in a plane, which can be searched.
  @Test(arguments: [1, 1.5, 2, 3, 4], [0.01, 0.1, 0.5]) func ofOneNeuron(
    _ p: Double, _ angle: Double
  ) throws {
    var f = try turned(p, angle: angle, off: 0, count: 2)
    (f.hiddenWeights[1, 1], f.hiddenWeights[1, 3]) = (1, 0)
    var expected = 0.0
    for step in 0..<20_000 {
      let t = 2 * Double.pi * Double(step) / 20_000
      let (first, second) = (max(0, cos(t - angle)), max(0, cos(t)))
      expected = max(expected, abs(Double.power(first, p) - Double.power(second, p)))
    }
    let distance = try SphereDistance(
      of: f, to: ideal(p, count: 2), scale: 1, budget: SearchBudget(nodes: 1))
    #expect(distance.upper >= expected * (1 - 1e-6))
    #expect(distance.lower <= distance.upper)
    // In a cell of s = z² of width 1/2000, z^p grows by its (p/2)-th power, for p >= 2 by p/2 times it.
    let cell = max(1, p / 2) * Double.power(1.0 / 2000, min(p, 2) / 2)
    #expect(distance.upper <= expected + 3 * cell + 1e-5)
  }

  /// Without an angle the supremum is that of sum_k off_k relu(z_k)^p, for p >= 2 the largest |off_k|.
  @Test(arguments: [2, 3, 4]) func ofContributionsThatAreOff(_ p: Double) throws {
    let distance = try SphereDistance(
      of: try turned(p, angle: 0, off: 0.04, count: 8), to: ideal(p, count: 8), scale: 1,
      budget: SearchBudget(nodes: 1))
    #expect(distance.upper >= 0.04)
    // A cell of 1/2000 moves z^p by at most p/2 of that near z = 1.
    #expect(distance.upper <= 0.04 + 8 * p / 2 / 2000)
  }

  /// No point of the sphere lies above, and boxes alone are far from that.
  @Test(arguments: [1, 1.5, 2, 3, 4]) func enclosesSamples(_ p: Double) throws {
    let count = 6
    let (f, g) = (try turned(p, angle: 0.02, off: 0.03, count: count), ideal(p, count: count))
    let distance = try SphereDistance(of: f, to: g, scale: 1, budget: SearchBudget(nodes: 200))
    var points = Matrix<Double>.gaussian(
      rows: 4000, columns: 2 * count, stream: RandomStream(seed: 2).child("points"))
    // Centres and their surroundings.
    for i in 0..<2000 {
      points.scaleRow(i, by: 0.05)
      points[i, i % count] += 1
      if i % 3 == 0 { points[i, (i + 1) % count] += 1 }
    }
    points = points.rowsNormalized()
    let differences = zip(f.referenceLogits(points).elements, g.referenceLogits(points).elements)
      .map { abs($0 - $1) }
    #expect(differences.max()! <= distance.upper)
    #expect(distance.lower <= distance.upper)
    if p < 3 { return }
    // Each neuron adds at most 0.03 z^p + 1.03 p (z + 0.02)^(p-1) 0.02, and the squares of the z sum to 1.
    let sum = Double.power(1 + 0.02 * Double(count).squareRoot(), 2)
    #expect(distance.upper <= 0.03 + 1.03 * p * 0.02 * sum + Double(count) * p / 2 / 2000)
  }

  /// Turning everything changes nothing, up to the rounding of single precision.
  @Test func isTheSameAfterARotation() throws {
    let (f, g) = (try turned(3, angle: 0.03, off: 0.05, count: 5), ideal(3, count: 5))
    let rotation = try Matrix<Double>.gaussian(
      rows: 10, columns: 10, stream: RandomStream(seed: 3).child("rotation")
    ).orthonormalizedRows().basis
    func rotated(_ network: PReLUNetwork<Double>) throws -> PReLUNetwork<Float> {
      try PReLUNetwork(
        exponent: network.exponent,
        hiddenWeights: Matrix.product(network.hiddenWeights, rotation).converted(),
        outputWeights: network.outputWeights.converted())
    }
    let budget = SearchBudget(nodes: 50)
    let before = try SphereDistance(of: f, to: g, scale: 1, budget: budget)
    let after = try SphereDistance(
      of: try rotated(f), to: try rotated(g), scale: 1, budget: budget)
    #expect(abs(after.upper - before.upper) <= 1e-5)
  }
}
