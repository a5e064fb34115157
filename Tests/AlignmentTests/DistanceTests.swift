import Alignment
import Foundation
import LinearCore
import Networks
import Testing
import Theory

@Suite struct DistanceTests {
  private typealias Examples = DistanceExamples

  @Test(arguments: [1, 1.5, 2, 3]) func aMultipleOfTheIdealHasDistanceZero(_ p: Double) throws {
    let centers = Examples.centers(40, rotated: true)
    let ideal = Examples.ideal(p, centers: centers)
    var network = ideal
    for j in 0..<network.hiddenWidth { network.outputWeights[0, j] *= 7 }
    let result = try Examples.distance(network, ideal, samples: centers)
    #expect(abs(7 * result.leastSquares.scale - 1) < 1e-13)
    #expect(abs(7 * result.optimised.scale - 1) < 1e-10)
    // Sums of five terms of size 1, in the reduction and out of it.
    #expect(result.leastSquares.value < 1e-11 && result.optimised.value < 1e-11)
    #expect(result.optimisedReductionBound < 1e-8)
  }

  /// One output weight of F^(p) times 1 + delta. c f - F = sum_k a_k relu(x_k)^p with a_1 = c(1+delta) - 1,
  /// a_k = c - 1 for the other positive ones, and 1 - c for the negative ones. On the sphere the supremum
  /// of the terms of one sign is the q-norm of the a_k, q = 2/(2-p), for p < 2 (Hoelder), and their
  /// largest for p >= 2.
  @Test(arguments: [1, 1.5, 2, 3, 4.5], [0.4, -0.3])
  func oneChangedWeightHasAClosedForm(_ p: Double, _ delta: Double) throws {
    let centers = Examples.centers(30)
    let ideal = IdealClassifiers.polynomialReLU(
      exponent: p, centers: centers, labels: Examples.labels)
    var network = ideal
    network.outputWeights[0, 0] = 1 + delta
    func supremum(_ c: Double) -> Double {
      let signs = Examples.labels.map { $0 == 1 ? 1.0 : -1.0 }
      let terms = signs.enumerated().map { $1 * ($0 == 0 ? c * (1 + delta) - 1 : c - 1) }
      return [1.0, -1.0].map { sign in
        let same = terms.map { max(0, sign * $0) }
        if p >= 2 { return same.max()! }
        let q = 2 / (2 - p)
        return Double.power(same.reduce(0) { $0 + Double.power($1, q) }, 1 / q)
      }.max()!
    }
    // The supremum is convex in c.
    var (low, high) = (0.0, 3.0)
    for _ in 0..<200 {
      let (a, b) = (low + (high - low) / 3, high - (high - low) / 3)
      if supremum(a) < supremum(b) { high = b } else { low = a }
    }
    let best = supremum(low)
    if p >= 2 { #expect(abs(best - abs(delta) / (2 + delta)) < 1e-12) }

    let result = try Examples.distance(network, ideal, samples: centers)
    let c = (4 + 1 + delta) / (4 + (1 + delta) * (1 + delta))
    #expect(abs(result.leastSquares.scale - c) < 1e-13)
    #expect(abs(result.leastSquares.value - supremum(c)) < 1e-9)
    #expect(abs(result.optimised.value - best) < 1e-9)
    #expect(result.optimised.value <= result.leastSquares.value + 1e-12)
  }

  /// Networks of two inputs against every point of a dense grid of the circle.
  @Test(arguments: [1, 1.5, 3], [UInt64](0..<6)) func theCircle(_ p: Double, _ seed: UInt64) throws
  {
    let stream = RandomStream(seed: seed)
    func network(_ name: String, _ width: Int) -> PReLUNetwork<Double> {
      try! PReLUNetwork(
        inputDimension: 2, hiddenWidth: width, outputCount: 1, exponent: p,
        initialization: .gaussian(scale: 1), stream: stream.child(name))
    }
    let difference = try ClassifierDifference(network("f", 6), ideal: network("ideal", 4))
    let samples = Matrix<Double>.gaussian(rows: 100, columns: 2, stream: stream.child("samples"))
    let result = try DistanceSearch().run(difference, samples: samples, stream: stream)

    let count = 40_000
    var circle = Matrix<Double>(rows: count, columns: 2)
    for i in 0..<count {
      let angle = 2 * Double.pi * Double(i) / Double(count)
      (circle[i, 0], circle[i, 1]) = (cos(angle), sin(angle))
    }
    let values = difference.values(circle)
    func grid(_ c: Double) -> Double { values.map { $0.distance(scale: c) }.max()! }
    // Between neighbours c f - F changes by at most its slope, p times the sum of all |a_j|.
    func gap(_ c: Double) -> Double {
      let norms = difference.pair.hiddenWeights.rowNorms()
      let size = norms.indices.reduce(0) {
        $0 + norms[$1]
          * (c * difference.pair.outputWeights[0, $1] - difference.pair.outputWeights[1, $1])
          .magnitude
      }
      return p * size * Double.pi / Double(count)
    }
    let first = result.leastSquares
    #expect(
      first.value >= grid(first.scale) - 1e-9 && first.value <= grid(first.scale) + gap(first.scale)
    )
    var (low, high) = (0.0, 20.0)
    for _ in 0..<60 {
      let (a, b) = (low + (high - low) / 3, high - (high - low) / 3)
      if grid(a) < grid(b) { high = b } else { low = a }
    }
    #expect(abs(result.optimised.value - grid(low)) <= gap(low) + 1e-9)
  }

  @Test(arguments: [1, 1.5, 3]) func theDistanceDoesNotTurnWithTheData(_ p: Double) throws {
    // More than twice as many dimensions as neurons: the reduction is exact.
    let centers = Examples.centers(64)
    let ideal = Examples.ideal(p, centers: centers)
    let network = Examples.noisy(ideal, noise: 0.05, seed: 4)
    let samples = Examples.samples(centers, alpha: 0.1)
    let frame = Examples.rotation(64)
    let plain = try Examples.distance(network, ideal, samples: samples, directions: centers)
    let turned = try Examples.distance(
      Examples.rotated(network, by: frame), Examples.rotated(ideal, by: frame),
      samples: .product(samples, frame), directions: .product(centers, frame))
    #expect(abs(plain.leastSquares.scale - turned.leastSquares.scale) < 1e-12)
    #expect(abs(plain.leastSquares.value - turned.leastSquares.value) < 1e-8)
    #expect(abs(plain.optimised.value - turned.optimised.value) < 1e-8)
  }

  /// In fewer dimensions the value may be lower by the bound that is reported, and by no more.
  @Test(arguments: [1, 1.5, 3]) func theReductionStaysWithinItsBound(_ p: Double) throws {
    let centers = Examples.centers(50)
    let ideal = Examples.ideal(p, centers: centers)
    let network = Examples.noisy(ideal, noise: 0.01, seed: 5)
    let samples = Examples.samples(centers, alpha: 0.1)
    let full = try Examples.distance(network, ideal, samples: samples, tolerance: 0)
    let reduced = try Examples.distance(network, ideal, samples: samples, tolerance: 0.02)
    #expect(reduced.rank < full.rank)
    let gap = abs(full.leastSquares.value - reduced.leastSquares.value)
    #expect(gap <= reduced.leastSquaresReductionBound + full.leastSquaresReductionBound + 1e-9)
    #expect(
      abs(full.optimised.value - reduced.optimised.value) <= reduced.optimisedReductionBound
        + full.optimisedReductionBound + 1e-9)
  }

  /// The paper's ascent in all dimensions finds nothing higher, though the search leaves most of them out.
  @Test(arguments: [1, 1.5, 3]) func gradientAscentStaysBelow(_ p: Double) throws {
    let centers = Examples.centers(80, rotated: true)
    let ideal = Examples.ideal(p, centers: centers)
    let difference = try ClassifierDifference(
      Examples.noisy(ideal, noise: 0.02, seed: 6), ideal: ideal)
    var search = DistanceSearch()
    search.tolerance = 0.03
    let result = try search.run(
      difference, samples: Examples.samples(centers, alpha: 0.1), directions: centers,
      stream: RandomStream(seed: 2))
    #expect(result.leastSquaresReductionBound > 0 && result.rank < 40)
    let ascent = NormalizedGradientAscent(batches: 2, points: 100, steps: 500)
    let scale = result.leastSquares.scale
    let best = ascent.run(difference, scale: scale, stream: RandomStream(seed: 3))
    #expect(best.value <= result.leastSquares.value + 1e-9)
    // It gets close: a step is 0.01 long.
    #expect(best.value >= 0.9 * result.leastSquares.value)
    // The best iterate is never below the last.
    var last = ascent
    last.reportsBestIterate = false
    #expect(
      last.run(difference, scale: scale, stream: RandomStream(seed: 3)).value <= best.value + 1e-14)
    for estimate in [best, result.leastSquares, result.optimised] {
      let norm = Matrix([estimate.witness]).rowNorms()[0]
      #expect(abs(norm - 1) < 1e-14)
      let value = difference.values(Matrix([estimate.witness]))[0].distance(scale: estimate.scale)
      #expect(abs(value - estimate.value) < 1e-14)
    }
  }

  /// The coordinates that matter, and one for the rest, make the same steps as all dimensions.
  @Test(arguments: [1, 2.5, 3]) func gradientAscentIsTheSameInFewDimensions(_ p: Double) throws {
    let centers = Examples.centers(80, rotated: true)
    let ideal = Examples.ideal(p, centers: centers)
    // Contributions of other sizes: the same span, another function.
    var network = ideal
    for j in 0..<ideal.hiddenWidth { network.outputWeights[0, j] *= 1 + 0.1 * Double(j) }
    let difference = try ClassifierDifference(network, ideal: ideal)
    for keepsBest in [true, false] {
      let values = [0, 1e-6].map { tolerance in
        NormalizedGradientAscent(
          batches: 1, points: 40, steps: 60, reportsBestIterate: keepsBest, tolerance: tolerance
        ).run(difference, scale: 0.9, stream: RandomStream(seed: 3))
      }
      #expect(abs(values[0].value - values[1].value) < 1e-7 * values[0].value)
      #expect(abs(Matrix([values[1].witness]).rowNorms()[0] - 1) < 1e-12)
    }
  }

  @Test(arguments: [1, 3]) func theSameBytesOnAnyNumberOfThreads(_ p: Double) throws {
    let centers = Examples.centers(20)
    let ideal = Examples.ideal(p, centers: centers)
    let network = Examples.noisy(ideal, noise: 0.05, seed: 7)
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    let results = try [1, 2, 5].map { threads in
      Parallel.threadCount = threads
      let difference = try ClassifierDifference(
        network.converted(to: Float.self), ideal: ideal.converted(to: Float.self))
      return (
        try Examples.distance(network, ideal, samples: Examples.samples(centers, alpha: 0.1)),
        NormalizedGradientAscent(batches: 2, points: 250, steps: 20).run(
          difference, scale: 1, stream: RandomStream(seed: 1))
      )
    }
    for result in results { #expect(result == results[0]) }
  }

  @Test func pairsThatHaveNoDistanceAreRefused() throws {
    let ideal = Examples.ideal(3, centers: Examples.centers(8))
    func refusal(_ network: PReLUNetwork<Double>) -> String? {
      do throws(NetworkError) {
        _ = try ClassifierDifference(network, ideal: ideal)
        return nil
      } catch { return error.description }
    }
    func network(
      p: Double = 3, dimension: Int = 8, outputs: Int = 1, center: Bool = false,
      normalizeInput: Bool = false
    ) -> PReLUNetwork<Double> {
      try! PReLUNetwork(
        inputDimension: dimension, hiddenWidth: 4, outputCount: outputs, exponent: p,
        initialization: .gaussian(scale: 1),
        center: center ? [Double](repeating: 1, count: dimension) : nil,
        normalizeInput: normalizeInput, stream: RandomStream(seed: 0))
    }
    #expect(refusal(network()) == nil)
    #expect(refusal(network(p: 2)) == "the network has p = 2.0, the ideal classifier p = 3.0")
    #expect(
      refusal(network(dimension: 9))
        == "the network takes 9 coordinates, the ideal classifier 8")
    #expect(
      refusal(network(outputs: 3)) == "the network has 3 outputs, a distance needs one")
    for shifted in [network(center: true), network(normalizeInput: true)] {
      #expect(refusal(shifted)?.hasPrefix("the network has a center, a bias or input norm") == true)
    }
  }
}
