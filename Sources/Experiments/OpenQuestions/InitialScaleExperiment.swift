import Datasets
import Figures
import Foundation
import LinearCore
import Runs
import Studies
import Theory
import Training

/// How large the initial weights may be before the effect of the degree is lost: networks trained by
/// gradient flow from weights of size 1e-80 to 1.
struct InitialScaleExperiment: SweepExperiment {
  /// "init-scale".
  static let name = "init-scale"
  /// One line.
  static let summary =
    "initial weights from 1e-80 to 1: where the robustness of p = 3 is lost, and what p = 1 does"

  /// What determines the run; `config.json`.
  struct Settings: SweepSettings {
    /// "init-scale".
    var experiment = InitialScaleExperiment.name
    /// How much is done.
    var preset: Preset
    /// The first seed.
    var seed: UInt64
    /// How many seeds.
    var repeats: Int
    var degrees = [1.0, 3]
    /// Exponents of ten.
    var logScales: [Double]
    var flow: FlowMeasurement
  }

  /// One degree and one scale.
  struct Cell: SweepCell {
    let p: Double
    let logScale: Double
    /// The standard deviation of the initial weights.
    var scale: Double { pow(10, logScale) }
    /// p and the scale.
    var parameters: [Parameter] {
      let power =
        logScale == logScale.rounded()
        ? "\(Int(saturating: logScale))" : String(format: "%.1f", logScale)
      return [SweepColumn("p", p), SweepColumn("scale", power == "0" ? "1" : "1e\(power)")]
    }
    /// Below p = 2 the flow takes many small steps, and small weights take long to grow.
    var cost: Double { p < 2 ? 2 - logScale / 2 : 1 - logScale / 40 }
  }

  /// The settings.
  var settings: Settings

  /// The experiment at some size.
  init(_ options: ExperimentOptions) {
    let all = [-80, -20, -7, -4, -3, -2, -1.5, -1, -0.5, 0]
    let (scales, repeats, dimension, samples, width, attacked) =
      switch options.preset {
      case .quick: ([-80.0, -20, -7, -4, -2, -1, 0], 1, 50, 200, 50, 60)
      case .laptop: (all, 5, 100, 400, 200, 200)
      case .paper: (all, 5, 1000, 5000, 500, 1000)
      }
    settings = Settings(
      preset: options.preset, seed: options.seed, repeats: options.repeats ?? repeats,
      logScales: scales,
      flow: FlowMeasurement(
        mixture: OrthonormalMixture(dimension: dimension, alpha: 0.1, samples: samples),
        hiddenWidth: width,
        flow: FlowConfiguration(
          tolerance: 1e-4, endTime: 1e7, stopLoss: 1e-4, maximumSteps: 200_000),
        attackedSamples: attacked))
  }

  /// Degrees times scales.
  var cells: [Cell] {
    settings.degrees.flatMap { p in settings.logScales.map { Cell(p: p, logScale: $0) } }
  }

  /// Median radius, structure, times.
  var metrics: [SweepMetric] {
    [
      NetworkMeasurement.medianRadius, NetworkMeasurement.effectiveNeurons,
      NetworkMeasurement.subclassesFound, NetworkMeasurement.subclassCosine,
      NetworkMeasurement.classCosine,
      FlowMeasurement.fittingTime,
    ]
  }

  /// As many passes over the data as the flow and the attack have taken at `laptop`.
  func operations(_ cell: Cell) -> Double { settings.flow.workOfPass * 1300 * cell.cost }

  /// Trains by gradient flow and attacks.
  func measure(_ cell: Cell, _ context: SweepContext) throws(ExperimentError)
    -> SweepMeasurement
  {
    var flow = settings.flow
    flow.initialScale = cell.scale
    return try flow.measure(exponent: cell.p, seed: context.seed)
  }

  private func cells(_ p: Double) -> [Cell] { cells.filter { $0.p == p } }

  /// Figures and answer.
  func account(of results: SweepResults<Cell>) throws(ExperimentError) -> SweepAccount {
    let mixture = settings.flow.mixture
    func chart(_ title: String, _ axis: Axis, _ metric: SweepMetric, _ lines: [ReferenceLine])
      -> LineChart
    {
      LineChart(
        title: title, x: Axis("standard deviation of the initial weights, power of ten"), y: axis,
        series: settings.degrees.map { p in
          results.series(
            "p = \(p.formatted())", metric: metric.key, cells: cells(p)
          ) { $0.logScale }
        }, references: lines)
    }
    return SweepAccount(
      title: "How small must initial weights be?",
      subtitle: "Preset \(settings.preset.rawValue): D = \(mixture.dimension), "
        + "K = \(mixture.subclasses), alpha = \(mixture.alpha), \(mixture.samples) samples, width "
        + "\(settings.flow.hiddenWidth), gradient flow of the exponential loss",
      introduction:
        "Theory asks for vanishing initial weights. Gradient flow is integrated in coordinates in "
        + "which the scale is a number like any other, so that 1e-80 is as easy as 1. The length of "
        + "a neuron is its weights' standard deviation times √D = "
        + "\(String(format: "%.1f", Double(mixture.dimension).squareRoot())).",
      answer: answer(results),
      figures: [
        SweepFigure(
          "median-radius",
          chart(
            "Median radius against the initial scale", Axis("l2 median radius"),
            NetworkMeasurement.medianRadius,
            [
              .horizontal(CriticalRadius.relu(subclasses: mixture.subclasses), label: "1/√K"),
              .horizontal(CriticalRadius.optimal, label: "√2/2"),
            ]), caption: "Mean with 95% interval over seeds; dashed: what theory predicts.",
          alternative: "Median radius against the initial scale for p = 1 and p = 3"),
        SweepFigure(
          "effective-neurons",
          chart(
            "Neurons that hold 99% of all contributions",
            Axis("effective neurons", scale: .logarithmic), NetworkMeasurement.effectiveNeurons,
            [.horizontal(Double(mixture.subclasses), label: "K")]),
          caption: "From large weights every neuron keeps a part.",
          alternative: "Effective neurons against the initial scale"),
        SweepFigure(
          "subclasses-found",
          chart(
            "Subclass centres that a dominant neuron points at", Axis("subclass centres"),
            NetworkMeasurement.subclassesFound,
            [.horizontal(Double(mixture.subclasses), label: "K")]),
          caption: "With a cosine above 0.9. Where one is missing, its samples are fitted by "
            + "neurons that have grown on other subclasses: its own grow too late.",
          alternative: "Subclass centres found against the initial scale"),
        SweepFigure(
          "subclass-cosine",
          chart(
            "Median cosine of dominant neurons to their closest subclass centre", Axis("cosine"),
            NetworkMeasurement.subclassCosine, []),
          caption: "1 when every dominant neuron points at a subclass centre.",
          alternative: "Cosine to the closest subclass centre against the initial scale"),
      ])
  }

  private func answer(_ results: SweepResults<Cell>) -> String {
    var sentences: [String] = []
    for p in settings.degrees {
      let radii = cells(p).compactMap { cell in
        results.interval(NetworkMeasurement.medianRadius.key, cell).mean.map { (cell, $0) }
      }
      guard let smallest = radii.first, let largest = radii.last,
        let best = radii.max(by: { $0.1 < $1.1 })
      else { continue }
      let kept = radii.filter { $0.1 >= 0.95 * best.1 }
      func text(_ radius: Double) -> String { String(format: "%.3f", radius) }
      let range =
        kept.count == 1
        ? "which no other scale comes within 5% of"
        : "and within 5% of that from \(label(kept[0].0)) to \(label(kept[kept.count - 1].0))"
      sentences.append(
        "With p = \(p.formatted()) the median radius is best from \(label(best.0)), "
          + "\(text(best.1)), \(range); it is \(text(smallest.1)) from \(label(smallest.0)) and "
          + "\(text(largest.1)) from \(label(largest.0)).")
    }
    return sentences.joined(separator: " ")
  }

  private func label(_ cell: Cell) -> String { cell.parameters[1].value.text }
}
