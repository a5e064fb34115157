import Certification
import LinearCore
import Networks
import Testing
import Theory

/// Distances on the sphere with a closed form, and random ones against sampling.
@Suite struct SphereDistanceTests {
  let labels = [1, 1, 1, 0, 0]

  func ideal(_ p: Double) -> PReLUNetwork<Double> {
    IdealClassifiers.polynomialReLU(exponent: p, centers: .identity(5), labels: labels)
  }

  @Test(arguments: [1, 1.5, 2, 3, 4]) func ofIdealsScaled(_ p: Double) throws {
    // 1.2 F - F = 0.2 F. On the sphere F is largest where its three positive coordinates share: 3 (1/3)^(p/2)
    // for p <= 2, and 1 beyond.
    let distance = try SphereDistance(of: ideal(p), to: ideal(p), scale: 1.2)
    let expected = 0.2 * max(1, 3 * Double.power(1.0 / 3, p / 2))
    #expect(distance.lower <= expected * (1 + 1e-9) && expected <= distance.upper)
    #expect(distance.upper <= distance.lower * (1 + 2e-3 * p))
  }

  @Test(arguments: [1, 2, 3]) func ofOneMissingNeuron(_ p: Double) throws {
    var network = ideal(p)
    network.outputWeights[0, 4] = 0
    let distance = try SphereDistance(of: network, to: ideal(p), scale: 1)
    #expect(distance.lower <= 1 + 1e-9 && distance.upper >= 1 && distance.upper <= 1 + 2e-3 * p)
  }

  @Test func ofTheSameIsNothing() throws {
    let distance = try SphereDistance(of: ideal(3), to: ideal(3), scale: 1)
    #expect(distance.lower <= 1e-6 && distance.upper <= 2e-5)
  }

  @Test func enclosesSamples() throws {
    for number in 0..<24 {
      let (first, second) = (RandomCase(number), RandomCase(number + 8000))
      let dimension = first.network.inputDimension
      guard second.network.inputDimension == dimension else { continue }
      func plain(_ test: RandomCase) throws -> PReLUNetwork<Double> {
        try PReLUNetwork(
          exponent: test.network.exponent, hiddenWeights: test.network.hiddenWeights,
          outputWeights: test.network.outputWeights)
      }
      let (f, g) = (try plain(first), try plain(second))
      let distance = try SphereDistance(
        of: f, to: g, scale: 0.7, budget: SearchBudget(nodes: 500))
      let points = Matrix<Double>.gaussian(
        rows: 4000, columns: dimension, stream: RandomStream(seed: 1).child("points", number)
      ).rowsNormalized()
      let differences = zip(f.referenceLogits(points).elements, g.referenceLogits(points).elements)
        .map { abs(0.7 * $0 - $1) }
      #expect(differences.max()! <= distance.upper)
      #expect(distance.lower <= distance.upper)
      // Sampling comes near the supremum in few dimensions only.
      if dimension <= 3 { #expect(differences.max()! >= 0.95 * distance.lower) }
    }
  }

  @Test func refusesWhatIsNotHomogeneous() throws {
    let biased = try PReLUNetwork<Double>(
      exponent: 2, hiddenWeights: .identity(5), outputWeights: Matrix(rows: 1, columns: 5),
      outputBias: [1])
    #expect(throws: NetworkError.self) {
      _ = try SphereDistance(of: biased, to: ideal(2), scale: 1)
    }
    #expect(throws: NetworkError.self) {
      _ = try SphereDistance(of: ideal(2), to: ideal(3), scale: 1)
    }
  }

  @Test func guaranteedRadius() {
    #expect(CriticalRadius.guaranteed(exponent: 3, distance: 0) == CriticalRadius.optimal)
    let limit = Double.power(2.0.squareRoot() / 8, 3)
    #expect(abs(CriticalRadius.guaranteed(exponent: 3, distance: limit)) < 1e-12)
    #expect(CriticalRadius.guaranteed(exponent: 3, distance: 2 * limit) == 0)
  }
}
