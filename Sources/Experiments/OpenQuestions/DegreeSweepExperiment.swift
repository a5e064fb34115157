import Datasets
import Figures
import Foundation
import LinearCore
import Runs
import Studies
import Theory
import Training

/// How the degree p acts over a continuum of values: median radius of networks trained by gradient flow
/// against the closed form for the ideal classifier, effective neurons, and the time that fitting takes.
package struct DegreeSweepExperiment: SweepExperiment {
  /// "p-sweep".
  package static let name = "p-sweep"
  /// One line.
  package static let summary =
    "every degree p from 1 to 6: median radius against the closed form, neurons, time to fit"

  /// What determines the run; `config.json`.
  package struct Settings: SweepSettings {
    /// "p-sweep".
    package var experiment = DegreeSweepExperiment.name
    /// How much is done.
    package var preset: Preset
    /// The first seed.
    package var seed: UInt64
    /// How many seeds.
    package var repeats: Int
    var degrees: [Double]
    var flow: FlowMeasurement
  }

  /// One degree.
  package struct Cell: SweepCell {
    let p: Double
    /// p.
    package var columns: [SweepColumn] { [SweepColumn("p", p)] }
    /// Below p = 2 the flow takes many small steps.
    package var cost: Double { p < 2 ? 4 : 1 }
  }

  /// The settings.
  package var settings: Settings

  /// The experiment at some size.
  package init(_ options: ExperimentOptions) {
    let quarter = (0...20).map { 1 + 0.25 * Double($0) }
    let (degrees, repeats, dimension, samples, width, attacked) =
      switch options.preset {
      case .quick: ([1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 5, 6], 1, 50, 200, 50, 60)
      case .laptop: (quarter, 5, 100, 400, 100, 200)
      case .paper: (quarter, 5, 1000, 5000, 500, 1000)
      }
    settings = Settings(
      preset: options.preset, seed: options.seed, repeats: options.repeats ?? repeats,
      degrees: degrees,
      flow: FlowMeasurement(
        mixture: OrthonormalMixture(dimension: dimension, alpha: 0.05, samples: samples),
        hiddenWidth: width,
        flow: FlowConfiguration(tolerance: 1e-4, endTime: 1e5, maximumSteps: 50_000),
        attackedSamples: attacked))
  }

  /// The degrees.
  package var cells: [Cell] { settings.degrees.map(Cell.init) }

  /// Median radius, structure, times.
  package var metrics: [SweepMetric] {
    [
      NetworkMeasurement.medianRadius, NetworkMeasurement.effectiveNeurons,
      NetworkMeasurement.subclassesFound, NetworkMeasurement.subclassCosine,
      NetworkMeasurement.classCosine,
      FlowMeasurement.alignmentTime, FlowMeasurement.fittingTime,
    ]
  }

  /// As many passes over the data as the flow and the attack have taken at `laptop`.
  package func operations(_ cell: Cell) -> Double { settings.flow.workOfPass * 2000 * cell.cost }

  /// Trains by gradient flow and attacks.
  package func measure(_ cell: Cell, _ context: SweepContext) throws(ExperimentError)
    -> SweepMeasurement
  {
    try settings.flow.measure(exponent: cell.p, seed: context.seed)
  }

  /// The closed form for a sample of a class that has `opposite` subclasses against it.
  private func law(_ p: Double, opposite: Int) -> Double {
    CriticalRadius.polynomialReLU(exponent: p, oppositeSubclasses: opposite)
  }

  private var mixture: OrthonormalMixture { settings.flow.mixture }
  /// The numbers of opposite subclasses, smaller first.
  private var opposites: [Int] {
    [mixture.positive, mixture.subclasses - mixture.positive].sorted()
  }

  /// Figures and answer.
  package func account(of results: SweepResults<Cell>) throws(ExperimentError) -> SweepAccount {
    let grid = (0...200).map { 1 + 5 * Double($0) / 200 }
    let laws = opposites.enumerated().map { index, m in
      Series(
        "closed form, \(m) opposite subclasses", x: grid, y: grid.map { law($0, opposite: m) },
        dash: index == 0 ? .dashed : .dotted)
    }
    let radii = LineChart(
      title: "Median radius against the degree", x: Axis("degree p"), y: Axis("l2 median radius"),
      series: [
        results.series(
          "trained by gradient flow", metric: NetworkMeasurement.medianRadius.key, cells: cells
        ) { $0.p }
      ] + laws,
      references: [
        .horizontal(CriticalRadius.relu(subclasses: mixture.subclasses), label: "1/√K"),
        .horizontal(CriticalRadius.optimal, label: "√2/2"),
      ])
    let times = LineChart(
      title: "Time of the flow", x: Axis("degree p"),
      y: Axis("time of the flow", scale: .logarithmic),
      series: [
        results.series(
          "loss at a tenth", metric: FlowMeasurement.fittingTime.key, cells: cells
        ) { $0.p },
        results.series(
          "alignment ends", metric: FlowMeasurement.alignmentTime.key, cells: cells
        ) { $0.p },
      ])
    let neurons = LineChart(
      title: "Neurons that hold 99% of all contributions", x: Axis("degree p"),
      y: Axis("effective neurons", scale: .logarithmic),
      series: [
        results.series(
          "effective neurons", metric: NetworkMeasurement.effectiveNeurons.key, cells: cells
        ) { $0.p }
      ], references: [.horizontal(Double(mixture.subclasses), label: "K")])
    return SweepAccount(
      title: "The degree as a continuum",
      subtitle: "Preset \(settings.preset.rawValue): D = \(mixture.dimension), "
        + "K = \(mixture.subclasses), alpha = \(mixture.alpha), \(mixture.samples) samples, width "
        + "\(settings.flow.hiddenWidth), initialisation \(settings.flow.initialScale), "
        + "gradient flow of the exponential loss",
      introduction:
        "The closed form is that of the ideal classifier \(emphasis: "F")^(p) without noise: "
        + "sqrt(c/(1+c)) with c = m^(1-2/p) below p = 2 for m opposite subclasses, and √2/2 from "
        + "p = 2 on. Whether gradient flow learns that classifier below p = 3, the paper leaves "
        + "open.",
      answer: answer(results), findings: findings(results),
      figures: [
        SweepFigure(
          "median-radius", radii,
          caption: "Mean with 95% interval over seeds. Dashed and dotted: the law for the two "
            + "classes' numbers of opposite subclasses.",
          alternative: "Median radius against p with the closed form, which bends at p = 2"),
        SweepFigure(
          "time-to-fit", times,
          caption: "When outputs or directions end the alignment phase, and "
            + "when the loss is a tenth of a silent network's.",
          alternative: "Time of the flow against p"),
        SweepFigure(
          "effective-neurons", neurons, caption: "Mean with 95% interval over seeds.",
          alternative: "Effective neurons against p"),
      ])
  }

  private func radius(_ p: Double, _ results: SweepResults<Cell>) -> Double? {
    results.interval(NetworkMeasurement.medianRadius.key, Cell(p: p)).mean
  }

  private func findings(_ results: SweepResults<Cell>) -> [String: SweepAccount.MeanOrNumber] {
    var findings: [String: SweepAccount.MeanOrNumber] = [:]
    for p in settings.degrees {
      guard let radius = radius(p, results) else { continue }
      findings["excess over the lower law at p = \(p)"] =
        .number(radius - law(p, opposite: opposites[0]))
    }
    return findings
  }

  private func answer(_ results: SweepResults<Cell>) -> String {
    let measured = settings.degrees.compactMap { p in radius(p, results).map { (p, $0) } }
    guard let first = measured.first, let best = measured.max(by: { $0.1 < $1.1 }) else {
      return "No network was fitted in the time given."
    }
    let reaching = measured.first { $0.1 >= 0.95 * CriticalRadius.optimal }
    func text(_ value: Double) -> String { String(format: "%.3f", value) }
    var answer =
      "The median radius is \(text(first.1)) at p = \(first.0) (1/√K = "
      + "\(text(CriticalRadius.relu(subclasses: mixture.subclasses)))) and at most \(text(best.1)), at "
      + "p = \(best.0) (√2/2 = \(text(CriticalRadius.optimal)))"
    answer +=
      reaching.map { "; from p = \($0.0) on it is within 5% of √2/2" }
      ?? "; no degree comes within 5% of √2/2"
    let deviations = measured.filter { $0.0 > 1 }.map { p, radius in
      (p, radius - (law(p, opposite: opposites[0]) + law(p, opposite: opposites[1])) / 2)
    }
    if let worst = deviations.max(by: { abs($0.1) < abs($1.1) }) {
      answer +=
        ". It is farthest from the closed form, averaged over the classes, at p = \(worst.0): "
        + String(format: "%+.3f", worst.1)
    }
    let times = settings.degrees.filter { $0 >= 2 }.compactMap { p in
      results.interval(FlowMeasurement.fittingTime.key, Cell(p: p)).mean.map { (p, $0) }
    }
    if let quickest = times.min(by: { $0.1 < $1.1 }), let last = times.last {
      answer +=
        ". Fitting takes time \(Int(saturating: quickest.1)) at p = \(quickest.0) and "
        + "\(String(format: "%.1f", last.1 / quickest.1)) times that at p = \(last.0)"
    }
    let stalled = settings.degrees.filter { results.failures(Cell(p: $0)) > 0 }
    return answer
      + (stalled.isEmpty
        ? "; no degree stalls up to time \(Int(saturating: settings.flow.flow.endTime))."
        : "; runs stall at p = \(stalled.map { "\($0)" }.joined(separator: ", ")).")
  }
}
