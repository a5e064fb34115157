import Foundation
import LinearCore
import Testing

@Suite struct VectorPowerTests {
  static let exponents = [0, 0.25, 0.5, 0.75, 1, 1.37, 1.5, 2, 2.5, 3, 3.7, 7]

  private func apply<Scalar: LinearScalar>(_ exponent: Double, scale: Scalar = 1, _ x: [Scalar])
    -> [Scalar]
  {
    // A guard after the end shows writing too far.
    var y = [Scalar](repeating: -7, count: x.count + 1)
    VectorPower<Scalar>(exponent: exponent).apply(x.count, scale: scale, x, into: &y)
    #expect(y.last == -7)
    return Array(y.dropLast())
  }

  /// The true power, in Double; its own error of at most a few 1e-16 counts towards the tolerance.
  private func check<Scalar: LinearScalar>(_ exponent: Double, tolerance: Double, _: Scalar.Type) {
    var stream = RandomStream(seed: 1)
    let x = (0..<20_003).map { _ in Scalar(pow(10, 36 * stream.nextUniform() - 30)) }
    let y = apply(exponent, x)
    let (least, greatest) = (
      Double(Scalar.leastNormalMagnitude), Double(Scalar.greatestFiniteMagnitude)
    )
    var worst = 0.0
    for (x, y) in zip(x, y) {
      let exact = pow(Double(x), exponent)
      #expect(y == 0 || y.isNormal || (y == .infinity && exact > greatest * 0.999))
      if y == 0 {
        #expect(exact < least * (1 + tolerance))
      } else if exact <= greatest * 0.999 {
        worst = max(worst, abs(Double(y) / exact - 1))
      }
    }
    #expect(worst < tolerance)
  }

  @Test(arguments: exponents) func matchesTheLibraryInDouble(exponent: Double) {
    // One rounding for each of at most eight factors, and the library's two roots or powers.
    check(exponent, tolerance: 12 * .ulpOfOne, Double.self)
  }

  @Test(arguments: exponents) func matchesTheLibraryInFloat(exponent: Double) {
    check(exponent, tolerance: 1e-6, Float.self)
  }

  /// Near 1 the logarithm is small and must be relatively accurate.
  @Test(arguments: exponents) func isAccurateNearOne(exponent: Double) {
    let x = (-2000...2000).map { 1 + Float($0) * .ulpOfOne * 3 }
    for (x, y) in zip(x, apply(exponent, x)) {
      #expect(abs(Double(y) / pow(Double(x), exponent) - 1) < 1e-6)
    }
  }

  @Test(arguments: exponents) func zerosAndNegativesGiveZero(exponent: Double) {
    for count in 0...19 {
      let nothing: [Float] = [0, -0.0, -1, -1e-30, -Float.infinity]
      let zeros = (0..<count).map { nothing[$0 % 5] }
      #expect(apply(exponent, zeros) == [Float](repeating: 0, count: count))
      var mixed = [Double](repeating: -2, count: count)
      for i in stride(from: 0, to: count, by: 3) { mixed[i] = Double(i + 1) }
      for (x, y) in zip(mixed, apply(exponent, mixed)) {
        let error = x > 0 ? abs(y / pow(x, exponent) - 1) : y
        #expect(error <= 12 * .ulpOfOne)
      }
    }
  }

  /// Every position gets the same bits, whether in a full vector register or in the rest.
  @Test(arguments: exponents) func countDoesNotMatter(exponent: Double) {
    let x = (0..<41).map { Float($0) * 0.37 - 2 }
    let all = apply(exponent, x)
    for count in 0..<41 { #expect(apply(exponent, Array(x[..<count])) == Array(all[..<count])) }
    let one = VectorPower<Float>(exponent: exponent)
    #expect(x.map { one($0) } == all)
  }

  @Test(arguments: exponents) func scales(exponent: Double) {
    let x = (1...50).map { Float($0) }
    for scale in [Float(1e-3), 0.7, 1e12] {
      for (x, y) in zip(x, apply(exponent, scale: scale, x)) {
        let exact = pow(Double(scale * x), exponent)
        if exact > Double(Float.greatestFiniteMagnitude) {
          #expect(y == .infinity)
        } else {
          #expect(abs(Double(y) / exact - 1) < 1e-6)
        }
      }
    }
    let mirrored = apply(exponent, scale: -1, [Float(2), -2])
    #expect(mirrored[0] == 0 && abs(Double(mirrored[1]) / pow(2, exponent) - 1) < 1e-6)
  }

  /// Scaled numbers may fall below the normal range themselves.
  @Test(arguments: exponents) func denormalNumbersNeverComeOut(exponent: Double) {
    func check<Scalar: LinearScalar>(_: Scalar.Type) {
      let x = (0..<40).map { i -> Scalar in
        Scalar.leastNormalMagnitude * Scalar(1.3 * pow(2, Double(8 - i)))
      }
      let y = apply(exponent, x)
      #expect(y.allSatisfy { !$0.isSubnormal && !$0.isNaN })
      for (x, y) in zip(x, y) where x.isNormal && y != 0 {
        #expect(abs(Double(y) / pow(Double(x), exponent) - 1) < 1e-6)
      }
      // A denormal number either has its power, or counts as 0.
      for (x, y) in zip(x, y) where x.isSubnormal && y != 0 {
        #expect(abs(Double(y) / pow(Double(x), exponent) - 1) < 1e-6)
      }
    }
    check(Float.self)
    check(Double.self)
  }
}
