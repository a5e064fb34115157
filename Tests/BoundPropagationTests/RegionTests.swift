import LinearCore
import Testing

@testable import BoundPropagation

/// The least value of linear functions on balls and boxes.
@Suite struct RegionTests {
  private func least(_ region: InputRegion, _ g: [Double]) -> Double {
    g.withUnsafeBufferPointer { region.least($0.baseAddress!) }
  }

  @Test(arguments: Norm.allCases) func ballsHaveTheDualNorm(_ norm: Norm) {
    var numbers = Numbers(3)
    for scale in [1.0, 1e-30, 1e30] {
      let g = numbers.vector(17).map { $0 * scale }
      let region = InputRegion(center: numbers.vector(17), norm: norm, radius: 0.7)
      let exact = -0.7 * norm.dual.length(g)
      let found = least(region, g)
      #expect(found <= exact)
      #expect(found >= exact * (1 + 1e-12) - 1e-149)
    }
  }

  @Test(arguments: Norm.allCases) func boxesCutBalls(_ norm: Norm) {
    var numbers = Numbers(5)
    for trial in 0..<40 {
      let n = 6
      let x = numbers.vector(n, 0...1)
      let box = (
        lower: [Double](repeating: 0, count: n), upper: [Double](repeating: 1, count: n)
      )
      let radius = [0.05, 0.4, 1.5, 4][trial % 4]
      let region = InputRegion(center: x, norm: norm, radius: radius, box: box)
      let g = numbers.vector(n)
      let found = least(region, g)
      // Nothing in it is below.
      for _ in 0..<400 {
        var d = numbers.perturbation(n, norm: norm, radius: radius)
        for j in 0..<n { d[j] = min(max(x[j] + d[j], 0), 1) - x[j] }
        #expect(zip(g, d).reduce(0) { $0 + $1.0 * $1.1 } >= found)
      }
      // And the point that the search takes for the least is there.
      var d = [Double](repeating: 0, count: n)
      region.minimizer(g, into: &d)
      #expect(norm.length(d) <= radius * (1 + 1e-6))
      #expect((0..<n).allSatisfy { x[$0] + d[$0] >= -1e-9 && x[$0] + d[$0] <= 1 + 1e-9 })
      let reached = zip(g, d).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(reached - found) <= 1e-6 * (1 + abs(found)), "\(norm) \(radius)")
    }
  }

  @Test func boxesAlone() {
    let region = InputRegion(lower: [-1, 0, 2], upper: [3, 0, 5])
    let g = [1.0, 7, -2]
    let exact = -1.0 - 10 - (1 * region.center[0] - 2 * region.center[2])
    #expect(least(region, g) <= exact)
    #expect(abs(least(region, g) - exact) < 1e-13)
  }

  @Test func whatIsNotANumberProvesNothing() {
    for norm in Norm.allCases {
      let region = InputRegion(center: [0, 0], norm: norm, radius: 1)
      #expect(!(least(region, [1, .nan]) > -.greatestFiniteMagnitude))
      #expect(!(least(region, [1, .infinity]) > -.greatestFiniteMagnitude))
    }
  }
}
