import Alignment
import Certification
import Datasets
import Formats
import LinearCore
import Networks
import Runs
import Studies
import Theory

/// How distances of networks to the ideal classifier are measured: panel (a) of Section 5.1.
struct DistanceSettings: Codable, Sendable, Equatable {
  /// The values of alpha, increasing.
  var alphas: [Double]
  /// Fresh samples for the least-squares c.
  var samples: Int
  /// The paper's gradient ascent.
  var ascent: NormalizedGradientAscent
  /// Repeats on which it runs, the first ones: it costs much more than the search.
  var ascentRepeats: Int

  func validate(_ check: SettingsCheck, dimension: Int) throws(ExperimentError) {
    try check.alphas("alphas", alphas)
    guard alphas == alphas.sorted() else {
      throw check.refusal("alphas", "a list that falls", "numbers in rising order")
    }
    try check.count("ascentRepeats", ascentRepeats, in: 0...10_000)
    let own = check.at("ascent")
    // The starts of a batch, and the best point of every hundred, are in memory.
    let most = (1 << 28) / max(1, min(dimension, 1 << 28))
    try own.count("points", ascent.points, in: 1...max(1, most))
    try own.count("batches", ascent.batches, in: 1...max(1, most / (ascent.points / 100 + 1)))
    try own.count("steps", ascent.steps, in: 0...NumberText.largestCount)
    try own.positive("stepLength", ascent.stepLength)
    try own.number("tolerance", ascent.tolerance, in: 0...1)
  }

  /// Boxes of the upper bound: at p = 1 a few dozen close it, and from p = 2 on alignment gives more than boxes.
  private static let upperNodes = 200

  /// Measures a network.
  ///
  /// - Parameters:
  ///   - mixture: what it was trained on.
  ///   - seed: of its repeat, the `repeatNumber`-th from 0.
  func measure(
    _ network: PReLUNetwork<Float>, mixture: OrthonormalMixture, seed: UInt64, repeatNumber: Int
  ) throws(ExperimentError) -> DistanceResult {
    var mixture = mixture
    mixture.samples = samples
    let root = RandomStream(seed: seed)
    let stream = root.child("distance")
    do {
      let fresh = try mixture.generate(stream: root.child("data"), part: "distance")
      // A mixture knows its centres.
      let (centers, labels) = (fresh.groupCenters!, fresh.groupLabels!)
      let p = network.exponent
      let ideal = IdealClassifiers.learned(exponent: p, centers: centers, labels: labels)
      let difference = try ClassifierDifference(network, ideal: ideal)
      let found = try DistanceSearch().run(
        difference, samples: fresh.inputs, directions: centers, stream: stream)
      func upper(_ scale: Double) throws(NetworkError) -> Double {
        try SphereDistance(
          of: network, to: ideal, scale: scale, budget: SearchBudget(nodes: Self.upperNodes)
        ).upper
      }
      let largestClass = max(mixture.positive, labels.count - mixture.positive)
      return DistanceResult(
        p: p, alpha: mixture.alpha, seed: seed, leastSquaresScale: found.leastSquares.scale,
        leastSquaresDistance: found.leastSquares.value, bestScale: found.optimised.scale,
        bestDistance: found.optimised.value,
        leastSquaresUpper: try upper(found.leastSquares.scale),
        bestUpper: try upper(found.optimised.scale),
        reductionBound: found.leastSquaresReductionBound, rank: found.rank,
        ascentDistance: repeatNumber < ascentRepeats
          ? ascent.run(
            difference, scale: found.leastSquares.scale, stream: stream.child("ascent")
          ).value : nil,
        idealSupremum: p == 1 ? Double(largestClass).squareRoot() : 1)
    } catch { throw ExperimentError(error) }
  }
}

/// The distance of one trained network to its ideal classifier.
struct DistanceResult: Codable, Sendable, Equatable {
  /// The degree of network and ideal classifier.
  let p: Double
  /// The standard deviation of a subclass, in norm.
  let alpha: Double
  let seed: UInt64
  /// c = E[f F] / E[f^2] on fresh samples.
  let leastSquaresScale: Double
  /// The largest |c f - F| found at that c.
  let leastSquaresDistance: Double
  /// The best c found.
  let bestScale: Double
  /// The largest |c f - F| found at the best c.
  let bestDistance: Double
  /// No |c f - F| is larger at the least-squares c: proved.
  let leastSquaresUpper: Double
  /// The same at the best c.
  let bestUpper: Double
  /// How much the supremum may lie above what the reduced network can reach, at the least-squares c.
  let reductionBound: Double
  /// Dimensions searched.
  let rank: Int
  /// What the paper's gradient ascent found at the least-squares c, where it ran.
  let ascentDistance: Double?
  /// sup |F| on the unit sphere: sqrt(K1) or sqrt(K2) for F, 1 for F^(p) with p >= 2.
  let idealSupremum: Double

  /// No more than this is the distance inf_c sup |c f - F|.
  var provedDistance: Double { min(leastSquaresUpper, bestUpper) }

  /// The radius that follows from ``provedDistance`` by Proposition 3 of Min and Vidal (ICML 2025), with high
  /// probability; nil where nothing is claimed: for p < 3, where the ideal is not F^(p) or not learned, and where the
  /// distance is too large.
  var guaranteedRadius: Double? {
    let radius = p < 3 ? 0 : CriticalRadius.guaranteed(exponent: p, distance: provedDistance)
    return radius > 0 ? radius : nil
  }

  /// Counts have no digits.
  static let metrics: [Metric<Self>] = [
    Metric(\.leastSquaresScale, "leastSquaresScale", heading: "least-squares c"),
    Metric(\.leastSquaresDistance, "leastSquaresDistance", heading: "distance", digits: 4),
    Metric(\.bestScale, "bestScale", heading: "best c"),
    Metric(\.bestDistance, "bestDistance", heading: "at best c", digits: 4),
    Metric(\.leastSquaresUpper, "leastSquaresUpper", heading: "at most", digits: 4),
    Metric(\.bestUpper, "bestUpper", heading: "at most at best c", digits: 4),
    Metric("guaranteedRadius", heading: "guaranteed radius", digits: 4) {
      $0.guaranteedRadius ?? .nan
    },
    Metric(\.reductionBound, "reductionBound", heading: "left out", digits: 4),
    Metric("rank", heading: "dimensions", digits: 0) { Double($0.rank) },
    Metric("ascentDistance", heading: "gradient ascent", digits: 4) { $0.ascentDistance ?? .nan },
  ]

  /// What contradicts itself: a value found above the proved bound. Values are found in double precision and
  /// the bound includes its own rounding.
  static func violations(_ results: [DistanceResult]) -> [String] {
    results.compactMap { result in
      let pairs = [
        (result.leastSquaresDistance, result.leastSquaresUpper),
        (result.bestDistance, result.bestUpper),
        (result.ascentDistance ?? 0, result.leastSquaresUpper),
      ]
      if pairs.allSatisfy({ $0.0 <= $0.1 * (1 + 1e-9) }) { return nil }
      return
        "p = \(result.p.formatted()), alpha = \(result.alpha.formatted()), seed \(result.seed): a "
        + "value of |c f - F| was found above the proved upper bound: a bound is wrong"
    }
  }

  /// One row a network.
  static func table(_ results: [DistanceResult]) -> CSVTable {
    var table = CSVTable()
    table.append("p", results.map(\.p))
    table.append("alpha", results.map(\.alpha))
    table.append("seed", results.map { "\($0.seed)" })
    for metric in metrics {
      let values = results.map(metric.value)
      if metric.digits == 0 {
        table.append(metric.key, values.map { Int(saturating: $0) })
      } else {
        table.append(metric.key, values)
      }
    }
    return table
  }
}
