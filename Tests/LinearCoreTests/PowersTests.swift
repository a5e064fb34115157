import LinearCore
import Testing

@Suite struct PowersTests {
  @Test func rootsOfFloats() {
    // Every binary exponent of normal numbers, and mantissas across the octave.
    let inputs: [Float] = (-126...127).flatMap { exponent in
      stride(from: Float(1), to: 2, by: 0.037).map {
        $0 * Float(sign: .plus, exponent: exponent, significand: 1)
      }
    }
    var roots = inputs
    Float.root(roots.count, &roots)
    for (x, root) in zip(inputs, roots) {
      #expect(abs(root / x.squareRoot() - 1) < 2e-7, "root of \(x)")
    }
  }

  @Test func rootsNearZero() {
    var values: [Float] = [0, .leastNonzeroMagnitude, .leastNormalMagnitude / 2]
    Float.root(values.count, &values)
    #expect(values[0] == 0)
    #expect(values.allSatisfy { $0 >= 0 && $0 < 1e-18 })
  }

  @Test func rootsOfDoubles() {
    var values: [Double] = [0, 2, 1e-300]
    Double.root(values.count, &values)
    #expect(values == [0, 2.squareRoot(), 1e-150])
  }
}
