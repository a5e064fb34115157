import Alignment
import Certification
import Datasets
import Formats
import Foundation
import LinearCore
import Networks
import Theory

/// What panel (a) of Section 5.1 measures, and with how much effort.
struct DistanceSettings: Codable, Sendable, Equatable {
  /// The values of alpha, increasing; where one is the mixture's own, its networks are measured.
  var alphas: [Double]
  /// Fresh samples for the least-squares c.
  var samples: Int
  /// The paper's gradient ascent.
  var ascent: NormalizedGradientAscent
  /// Repeats on which it runs, the first ones: it costs a thousand times as much as the search.
  var ascentRepeats: Int
}

/// The distance of one trained network to its ideal classifier; `results/distance-NAME.json`.
public struct DistanceResult: Codable, Sendable, Equatable {
  /// The degree of network and ideal classifier.
  public let p: Double
  /// The standard deviation of a subclass, in norm.
  public let alpha: Double
  /// The seed of the repeat.
  public let seed: UInt64
  /// c = E[f F] / E[f^2] on fresh samples.
  public let leastSquaresScale: Double
  /// The largest |c f - F| found at that c.
  public let leastSquaresDistance: Double
  /// The best c found.
  public let bestScale: Double
  /// The largest |c f - F| found at the best c.
  public let bestDistance: Double
  /// No |c f - F| is larger at the least-squares c: proved.
  public let leastSquaresUpper: Double
  /// The same at the best c.
  public let bestUpper: Double
  /// How much the supremum may lie above what the reduced network can reach, at the least-squares c.
  public let reductionBound: Double
  /// Dimensions searched.
  public let rank: Int
  /// What the paper's gradient ascent found at the least-squares c, where it ran.
  public let ascentDistance: Double?
  /// sup |F| on the unit sphere: sqrt(K1) or sqrt(K2) for F, 1 for F^(p) with p >= 2.
  public let idealSupremum: Double
  /// Seconds of the search.
  public let searchSeconds: Double
  /// Seconds of the gradient ascent.
  public let ascentSeconds: Double?
}

extension MixtureExperiment {
  /// Trains where there is no network yet, and measures distances at every alpha: one result a degree,
  /// alpha and repeat, each stored as soon as it is there.
  func distances(in directory: RunDirectory, progress: ProgressReporter) throws(ExperimentError)
    -> [DistanceResult]
  {
    var results: [DistanceResult] = []
    for number in 0..<settings.repeats {
      let seed = settings.seed + UInt64(number)
      for alpha in settings.distance.alphas {
        for p in settings.degrees {
          let run = ClusterRun.name(exponent: p, seed: seed)
          let name =
            alpha == settings.mixture.alpha
            ? run : run + String(format: "-alpha%.4f", alpha)
          results.append(
            try directory.cached(
              "results/distance-\(run)\(String(format: "-alpha%.4f", alpha)).json"
            ) {
              () throws(ExperimentError) in
              try distance(
                p: p, alpha: alpha, number: number, network: "networks/\(name)", title: name,
                directory: directory, progress: progress)
            })
        }
      }
    }
    return results
  }

  private func distance(
    p: Double, alpha: Double, number: Int, network path: String, title: String,
    directory: RunDirectory, progress: ProgressReporter
  ) throws(ExperimentError) -> DistanceResult {
    let seed = settings.seed + UInt64(number)
    var mixture = settings.mixture
    mixture.alpha = alpha
    let stream = RandomStream(seed: seed)
    var fresh = mixture
    fresh.samples = settings.distance.samples
    let data: (train: Dataset, fresh: Dataset)
    do {
      data = (
        try mixture.generate(stream: stream.child("data")),
        try fresh.generate(stream: stream.child("data"), part: "distance")
      )
    } catch { throw ExperimentError(error) }
    // What an earlier run has finished is read, not repeated.
    let (network, _) = try TrainingRun(
      directory.path(path), configuration: training(p, seed, mixture: mixture), resume: true,
      title: title
    ).run(data: data.train, heldOut: nil, progress: progress)
    return try measure(
      network, alpha: alpha, number: number, fresh: data.fresh,
      stream: stream.child("distance"), title: title, progress: progress)
  }

  /// Boxes of the upper bound: at p = 1 a few dozen close it, and from p = 2 on alignment gives more than boxes.
  private static var upperNodes: Int { 200 }

  private func measure(
    _ network: PReLUNetwork<Float>, alpha: Double, number: Int, fresh: Dataset,
    stream: RandomStream, title: String, progress: ProgressReporter
  ) throws(ExperimentError) -> DistanceResult {
    // A mixture knows its centres.
    let (centers, labels) = (fresh.groupCenters!, fresh.groupLabels!)
    let p = network.exponent
    let ideal = IdealClassifiers.learned(exponent: p, centers: centers, labels: labels)
    do {
      let difference = try ClassifierDifference(network, ideal: ideal)
      let start = Date()
      let found = try DistanceSearch().run(
        difference, samples: fresh.inputs, directions: centers, stream: stream)
      let searched = Date()
      func upper(_ scale: Double) throws(NetworkError) -> Double {
        try SphereDistance(
          of: network, to: ideal, scale: scale, budget: SearchBudget(nodes: Self.upperNodes)
        ).upper
      }
      let (leastSquaresUpper, bestUpper) = (
        try upper(found.leastSquares.scale), try upper(found.optimised.scale)
      )
      let bounded = Date()
      var ascent: DistanceEstimate?
      if number < settings.distance.ascentRepeats {
        progress.note("\(title): gradient ascent of |c f - F| in all dimensions")
        ascent = settings.distance.ascent.run(
          difference, scale: found.leastSquares.scale, stream: stream.child("ascent"))
      }
      let largestClass = max(settings.mixture.positive, labels.count - settings.mixture.positive)
      return DistanceResult(
        p: p, alpha: alpha, seed: settings.seed + UInt64(number),
        leastSquaresScale: found.leastSquares.scale,
        leastSquaresDistance: found.leastSquares.value, bestScale: found.optimised.scale,
        bestDistance: found.optimised.value, leastSquaresUpper: leastSquaresUpper,
        bestUpper: bestUpper, reductionBound: found.leastSquaresReductionBound,
        rank: found.rank, ascentDistance: ascent?.value,
        idealSupremum: p == 1 ? Double(largestClass).squareRoot() : 1,
        searchSeconds: searched.timeIntervalSince(start),
        ascentSeconds: ascent.map { _ in Date().timeIntervalSince(bounded) })
    } catch { throw ExperimentError(error) }
  }
}

extension DistanceResult {
  /// No more than this is the distance inf_c sup |c f - F|.
  var provedDistance: Double { min(leastSquaresUpper, bestUpper) }

  /// The radius that follows from ``provedDistance`` by Proposition 3 of Min and Vidal (ICML 2025); nil where nothing
  /// is claimed: for p < 3, where the ideal is not F^(p) or not learned, and where the distance is too large.
  var guaranteedRadius: Double? {
    let radius = p < 3 ? 0 : CriticalRadius.guaranteed(exponent: p, distance: provedDistance)
    return radius > 0 ? radius : nil
  }

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
    table.append("leastSquaresScale", results.map(\.leastSquaresScale))
    table.append("leastSquaresDistance", results.map(\.leastSquaresDistance))
    table.append("bestScale", results.map(\.bestScale))
    table.append("bestDistance", results.map(\.bestDistance))
    table.append("leastSquaresUpper", results.map(\.leastSquaresUpper))
    table.append("bestUpper", results.map(\.bestUpper))
    table.append("guaranteedRadius", results.map { $0.guaranteedRadius ?? .nan })
    table.append("reductionBound", results.map(\.reductionBound))
    table.append("rank", results.map(\.rank))
    table.append("ascentDistance", results.map { $0.ascentDistance ?? .nan })
    table.append("searchSeconds", results.map(\.searchSeconds))
    table.append("ascentSeconds", results.map { $0.ascentSeconds ?? .nan })
    return table
  }
}
