import LinearCore
import Testing

@testable import Certification

@Suite struct ConcaveMajorantTests {
  struct Draw {
    let lower: Double
    let upper: Double
    let curvature: Double
  }

  /// Intervals on either side of 0 and across it, curvatures over five decades and 0.
  static func draws(_ count: Int) -> [Draw] {
    var generator = RandomStream(seed: 3).child("majorant")
    return (0..<count).map { number in
      let ends = (0..<2).map { _ in Double.random(in: -1...1, using: &generator) }
      let decade = Double.random(in: -3...2, using: &generator)
      return Draw(
        lower: ends.min()!, upper: ends.max()!,
        curvature: number % 10 == 0 ? 0 : Double.power(10, decade))
    }
  }

  @Test(arguments: [1, 1.1, 1.25, 1.5, 1.9, 2, 2.2, 2.5, 3, 4, 6])
  func liesAboveAndIsConcaveUpToTheParabola(_ p: Double) {
    let activation = RectifiedPower(exponent: p)
    for draw in Self.draws(2000) {
      let majorant = ConcaveMajorant(
        activation, lower: draw.lower, upper: draw.upper, curvature: draw.curvature)
      let points = (0...40).map { draw.lower + (draw.upper - draw.lower) * Double($0) / 40 }
      let values = points.map { majorant.derivatives($0).value }
      let hull = zip(points, values).map { $1 - majorant.curvature * $0 * $0 }
      // The ends of bridges are found to 1e-13 of the interval, where heights are at most 1 + gamma.
      let tolerance = 1e-10 * (1 + draw.curvature)
      for (z, value) in zip(points, values) { #expect(value >= activation(z) - tolerance) }
      for i in 1..<40 { #expect(2 * hull[i] >= hull[i - 1] + hull[i + 1] - tolerance) }
      // Exact at both ends.
      #expect(abs(values[0] - activation(draw.lower)) <= tolerance)
      #expect(abs(values[40] - activation(draw.upper)) <= tolerance)
    }
  }

  @Test(arguments: [1, 1.25, 1.5, 2, 2.5, 3, 6])
  func slopesAreThoseOfValues(_ p: Double) {
    for draw in Self.draws(300) where draw.upper - draw.lower > 0.1 {
      let majorant = ConcaveMajorant(
        RectifiedPower(exponent: p), lower: draw.lower, upper: draw.upper,
        curvature: draw.curvature)
      let step = 1e-6
      for share in [0.13, 0.5, 0.77] {
        let z = draw.lower + share * (draw.upper - draw.lower)
        if abs(z) < 0.01 { continue }
        let difference =
          (majorant.derivatives(z + step).value - majorant.derivatives(z - step).value) / (2 * step)
        // Second derivatives are at most 2 gamma + p (p - 1) |z|^(p - 2) < 300 + 2 gamma here.
        let bound = step * (300 + 2 * draw.curvature) + 1e-8 * (1 + draw.curvature)
        #expect(abs(difference - majorant.derivatives(z).slope) <= bound)
      }
    }
  }

  @Test func aSideNeuronAtRestCostsNothing() {
    // relu(z)^3 <= u z^2 on (-infinity, u]: with gamma = u nothing is lost at z <= 0.
    let majorant = ConcaveMajorant(
      RectifiedPower(exponent: 3), lower: -0.7, upper: 0.7, curvature: 0.7)
    for z in [-0.5, -0.1, 0] { #expect(abs(majorant.derivatives(z).value) < 1e-12) }
    // With less curvature something is.
    let flatter = ConcaveMajorant(
      RectifiedPower(exponent: 3), lower: -0.7, upper: 0.7, curvature: 0.35)
    #expect(flatter.derivatives(0).value > 0.01)
  }

  @Test(arguments: [1, 1.25, 1.5, 1.75]) func roundedActivationLiesBelow(_ p: Double) {
    let activation = RectifiedPower(exponent: p)
    for t in [1e-8, 1e-3, 0.3] {
      for step in 0...200 {
        let z = 2 * t * Double(step) / 200
        let jet = activation.roundedDerivatives(z, rounding: t)
        #expect(jet.value <= activation(z) * (1 + 1e-14))
        #expect(jet.value >= activation(z) - (1 - p / 2) * activation(t) * (1 + 1e-14))
      }
    }
  }
}
