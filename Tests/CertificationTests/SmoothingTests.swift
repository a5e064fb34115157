import Certification
import Foundation
import LinearCore
import Networks
import Testing

/// Confidence bounds against closed forms, sums and published values.
@Suite struct BinomialConfidenceTests {
  @Test(arguments: [1, 10, 1000, 100_000], [0.05, 0.001]) func allSuccesses(
    _ n: Int, _ alpha: Double
  ) {
    // P(X >= n) = p^n.
    let bound = BinomialConfidence.lowerBound(
      successes: n, trials: n, failureProbability: alpha)
    let exact = exp(log(alpha) / Double(n))
    #expect(bound <= exact && bound >= exact - 1e-8 * min(exact, 1 - exact))
  }

  @Test(arguments: [2, 10, 1000]) func oneSuccess(_ n: Int) {
    // P(X >= 1) = 1 - (1 - p)^n.
    let bound = BinomialConfidence.lowerBound(
      successes: 1, trials: n, failureProbability: 0.001)
    let exact = -expm1(log1p(-0.001) / Double(n))
    #expect(bound <= exact && bound >= exact * (1 - 1e-8))
    #expect(
      BinomialConfidence.lowerBound(successes: 0, trials: n, failureProbability: 0.001) == 0)
  }

  /// The tail against the sum of its terms.
  @Test(arguments: [1, 2, 7, 40, 150], [0.01, 0.3, 0.5, 0.97]) func tail(_ n: Int, _ p: Double) {
    var terms = [pow(1 - p, Double(n))]
    for k in 0..<n { terms.append(terms[k] * Double(n - k) / Double(k + 1) * p / (1 - p)) }
    for k in 0...n {
      let sum = terms[k...].reversed().reduce(0, +)
      let tail = BinomialConfidence.upperTail(successes: k, trials: n, probability: p)
      #expect(abs(tail - sum) <= 1e-12 + 1e-10 * sum, "\(k) of \(n) at \(p)")
    }
  }

  /// 95% intervals of Clopper and Pearson that R's binom.test documents or textbooks print: the lower end
  /// fails with 2.5%.
  @Test func publishedValues() {
    // R, ?binom.test: 682 of 925, "0.7076683 0.7654066"; qbeta(0.025, 7, 4) = 0.3475471 for 7 of 10.
    for (k, n, expected) in [(682, 925, 0.7076683), (7, 10, 0.3475471), (4, 20, 0.0573340)] {
      let bound = BinomialConfidence.lowerBound(
        successes: k, trials: n, failureProbability: 0.025)
      #expect(abs(bound - expected) < 6e-8, "\(k) of \(n): \(bound)")
    }
  }

  @Test func normalQuantiles() {
    for (p, z) in [(0.5, 0), (0.975, 1.959963984540054), (0.999, 3.090232306167813)] {
      #expect(abs(NormalDistribution.quantile(p) - z) < 1e-12)
    }
    for z in stride(from: -6.0, through: 4, by: 0.37) {
      let back = NormalDistribution.quantile(NormalDistribution.probability(below: z))
      #expect(abs(back - z) < 1e-9)
    }
  }
}

/// Randomised smoothing of linear classifiers, where the radius of the smoothed classifier is the distance to
/// the hyperplane, whatever the noise.
@Suite struct RandomizedSmoothingTests {
  /// <w, x> with two neurons: relu(z) - relu(-z) = z.
  func linear(_ weights: [Float], outputs: Int = 1) throws -> PReLUNetwork<Float> {
    try PReLUNetwork(
      exponent: 1, hiddenWeights: Matrix([weights, weights.map { -$0 }]),
      outputWeights: outputs == 1
        ? Matrix([[1, -1]]) : Matrix([[-1, 1], [1, -1]]))
  }

  func certified(
    _ network: PReLUNetwork<Float>, distance: Float, samples: Int, count: Int = 1, seed: UInt64 = 0,
    failure: Double = 0.001, sigma: Double = 0.5
  ) -> [SmoothedRadius] {
    // w = (3, 4): at distance t along w / 5.
    let inputs = Matrix<Float>((0..<count).map { _ in [0.6 * distance, 0.8 * distance] })
    return RandomizedSmoothing(
      network,
      settings: SmoothingSettings(sigma: sigma, samples: samples, failureProbability: failure),
      stream: RandomStream(seed: seed)
    ).certify(inputs, labels: [Int](repeating: distance > 0 ? 1 : 0, count: count))
  }

  @Test(arguments: [1, 2]) func radiusTendsToTheDistance(_ outputs: Int) throws {
    let network = try linear([3, 4], outputs: outputs)
    for distance: Float in [0.3, 0.7, -0.7] {
      let exact = Double(abs(distance))
      var last = Double.infinity
      for samples in [1000, 10_000, 100_000] {
        let result = certified(network, distance: distance, samples: samples)[0]
        #expect(result.status == .certified && result.radius <= exact)
        // The bound lies about 3.1 standard deviations of the share below it, and those of the share itself.
        let p = NormalDistribution.probability(below: exact / 0.5)
        let deviation = (p * (1 - p) / Double(samples)).squareRoot()
        let slope = exp(-exact * exact / (2 * 0.25)) / (2 * Double.pi).squareRoot()
        let room = 0.5 * 7 * deviation / slope * 1.5
        #expect(result.radius >= exact - room, "\(samples): \(result.radius) of \(exact)")
        #expect(room < last)
        last = room
      }
    }
  }

  /// With a failure probability of a fifth, radii beyond the distance are that rare: 400 samples, and six
  /// standard deviations of their number.
  @Test func radiusHoldsWithTheConfidenceStated() throws {
    let results = certified(
      try linear([3, 4]), distance: 0.3, samples: 200, count: 400, failure: 0.2)
    let beyond = results.count { $0.radius > 0.3 }
    #expect(beyond <= 80 + 6 * 8 && beyond > 0)
  }

  @Test func abstainsNearTheBoundaryAndSaysWhatIsMisclassified() throws {
    let network = try linear([3, 4])
    let near = certified(network, distance: 1e-4, samples: 1000)[0]
    #expect(near.status == .abstained && near.radius == 0)
    let wrong = RandomizedSmoothing(
      network, settings: SmoothingSettings(sigma: 0.1, samples: 1000),
      stream: RandomStream(seed: 0)
    ).certify([0.6, 0.8], label: 0)
    #expect(wrong.status == .misclassified && wrong.radius == 0)
  }

  @Test func radiusHasALimit() throws {
    let settings = SmoothingSettings(sigma: 0.5, samples: 1000)
    let far = certified(try linear([3, 4]), distance: 100, samples: 1000)[0]
    #expect(far.successes == 1000 && far.radius == settings.largestRadius)
    // 0.5 Phi^-1(0.001^(1/1000)).
    #expect(abs(settings.largestRadius - 0.5 * 2.463) < 1e-3)
  }

  @Test func doesNotDependOnThreadsNorOnOtherSamples() throws {
    let network = try linear([3, 4])
    Parallel.threadCount = 1
    let one = certified(network, distance: 0.4, samples: 3000, count: 5)
    Parallel.threadCount = 4
    let four = certified(network, distance: 0.4, samples: 3000, count: 5)
    Parallel.threadCount = 0
    #expect(one == four)
    #expect(Set(one.map(\.successes)).count > 1, "samples have noise of their own")
    let smoothing = RandomizedSmoothing(
      network, settings: SmoothingSettings(sigma: 0.5, samples: 3000),
      stream: RandomStream(seed: 0))
    #expect(
      smoothing.certify(Matrix([[0.24, 0.32]]), labels: [1], firstIndex: 3)[0].successes
        == one[3].successes)
    #expect(certified(network, distance: 0.4, samples: 3000, seed: 1)[0] != one[0])
  }
}
