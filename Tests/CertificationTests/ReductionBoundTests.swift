import LinearCore
import Networks
import Testing

@testable import Certification

/// Bundles of neurons with directions close to one another, and what stands for each bundle.
private struct Bundles {
  let network: PReLUNetwork<Double>
  let directions: Matrix<Double>
  let contributions: Matrix<Double>
  let bound: Double

  /// - Parameter spread: how far directions are from the middle of their bundle.
  init(exponent: Double, spread: Double, outputs: Int, seed: UInt64) throws {
    var generator = RandomStream(seed: seed)
    let (bundles, each, n) = (3, 4, 5)
    var rows: [[Double]] = []
    var shares: [[Double]] = []
    for _ in 0..<bundles {
      let middle = (0..<n).map { _ in Double.random(in: -1...1, using: &generator) }
      let length = Norm.l2.length(middle)
      let sides = (0..<outputs).map { _ in Double.random(in: -1...1, using: &generator) }
      for _ in 0..<each {
        rows.append(
          middle.map { $0 / length + spread * Double.random(in: -1...1, using: &generator) })
        let size = 0.5 + generator.nextUniform()
        shares.append(sides.map { $0 * size })
      }
    }
    network = try PReLUNetwork(
      exponent: exponent, hiddenWeights: Matrix(rows), outputWeights: Matrix(shares).transposed)
    let reduction = ReductionBound(network)
    let means = reduction.nearestMeans(
      directions: Matrix((0..<bundles).map { rows[$0 * each] }).rowsNormalized(), basis: nil)
    (directions, contributions) = means
    bound = reduction.bound(
      directions: directions, contributions: contributions, basis: nil)
  }

  /// The largest difference of an output on the unit sphere that random points and small steps from them find.
  func largestDifference(seed: UInt64) -> Double {
    var generator = RandomStream(seed: seed)
    let norms = network.hiddenWeights.rowNorms()
    let phi = RectifiedPower(exponent: network.exponent)
    func difference(_ x: [Double]) -> Double {
      let y = x.map { $0 / Norm.l2.length(x) }
      let full = zip(network.hiddenWeights.times(y), norms).map {
        phi($0) / Double.power($1, network.exponent - 1)
      }
      let few = directions.times(y).map { phi($0) }
      let outputs = network.outputWeights.times(full)
      let others = contributions.transposed.times(few)
      return zip(outputs, others).map { ($0 - $1).magnitude }.max()!
    }
    var largest = 0.0
    for _ in 0..<40 {
      var point = (0..<5).map { _ in Double.random(in: -1...1, using: &generator) }
      var value = difference(point)
      for step in 0..<200 {
        let size = 0.5 * Double.power(0.97, Double(step))
        let next = point.map { $0 + size * Double.random(in: -1...1, using: &generator) }
        let other = difference(next)
        if other > value { (point, value) = (next, other) }
      }
      largest = max(largest, value)
    }
    return largest
  }
}

struct ReductionBoundTests {
  @Test(arguments: [1, 1.25, 1.5, 2, 2.5, 3, 4, 7] as [Double], [1, 3])
  func noDifferenceExceedsTheBound(exponent: Double, outputs: Int) throws {
    for (seed, spread) in [0.1, 1e-2, 1e-4, 0].enumerated() {
      let bundles = try Bundles(
        exponent: exponent, spread: spread, outputs: outputs, seed: UInt64(100 + seed))
      #expect(bundles.directions.rows == 3)
      let found = bundles.largestDifference(seed: UInt64(seed))
      #expect(found <= bundles.bound)
      // Not only for want of trying.
      if spread >= 1e-4 { #expect(found >= bundles.bound / 60) }
    }
  }

  /// First orders cancel around a mean: a tenth of the spread leaves a hundredth of the error, at p < 2 a tenth to the p.
  @Test(arguments: [1.5, 2, 3, 4] as [Double])
  func errorsAreOfSecondOrder(exponent: Double) throws {
    let wide = try Bundles(exponent: exponent, spread: 1e-2, outputs: 1, seed: 7)
    let narrow = try Bundles(exponent: exponent, spread: 1e-3, outputs: 1, seed: 7)
    let order = min(2, exponent)
    #expect(abs(wide.bound / narrow.bound / Double.power(10, order) - 1) < 0.1)
  }
}
