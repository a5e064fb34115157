import LinearCore
import Networks
import Testing
import Theory

@Suite struct CriticalRadiusTests {
  /// Minimises a^2 + sum b_k^2 subject to (1 - a)^p <= sum b_k^p directly: for every a, the cheapest
  /// opposite coordinates put the same b on j of the m subclasses.
  func bruteForce(exponent p: Double, oppositeSubclasses m: Int) -> Double {
    var best = Double.infinity
    for step in 0...200_000 {
      let a = Double(step) / 200_000
      let need = Double.power(1 - a, p)
      for j in 1...m {
        let b = Double.power(need / Double(j), 1 / p)
        best = min(best, a * a + Double(j) * b * b)
      }
    }
    return best.squareRoot()
  }

  @Test(arguments: [1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4], [1, 4, 6, 20])
  func lawIsTheMinimum(_ p: Double, _ m: Int) {
    let law = CriticalRadius.polynomialReLU(exponent: p, oppositeSubclasses: m)
    #expect(abs(law - bruteForce(exponent: p, oppositeSubclasses: m)) < 1e-5)
  }

  @Test func specialValues() {
    #expect(CriticalRadius.relu(subclasses: 16) == 0.25)
    #expect(
      abs(
        CriticalRadius.polynomialReLU(exponent: 1, oppositeSubclasses: 8)
          - CriticalRadius.relu(subclasses: 9)) < 1e-15)
    for p in [2, 2.5, 3, 10] {
      let law = CriticalRadius.polynomialReLU(exponent: p, oppositeSubclasses: 7)
      #expect(abs(law - CriticalRadius.optimal) < 1e-15)
    }
    #expect(CriticalRadius.predicted(exponent: 1, subclasses: 10, positive: 6) == 0.1.squareRoot())
    #expect(
      CriticalRadius.predicted(exponent: 3, subclasses: 10, positive: 6) == CriticalRadius.optimal)
  }

  @Test func idealClassifiersAreTheirFormulas() throws {
    let centers = try Matrix<Double>.gaussian(
      rows: 5, columns: 8, stream: RandomStream(seed: 2)
    ).orthonormalizedRows().basis
    let labels = [1, 1, 1, 0, 0]
    let x = Matrix<Double>.gaussian(rows: 20, columns: 8, stream: RandomStream(seed: 3))
    let relu = IdealClassifiers.relu(centers: centers, labels: labels).logits(x)
    let cubic = IdealClassifiers.polynomialReLU(exponent: 3, centers: centers, labels: labels)
      .logits(x)
    for i in 0..<x.rows {
      let z = centers.times(x.row(i))
      let f = max(z[0] + z[1] + z[2], 0) - max(z[3] + z[4], 0)
      let f3 = zip(z, labels).reduce(0.0) {
        let r = max($1.0, 0)
        return $0 + ($1.1 == 1 ? r * r * r : -r * r * r)
      }
      #expect(abs(relu[i, 0] - f) < 1e-13 && abs(cubic[i, 0] - f3) < 1e-13)
    }
  }
}
