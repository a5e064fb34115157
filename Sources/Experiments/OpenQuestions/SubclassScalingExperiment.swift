import Datasets
import Figures
import Foundation
import Theory
import Training

/// How robustness depends on the number K of subclasses: the exponent of the half radius of networks
/// trained by gradient flow, for several degrees and noise levels.
public struct SubclassScalingExperiment: SweepExperiment {
  /// "k-scaling".
  public static let name = "k-scaling"
  /// One line.
  public static let summary =
    "K from 2 to 64 subclasses: the exponent of the half radius in K for p = 1, 2, 3"

  /// What determines the run; `config.json`.
  public struct Settings: SweepSettings {
    /// "k-scaling".
    public var experiment = SubclassScalingExperiment.name
    /// How much is done.
    public var preset: Preset
    /// The first seed.
    public var seed: UInt64
    /// How many seeds.
    public var repeats: Int
    var degrees = [1.0, 2, 3]
    var alphas: [Double]
    var subclassCounts: [Int]
    var dimension: Int
    /// 20 instead of 80 take 5% off the half radius of p = 3 at alpha = 0.2 and K = 64.
    var samplesPerSubclass: Int
    var smallestSampleCount = 200
    /// Below p = 2 neurons align with whole classes, and a few are enough.
    var classNeurons = 20
    /// From p = 2 on every subclass needs a neuron of its own with the right sign of its output weight,
    /// and which one a neuron finds is a matter of luck.
    var neuronsPerSubclass: Int
    var smallestWidth = 40
    var flow = FlowConfiguration(tolerance: 1e-3, endTime: 1e5, maximumSteps: 100_000)
    var attackedSamples: Int
  }

  /// One degree, noise level and number of subclasses.
  public struct Cell: SweepCell {
    let p: Double
    let alpha: Double
    let subclasses: Int
    /// p, alpha and K.
    public var columns: [SweepColumn] {
      [SweepColumn("p", p), SweepColumn("alpha", alpha), SweepColumn("K", Double(subclasses))]
    }
    /// Samples times neurons times the time to grow.
    public var cost: Double { pow(Double(subclasses), p < 2 ? 1.5 : 3) }
  }

  /// The settings.
  public var settings: Settings

  /// The experiment at some size.
  public init(_ options: ExperimentOptions) {
    let (alphas, repeats, dimension, samples, neurons, attacked) =
      switch options.preset {
      case .quick: ([0.1], 1, 64, 40, 5, 60)
      case .laptop: ([0.05, 0.2], 5, 128, 80, 6, 200)
      case .paper: ([0.01, 0.05, 0.1, 0.2, 0.3], 5, 1000, 200, 20, 1000)
      }
    settings = Settings(
      preset: options.preset, seed: options.seed, repeats: repeats, alphas: alphas,
      subclassCounts: [2, 4, 8, 16, 32, 64], dimension: dimension, samplesPerSubclass: samples,
      neuronsPerSubclass: neurons, attackedSamples: attacked)
  }

  /// Degrees times noise levels times numbers of subclasses.
  public var cells: [Cell] {
    settings.degrees.flatMap { p in settings.alphas.flatMap { cells(p, alpha: $0) } }
  }

  private func cells(_ p: Double, alpha: Double) -> [Cell] {
    settings.subclassCounts.map { Cell(p: p, alpha: alpha, subclasses: $0) }
  }

  /// Half radius, structure, time.
  public var metrics: [SweepMetric] {
    [
      NetworkMeasurement.halfRadius, NetworkMeasurement.effectiveNeurons,
      NetworkMeasurement.subclassCosine, NetworkMeasurement.classCosine,
      FlowMeasurement.fittingTime,
    ]
  }

  /// Trains by gradient flow and attacks.
  public func measure(_ cell: Cell, _ context: SweepContext) throws(ExperimentError)
    -> SweepMeasurement
  {
    let count = cell.subclasses
    let mixture = OrthonormalMixture(
      dimension: settings.dimension, subclasses: count, positive: count / 2, alpha: cell.alpha,
      samples: max(settings.smallestSampleCount, settings.samplesPerSubclass * count))
    let width =
      cell.p < 2
      ? settings.classNeurons : max(settings.smallestWidth, settings.neuronsPerSubclass * count)
    return try FlowMeasurement(
      mixture: mixture, hiddenWidth: width, flow: settings.flow,
      attackedSamples: settings.attackedSamples
    ).measure(exponent: cell.p, seed: context.seed)
  }

  // MARK: - What the numbers mean

  /// The exponents that theory predicts: -1/2 at p = 1, 0 from p = 2 on.
  private func predictedSlope(_ p: Double) -> Double? { p == 1 ? -0.5 : p >= 2 ? 0 : nil }

  /// The line through log half radius against log K, a point a run.
  private func fit(_ cells: [Cell], _ results: SweepResults<Cell>) -> LineFit? {
    let points = cells.flatMap { cell in
      results.successes(cell).map { run in
        (log(Double(cell.subclasses)), log(run.metrics[NetworkMeasurement.halfRadius.key] ?? .nan))
      }
    }
    return LineFit(x: points.map(\.0), y: points.map(\.1))
  }

  /// One fitted exponent.
  private struct Slope {
    let p: Double
    let alpha: Double
    let fit: LineFit

    var text: String { String(format: "%.3f", fit.slope) + (halfWidth.map { " ± " + $0 } ?? "") }
    private var halfWidth: String? { fit.slopeHalfWidth.map { String(format: "%.3f", $0) } }

    func holds(_ value: Double) -> Bool { abs(fit.slope - value) <= fit.slopeHalfWidth ?? 0 }
  }

  private func slopes(_ results: SweepResults<Cell>) -> [Slope] {
    settings.degrees.flatMap { p in
      settings.alphas.compactMap { alpha in
        fit(cells(p, alpha: alpha), results).map { Slope(p: p, alpha: alpha, fit: $0) }
      }
    }
  }

  /// Figures and answer.
  public func account(of results: SweepResults<Cell>) throws(ExperimentError) -> SweepAccount {
    let slopes = slopes(results)
    var findings: [String: SweepAccount.MeanOrNumber] = [:]
    for slope in slopes {
      findings["slope at p = \(slope.p), alpha = \(slope.alpha)"] =
        slope.fit.slopeHalfWidth.map { .interval(value: slope.fit.slope, halfWidth: $0) }
        ?? .number(slope.fit.slope)
    }
    return SweepAccount(
      title: "How robustness falls with the number of subclasses",
      subtitle: "Preset \(settings.preset.rawValue): D = \(settings.dimension), half of the K "
        + "subclasses in each class, \(settings.samplesPerSubclass) samples a subclass but at least "
        + "\(settings.smallestSampleCount), width \(settings.classNeurons) below p = 2 and "
        + "\(settings.neuronsPerSubclass) K but at least \(settings.smallestWidth) from there on, "
        + "gradient flow of the exponential loss from weights of 1e-7",
      introduction:
        "Without noise the ideal classifier that p = 1 learns has the radius 1/√K, the one for "
        + "p = 3 √2/2 whatever K is: log radius against log K is a line of slope -1/2 and 0. At p = 2 "
        + "the ideal classifier has √2/2 too, but nothing leads there: without noise all components "
        + "of a neuron along the centres of its class grow by the same rate, up to the numbers of "
        + "samples, so that it keeps the mixture it started with. The slopes below are fitted to all "
        + "runs with their 95% intervals.",
      answer: answer(slopes, results), findings: findings,
      figures: [
        SweepFigure(
          "half-radius", radiusFigure(slopes, results),
          caption: "Mean with 95% interval over seeds, both axes logarithmic; in the legend the "
            + "fitted slope.",
          alternative: "Half radius against the number of subclasses for p = 1, 2, 3"),
        SweepFigure(
          "effective-neurons",
          panels(results, Axis("effective neurons", scale: .logarithmic)) { p, alpha in
            results.series(
              "p = \(p.formatted())", metric: NetworkMeasurement.effectiveNeurons.key,
              cells: cells(p, alpha: alpha)
            ) { Double($0.subclasses) }
          },
          caption: "Neurons that hold 99% of all contributions.",
          alternative: "Effective neurons against the number of subclasses"),
        SweepFigure(
          "time-to-fit",
          panels(results, Axis("time of the flow", scale: .logarithmic)) { p, alpha in
            results.series(
              "p = \(p.formatted())", metric: FlowMeasurement.fittingTime.key,
              cells: cells(p, alpha: alpha)
            ) { Double($0.subclasses) }
          },
          caption: "When the loss is a tenth of a silent network's.",
          alternative: "Time to fit against the number of subclasses"),
      ])
  }

  /// A panel for every alpha with a series for every degree.
  private func panels(
    _ results: SweepResults<Cell>, _ axis: Axis, extra: [Series] = [],
    references: [ReferenceLine] = [], series: (Double, Double) -> Series
  ) -> PanelFigure {
    PanelFigure(
      panels: settings.alphas.map { alpha in
        LineChart(
          title: "alpha = \(alpha)", x: Axis("subclasses K", scale: .logarithmic), y: axis,
          series: settings.degrees.map { series($0, alpha) } + extra, references: references)
      })
  }

  private func radiusFigure(_ slopes: [Slope], _ results: SweepResults<Cell>) -> PanelFigure {
    let counts = settings.subclassCounts.sorted()
    let law = Series(
      "1/√K", x: counts.map { Double($0) }, y: counts.map { CriticalRadius.relu(subclasses: $0) },
      dash: .dashed)
    return panels(
      results, Axis("l2 half radius", scale: .logarithmic), extra: [law],
      references: [.horizontal(CriticalRadius.optimal, label: "√2/2")]
    ) { p, alpha in
      let slope = slopes.first { $0.p == p && $0.alpha == alpha }
      return results.series(
        "p = \(p.formatted())" + (slope.map { ": \($0.text)" } ?? ""),
        metric: NetworkMeasurement.halfRadius.key, cells: cells(p, alpha: alpha)
      ) { Double($0.subclasses) }
    }
  }

  private func answer(_ slopes: [Slope], _ results: SweepResults<Cell>) -> String {
    guard !slopes.isEmpty else { return "No network was fitted in the time given." }
    var sentences = settings.degrees.compactMap { p -> String? in
      let own = slopes.filter { $0.p == p }
      guard !own.isEmpty else { return nil }
      let values = own.map { "\($0.text) at alpha = \($0.alpha)" }.joined(separator: ", ")
      var sentence = "With p = \(p.formatted()) the half radius goes like K to the power \(values)"
      if let predicted = predictedSlope(p) {
        let inside = own.count { $0.holds(predicted) }
        let deviation = own.map { abs($0.fit.slope - predicted) }.max()!
        sentence +=
          " (predicted \(predicted.formatted()), inside \(inside) of \(own.count) intervals, off by "
          + String(format: "at most %.3f)", deviation)
      }
      if let (few, many) = ends(p, results) {
        sentence += String(
          format:
            "; at alpha = \(settings.alphas[0]) it falls from %.3f for K = \(few.0) to %.3f for "
            + "K = \(many.0)", few.1, many.1)
      }
      return sentence + "."
    }
    let failed = cells.reduce(0) { $0 + results.failures($1) }
    sentences.append(
      failed == 0
        ? "Every run fitted its data."
        : "\(failed) of \(cells.count * results.seeds.count) runs did not fit their data and count "
          + "nowhere.")
    return sentences.joined(separator: " ")
  }

  /// The smallest and largest K with a half radius, at the first alpha.
  private func ends(_ p: Double, _ results: SweepResults<Cell>)
    -> (few: (Int, Double), many: (Int, Double))?
  {
    let means = cells(p, alpha: settings.alphas[0]).compactMap { cell in
      results.interval(NetworkMeasurement.halfRadius.key, cell).mean.map { (cell.subclasses, $0) }
    }
    guard let few = means.first, let many = means.last else { return nil }
    return (few, many)
  }
}
