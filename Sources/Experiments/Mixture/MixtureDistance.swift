import Alignment
import Certification
import Datasets
import Formats
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Theory

/// What panel (a) of Section 5.1 measures, and with how much effort.
struct DistanceSettings: Codable, Sendable, Equatable {
  /// The values of alpha, increasing; where one is the mixture's own, its networks are measured.
  var alphas: [Double]
  /// Fresh samples for the least-squares c.
  var samples: Int
  /// The paper's gradient ascent.
  var ascent: NormalizedGradientAscent
  /// Repeats on which it runs, the first ones: it costs much more than the search.
  var ascentRepeats: Int
}

/// The distance of one trained network to its ideal classifier; `results/distance-NAME.json`.
struct DistanceResult: Codable, Sendable, Equatable {
  /// The degree of network and ideal classifier.
  let p: Double
  /// The standard deviation of a subclass, in norm.
  let alpha: Double
  /// The seed of the repeat.
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
}

/// A network of the experiment: a degree at an alpha.
struct MixtureCell: SweepCell {
  let p: Double
  let alpha: Double

  var parameters: [Parameter] { [SweepColumn("p", p), SweepColumn("alpha", alpha)] }
  /// The alignment phase is the longer, the higher the degree.
  var cost: Double { 3 + p }

  /// The name of its distance in files.
  func distanceName(seed: UInt64) -> String {
    ClusterRun.name(exponent: p, seed: seed) + String(format: "-alpha%.4f", alpha)
  }
}

extension MixtureExperiment {
  /// The networks of panel (a).
  var cells: [MixtureCell] {
    settings.distance.alphas.flatMap { alpha in
      settings.degrees.map { MixtureCell(p: $0, alpha: alpha) }
    }
  }

  /// Trains where there is no network yet, and measures distances at every alpha: one result a degree,
  /// alpha and repeat, each stored as soon as it is there. Networks are trained side by side.
  func distances(in directory: RunDirectory, progress: ProgressReporter) throws(ExperimentError)
    -> [DistanceResult]
  {
    let seeds = (0..<settings.repeats).map { settings.seed &+ UInt64($0) }
    let sweep = Sweep(name: "networks", cells: cells, seeds: seeds)
    _ = try sweep.run(in: directory, progress: progress) { cell, context throws(ExperimentError) in
      let result = try distance(cell, seed: context.seed, directory: directory) {
        context.report($0)
      }
      return SweepMeasurement(metrics: ["distance": result.leastSquaresDistance])
    }
    var results: [DistanceResult] = []
    for seed in seeds {
      for cell in cells {
        results.append(try distance(cell, seed: seed, directory: directory) { _ in })
      }
    }
    return results
  }

  /// The distance of a network, from an earlier run where there is one.
  private func distance(
    _ cell: MixtureCell, seed: UInt64, directory: RunDirectory,
    report: @escaping @Sendable (Double) -> Void
  ) throws(ExperimentError) -> DistanceResult {
    let name = "distance-\(cell.distanceName(seed: seed))"
    return try directory.timed("results/\(name).json", part: name) {
      () throws(ExperimentError) in
      try newDistance(cell, seed: seed, directory: directory, report: report)
    }
  }

  private func newDistance(
    _ cell: MixtureCell, seed: UInt64, directory: RunDirectory,
    report: @escaping @Sendable (Double) -> Void
  ) throws(ExperimentError) -> DistanceResult {
    var mixture = settings.mixture
    mixture.alpha = cell.alpha
    let isAttacked = cell.alpha == settings.mixture.alpha
    let stream = RandomStream(seed: seed)
    let network: PReLUNetwork<Float>
    do {
      let train = try mixture.generate(stream: stream.child("data"))
      let name =
        isAttacked
        ? ClusterRun.name(exponent: cell.p, seed: seed) : cell.distanceName(seed: seed)
      let run = try TrainingRun(
        directory.path("networks/\(name)"), configuration: training(cell.p, seed, mixture: mixture),
        resume: true, title: name)
      // What an earlier run has finished is read, not repeated.
      network = try run.run(
        data: train, heldOut: isAttacked ? testData(seed: seed) : nil,
        progress: ProgressReporter(share: report)
      ).network
    } catch { throw ExperimentError(error) }
    mixture.samples = settings.distance.samples
    let fresh: Dataset
    do {
      fresh = try mixture.generate(stream: stream.child("data"), part: "distance")
    } catch { throw ExperimentError(error) }
    return try measure(
      network, alpha: cell.alpha, seed: seed, fresh: fresh, stream: stream.child("distance"))
  }

  /// Boxes of the upper bound: at p = 1 a few dozen close it, and from p = 2 on alignment gives more than boxes.
  private static var upperNodes: Int { 200 }

  private func measure(
    _ network: PReLUNetwork<Float>, alpha: Double, seed: UInt64, fresh: Dataset,
    stream: RandomStream
  ) throws(ExperimentError) -> DistanceResult {
    // A mixture knows its centres.
    let (centers, labels) = (fresh.groupCenters!, fresh.groupLabels!)
    let p = network.exponent
    let ideal = IdealClassifiers.learned(exponent: p, centers: centers, labels: labels)
    do {
      let difference = try ClassifierDifference(network, ideal: ideal)
      let found = try DistanceSearch().run(
        difference, samples: fresh.inputs, directions: centers, stream: stream)
      func upper(_ scale: Double) throws(NetworkError) -> Double {
        try SphereDistance(
          of: network, to: ideal, scale: scale, budget: SearchBudget(nodes: Self.upperNodes)
        ).upper
      }
      let (leastSquaresUpper, bestUpper) = (
        try upper(found.leastSquares.scale), try upper(found.optimised.scale)
      )
      var ascent: DistanceEstimate?
      if seed &- settings.seed < UInt64(settings.distance.ascentRepeats) {
        ascent = settings.distance.ascent.run(
          difference, scale: found.leastSquares.scale, stream: stream.child("ascent"))
      }
      let largestClass = max(settings.mixture.positive, labels.count - settings.mixture.positive)
      return DistanceResult(
        p: p, alpha: alpha, seed: seed,
        leastSquaresScale: found.leastSquares.scale,
        leastSquaresDistance: found.leastSquares.value, bestScale: found.optimised.scale,
        bestDistance: found.optimised.value, leastSquaresUpper: leastSquaresUpper,
        bestUpper: bestUpper, reductionBound: found.leastSquaresReductionBound,
        rank: found.rank, ascentDistance: ascent?.value,
        idealSupremum: p == 1 ? Double(largestClass).squareRoot() : 1)
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
    return table
  }
}
