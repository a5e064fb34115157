import Datasets
import Figures
import Foundation
import Runs
import Theory
import Training

/// How robustness depends on the number K of subclasses: the exponent of the median radius of networks trained by
/// gradient flow, for several degrees and noise levels.
struct SubclassScalingExperiment: GridExperiment {
  typealias Cell = SubclassCell
  typealias Values = TrainingValues<NetworkValues>

  static let name = "k-scaling"
  static let summary =
    "K from 2 to 64 subclasses: the exponent of the median radius in K for p = 1, 2, 3"

  struct Settings: ExperimentSettings {
    var experiment = SubclassScalingExperiment.name
    var preset: Preset
    var seed: UInt64
    var repeats: Int
    var degrees = [1.0, 2, 3]
    var alphas: [Double]
    var subclassCounts = [2, 4, 8, 16, 32, 64]
    var dimension: Int
    /// 20 instead of 80 take 6% off the median radius of p = 3 at alpha = 0.2 and K = 64.
    var samplesPerSubclass: Int
    var smallestSampleCount = 200
    /// Below p = 2 neurons align with whole classes, and a few are enough.
    var classNeurons = 20
    /// From p = 2 on every subclass needs a neuron of its own with the right sign of its output weight, and which one a
    /// neuron finds is a matter of luck.
    var neuronsPerSubclass: Int
    var smallestWidth = 40
    var flow = FlowConfiguration(tolerance: 1e-3, endTime: 1e5, maximumSteps: 100_000)
    var attackedSamples: Int

    var cells: [Cell] { degrees.flatMap { p in alphas.flatMap { cells(p, $0) } } }

    func cells(_ p: Double, _ alpha: Double) -> [Cell] {
      subclassCounts.map { Cell(p: p, alpha: alpha, subclasses: $0) }
    }

    func samples(_ subclasses: Int) -> Int {
      max(smallestSampleCount, samplesPerSubclass * subclasses)
    }
    func width(_ subclasses: Int) -> Int { max(smallestWidth, neuronsPerSubclass * subclasses) }

    /// A figure has a panel for every alpha.
    func validate() throws(ExperimentError) {
      let check = SettingsCheck()
      try check.repeats(repeats)
      try check.degrees("degrees", degrees)
      try check.alphas("alphas", alphas, limit: 26)
      for (name, value) in [
        ("samplesPerSubclass", samplesPerSubclass), ("smallestSampleCount", smallestSampleCount),
        ("classNeurons", classNeurons), ("neuronsPerSubclass", neuronsPerSubclass),
        ("smallestWidth", smallestWidth), ("attackedSamples", attackedSamples),
      ] { try check.count(name, value) }
      try check.mixtures(
        "subclassCounts", subclassCounts, dimension: dimension, alphas: alphas,
        attackedSamples: attackedSamples, samples: samples,
        width: { max(classNeurons, width($0)) })
      try check.flow("flow", flow)
      try check.cells(most: [degrees.count, alphas.count, subclassCounts.count]) { cells }
    }
  }

  var settings: Settings

  init(_ options: ExperimentOptions) {
    let preset = options.preset
    settings = Settings(
      preset: preset, seed: options.seed,
      repeats: options.repeats ?? preset.pick(quick: 1, laptop: 5, paper: 5),
      alphas: preset.pick(quick: [0.1], laptop: [0.05, 0.2], paper: [0.01, 0.05, 0.1, 0.2, 0.3]),
      dimension: preset.pick(quick: 64, laptop: 128, paper: 1000),
      samplesPerSubclass: preset.pick(quick: 40, laptop: 80, paper: 200),
      neuronsPerSubclass: preset.pick(quick: 5, laptop: 6, paper: 20),
      attackedSamples: preset.pick(quick: 60, laptop: 200, paper: 1000))
  }

  // What is varied and measured.

  var cells: [Cell] { settings.cells }

  let metrics: [Metric<Values>] =
    [
      NetworkValues.medianRadius, NetworkValues.effectiveNeurons, NetworkValues.subclassCosine,
      NetworkValues.classCosine,
    ].map { $0.of(\.network) } + [Values.fittingTime]

  /// Samples times neurons times the time to grow.
  func operations(_ cell: Cell) -> Double {
    60 * Double(settings.dimension) * Double(settings.samplesPerSubclass)
      * Double(settings.neuronsPerSubclass) * pow(Double(cell.subclasses), cell.p < 2 ? 1.5 : 3)
  }

  func measure(_ cell: Cell, _ context: Context) throws(ExperimentError) -> Measured<Values> {
    try FlowTraining(
      mixture: cell.mixture(
        dimension: settings.dimension, samples: settings.samples(cell.subclasses)),
      hiddenWidth: cell.p < 2 ? settings.classNeurons : settings.width(cell.subclasses),
      flow: settings.flow, attackedSamples: settings.attackedSamples
    ).measure(exponent: cell.p, seed: context.seed)
  }

  // What it says.

  private let radius = NetworkValues.medianRadius.of(\Values.network)

  /// A fitted exponent, and the one that theory predicts.
  private struct Slope {
    let p: Double
    let alpha: Double
    let fit: LineFit

    var text: String {
      String(format: "%.3f", fit.slope)
        + (fit.slopeHalfWidth.map { String(format: " ± %.3f", $0) } ?? "")
    }
    var predicted: String { p == 1 ? "-0.5" : p >= 2 ? "0" : "none" }
    var finding: Account.Finding {
      fit.slopeHalfWidth.map { .interval(value: fit.slope, halfWidth: $0) } ?? .number(fit.slope)
    }
  }

  /// Lines through the logarithms of median radius and K, with a point a run.
  private func slopes(_ results: Results) -> [Slope] {
    settings.degrees.flatMap { p in
      settings.alphas.compactMap { alpha in
        let points = settings.cells(p, alpha).flatMap { cell in
          results.values(cell).map { (log(Double(cell.subclasses)), log(radius.value($0))) }
        }
        return LineFit(x: points.map(\.0), y: points.map(\.1))
          .map { Slope(p: p, alpha: alpha, fit: $0) }
      }
    }
  }

  func account(of results: Results) -> Account {
    let slopes = slopes(results)
    let counts = settings.subclassCounts.sorted()
    let law = Series(
      "1/√K", x: counts.map { Double($0) }, y: counts.map { CriticalRadius.relu(subclasses: $0) },
      dash: .dashed)
    /// A panel for every alpha with a line for every degree.
    func chart(
      _ name: String, _ axis: String, _ metric: Metric<Values>, laws: [Series] = [],
      references: [ReferenceLine] = [], note: (Slope) -> String = { _ in "" }, caption: Prose
    ) -> AccountFigure {
      let panels = settings.alphas.map { alpha in
        let lines = settings.degrees.map { p in
          let slope = slopes.first { $0.p == p && $0.alpha == alpha }
          return results.series(
            "p = \(p.formatted())" + (slope.map(note) ?? ""), metric,
            cells: settings.cells(p, alpha), scale: .logarithmic
          ) { Double($0.subclasses) }
        }
        return LineChart(
          title: "alpha = \(alpha)", x: Axis("subclasses K", scale: .logarithmic),
          y: Axis(axis, scale: .logarithmic), series: lines + laws, references: references)
      }
      return AccountFigure(
        name, PanelFigure(panels: panels), caption: caption,
        alternative: "\(axis) against the number of subclasses")
    }
    return Account(
      title: "How robustness falls with the number of subclasses",
      subtitle: "Preset \(settings.preset.rawValue): D = \(settings.dimension), "
        + "\(settings.samplesPerSubclass) K but at least \(settings.smallestSampleCount) samples, width "
        + "\(settings.classNeurons) below p = 2 and \(settings.neuronsPerSubclass) K but at least "
        + "\(settings.smallestWidth) from there on, gradient flow of the \(settings.flow.loss) loss",
      introduction:
        "Without noise the ideal classifier that p = 1 learns has the radius 1/√K, those from p = 2 on "
        + "√2/2 whatever K is: on logarithmic axes lines of slope -1/2 and 0.",
      answer: answer(slopes, results),
      findings: Dictionary(
        uniqueKeysWithValues: slopes.map {
          ("slope at p = \($0.p), alpha = \($0.alpha)", $0.finding)
        }),
      figures: [
        chart(
          "median-radius", "l2 median radius", radius, laws: [law],
          references: [.horizontal(CriticalRadius.optimal, label: "√2/2")],
          note: { ": \($0.text)" },
          caption: "Mean with 95% interval over seeds; in the legend the fitted slope."),
        chart(
          "effective-neurons", "effective neurons", NetworkValues.effectiveNeurons.of(\.network),
          caption: "Neurons that hold 99% of all contributions."),
        chart(
          "time-to-fit", "time of the flow", Values.fittingTime,
          caption: "When the loss is a tenth of a silent network's."),
      ],
      answerTable: Account.Table(
        caption: "Exponents of K, fitted to all runs, with their 95% intervals.",
        header: ["p", "alpha", "exponent", "predicted"],
        rows: slopes.map { [$0.p.formatted(), "\($0.alpha)", $0.text, $0.predicted] }))
  }

  private func answer(_ slopes: [Slope], _ results: Results) -> String {
    guard let alpha = slopes.first?.alpha else {
      return
        "There is no exponent: it takes networks that fit their data at two numbers of subclasses."
    }
    let failed = cells.reduce(0) { $0 + results.failures($1) }
    let exponents = slopes.filter { $0.alpha == alpha }
      .map { "\($0.text) at p = \($0.p.formatted()) (predicted: \($0.predicted))" }
    return "With alpha = \(alpha) the median radius goes like K to the power "
      + exponents.joined(separator: ", ") + ". "
      + (failed == 0
        ? "Every run fitted its data."
        : "\(failed) of \(cells.count * results.seeds.count) runs did not fit their data and count nowhere.")
  }
}
