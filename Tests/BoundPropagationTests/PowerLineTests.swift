import Foundation
import Testing

@testable import BoundPropagation

/// Lines above and below relu(z)^p.
@Suite struct PowerLineTests {
  private static let exponents = [1, 1.2, 1.5, 2, 3, 7.3]

  /// phi in extended precision.
  private func phi(_ z: Float80, _ p: Double, _ c: Double) -> Float80 {
    if z <= 0 { return 0 }
    if p == 1 { return z }
    if p == p.rounded() {
      var result = z
      for _ in 1..<Int(p) { result *= z / Float80(c) }
      return result
    }
    return z * Float80(pow(Double(z) / c, p - 1))
  }

  @Test(arguments: exponents) func enclose(_ p: Double) throws {
    var numbers = Numbers(11)
    for trial in 0..<400 {
      let scale = [1, 1e-30, 1e30, 1e-3][trial % 4]
      let c = p == 1 ? 1 : scale * numbers.uniform(0.1...3)
      let lines = PowerLines(
        BoundedNetwork.PowerNode(
          input: 0, exponent: p, norms: p == 1 ? nil : [c], normError: 0))
      let z0 = scale * numbers.uniform(-2...2)
      var ends = [scale * numbers.uniform(-3...3), scale * numbers.uniform(-3...3)].sorted()
      if trial % 7 == 0 { ends[1] = ends[0] }
      if trial % 11 == 0 { ends[0] = -z0 }
      if trial % 13 == 0 { ends[1] = -z0 }
      let h0 = lines.power.value(z0, at: 0)
      let above = lines.above(ends[0], max(ends[0], ends[1]), z0, h0, at: 0)
      let slope = numbers.uniform(-0.2...2)
      let below = lines.below(ends[0], max(ends[0], ends[1]), z0, h0, slope: slope, at: 0)
      for step in 0...40 {
        let end = max(ends[0], ends[1])
        let dz = min(max(ends[0] + (end - ends[0]) * Double(step) / 40, ends[0]), end)
        let value = phi(Float80(z0) + Float80(dz), p, c) - Float80(h0)
        // The power itself is right to a few units in the last place.
        let doubt = p == p.rounded() ? 0 : (value.magnitude + Float80(abs(h0))) * 0x1p-50
        #expect(
          Float80(above.slope) * Float80(dz) + Float80(above.intercept) >= value - doubt,
          "above at \(dz) of \(ends), z0 \(z0)")
        #expect(
          Float80(below.slope) * Float80(dz) + Float80(below.intercept) <= value + doubt,
          "below at \(dz) of \(ends), z0 \(z0)")
      }
    }
  }

  @Test func chordsAndTangentsTouch() {
    let lines = PowerLines(
      BoundedNetwork.PowerNode(input: 0, exponent: 3, norms: nil, normError: 0))
    // From z = -1 to z = 2 around z0 = 0.5: the chord meets the ends, the line of slope 3/4 touches at 1/2.
    let above = lines.above(-1.5, 1.5, 0.5, 0.125, at: 0)
    #expect(abs(above.slope - 8 / 3) < 1e-12)
    #expect(abs(above.slope * 1.5 + above.intercept - (8 - 0.125)) < 1e-12)
    let below = lines.below(-1.5, 1.5, 0.5, 0.125, slope: 0.75, at: 0)
    // Sound, and loose by a thousand roundings at most.
    #expect(below.intercept <= 0 && below.intercept > -1e-12)
    #expect(abs(lines.touching(0.75, at: 0) - 0.5) < 1e-15)
  }

  @Test func linearPiecesAreExact() {
    let lines = PowerLines(
      BoundedNetwork.PowerNode(input: 0, exponent: 1, norms: nil, normError: 0))
    for (low, high, slope) in [(-0.3, 5.0, 1.0), (-9.0, -0.3, 0.0)] {
      let z0 = slope == 1 ? 0.3 : 0.25
      let h0 = lines.power.value(z0, at: 0)
      let above = lines.above(low, high, z0, h0, at: 0)
      let below = lines.below(low, high, z0, h0, slope: 0.5, at: 0)
      #expect(above.slope == slope && below.slope == slope)
      #expect(above.intercept == below.intercept)
      #expect(above.intercept == (slope == 1 ? 0 : -h0))
    }
  }

  @Test func unboundedIntervalsHaveAFlatLineBelow() {
    let lines = PowerLines(
      BoundedNetwork.PowerNode(input: 0, exponent: 2, norms: nil, normError: 0))
    #expect(lines.above(-1, .infinity, 0, 0, at: 0).intercept == .infinity)
    let below = lines.below(-.infinity, .infinity, 0, 0, slope: 1, at: 0)
    #expect(below.slope == 1 && below.intercept <= -0.25 && below.intercept > -0.2500001)
  }
}
