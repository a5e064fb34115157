import Datasets
import Figures
import Foundation
import LinearCore
import Runs
import Theory
import Training

/// How large the initial weights may be before the effect of the degree is lost: networks trained by gradient flow from
/// weights of size 1e-80 to 1.
struct InitialScaleExperiment: GridExperiment {
  typealias Values = TrainingValues<NetworkValues>

  static let name = "init-scale"
  static let summary =
    "initial weights from 1e-80 to 1: where the robustness of p = 3 is lost, and what p = 1 does"

  struct Settings: ExperimentSettings {
    var experiment = InitialScaleExperiment.name
    var preset: Preset
    var seed: UInt64
    var repeats: Int
    var degrees = [1.0, 3]
    /// Exponents of ten.
    var logScales: [Double]
    var flow: FlowTraining

    var cells: [Cell] {
      degrees.flatMap { p in logScales.map { Cell(p: p, logScale: $0) } }
    }

    /// Beyond 1e-300 the scale itself is no number.
    func validate() throws(ExperimentError) {
      let check = SettingsCheck()
      try check.repeats(repeats)
      try check.degrees("degrees", degrees)
      try check.list("logScales", logScales) { (value) throws(ExperimentError) in
        try check.number("logScales", value, in: -300...3)
      }
      try flow.validate(check.at("flow"))
      try check.cells(most: [degrees.count, logScales.count]) { cells }
    }
  }

  struct Cell: GridCell {
    let p: Double
    let logScale: Double

    var parameters: [Parameter] { [Parameter("p", p), Parameter("scale", scaleText)] }

    /// "1e-80", "1e-1.5", "1".
    var scaleText: String {
      if logScale == 0 { return "1" }
      return logScale == logScale.rounded()
        ? "1e\(Int(saturating: logScale))" : String(format: "1e%.1f", logScale)
    }
  }

  var settings: Settings

  init(_ options: ExperimentOptions) {
    let preset = options.preset
    settings = Settings(
      preset: preset, seed: options.seed,
      repeats: options.repeats ?? preset.pick(quick: 1, laptop: 5, paper: 5),
      logScales: preset == .quick
        ? [-80, -20, -7, -4, -2, -1, 0] : [-80, -20, -7, -4, -3, -2, -1.5, -1, -0.5, 0],
      flow: FlowTraining(
        mixture: OrthonormalMixture(
          dimension: preset.pick(quick: 50, laptop: 100, paper: 1000), alpha: 0.1,
          samples: preset.pick(quick: 200, laptop: 400, paper: 5000)),
        hiddenWidth: preset.pick(quick: 50, laptop: 200, paper: 500),
        flow: FlowConfiguration(
          tolerance: 1e-4, endTime: 1e7, stopLoss: 1e-4, maximumSteps: 200_000),
        attackedSamples: preset.pick(quick: 60, laptop: 200, paper: 1000)))
  }

  // What is varied and measured.

  var cells: [Cell] { settings.cells }

  let metrics: [Metric<Values>] =
    [
      NetworkValues.medianRadius, NetworkValues.effectiveNeurons, NetworkValues.subclassesFound,
      NetworkValues.subclassCosine, NetworkValues.classCosine,
    ].map { $0.of(\.network) } + [Values.fittingTime]

  /// Below p = 2 the flow takes many small steps, and small weights take long to grow.
  func operations(_ cell: Cell) -> Double {
    settings.flow.workOfPass * 1300 * (cell.p < 2 ? 2 - cell.logScale / 2 : 1 - cell.logScale / 40)
  }

  func measure(_ cell: Cell, _ context: Context) throws(ExperimentError) -> Measured<Values> {
    var flow = settings.flow
    flow.initialScale = pow(10, cell.logScale)
    return try flow.measure(exponent: cell.p, seed: context.seed)
  }

  // What it says.

  func account(of results: Results) -> Account {
    let mixture = settings.flow.mixture
    let subclasses = ReferenceLine.horizontal(Double(mixture.subclasses), label: "K")
    func chart(
      _ name: String, _ title: String, _ axis: Axis, _ metric: Metric<NetworkValues>,
      _ references: [ReferenceLine] = [], caption: Prose
    ) -> AccountFigure {
      let series = settings.degrees.map { p in
        results.series(
          "p = \(p.formatted())", metric.of(\.network), cells: cells.filter { $0.p == p }
        ) { $0.logScale }
      }
      let x = Axis("standard deviation of the initial weights, power of ten")
      return AccountFigure(
        name, LineChart(title: title, x: x, y: axis, series: series, references: references),
        caption: caption, alternative: "\(axis.label) against the initial scale")
    }
    return Account(
      title: "How small must initial weights be?",
      subtitle: "Preset \(settings.preset.rawValue): D = \(mixture.dimension), "
        + "K = \(mixture.subclasses), alpha = \(mixture.alpha), \(mixture.samples) samples, width "
        + "\(settings.flow.hiddenWidth), gradient flow of the \(settings.flow.flow.loss) loss",
      introduction:
        "Theory asks for vanishing initial weights. The flow is integrated in coordinates in which "
        + "1e-80 is as easy as 1. A neuron is √D = "
        + "\(String(format: "%.1f", Double(mixture.dimension).squareRoot())) times as long as the "
        + "standard deviation of its weights.",
      answer: answer(results),
      figures: [
        chart(
          "median-radius", "Median radius against the initial scale", Axis("l2 median radius"),
          NetworkValues.medianRadius,
          [
            .horizontal(CriticalRadius.relu(subclasses: mixture.subclasses), label: "1/√K"),
            .horizontal(CriticalRadius.optimal, label: "√2/2"),
          ], caption: "Mean with 95% interval over seeds; dashed: what theory predicts."),
        chart(
          "effective-neurons", "Neurons that hold 99% of all contributions",
          Axis("effective neurons", scale: .logarithmic), NetworkValues.effectiveNeurons,
          [subclasses], caption: "From large weights every neuron keeps a part."),
        chart(
          "subclasses-found", "Subclass centres that a dominant neuron points at",
          Axis("subclass centres"), NetworkValues.subclassesFound, [subclasses],
          caption: "With a cosine above 0.9."),
        chart(
          "subclass-cosine",
          "Median cosine of dominant neurons to their closest subclass centre", Axis("cosine"),
          NetworkValues.subclassCosine,
          caption: "1 when every dominant neuron points at a subclass centre."),
      ])
  }

  /// A sentence a degree.
  private func answer(_ results: Results) -> String {
    let sentences = settings.degrees.compactMap { p -> String? in
      let radii = cells.filter { $0.p == p }.sorted { $0.logScale < $1.logScale }
        .compactMap { cell in
          results.mean(NetworkValues.medianRadius.of(\.network), cell).map { (cell, $0) }
        }
      guard let best = radii.map(\.1).max() else { return nil }
      let kept = radii.filter { $0.1 >= 0.95 * best }.map(\.0.scaleText)
      let ends = (radii.prefix(1) + radii.dropFirst().suffix(1))
        .map { String(format: "%.3f from ", $0.1) + $0.0.scaleText }
      return
        "With p = \(p.formatted()) the median radius is at best \(String(format: "%.3f", best)) "
        + "and within 5% of that from weights of \(kept.joined(separator: ", ")); it is "
        + ends.joined(separator: " and ") + "."
    }
    return sentences.isEmpty
      ? "No network was fitted in the time given." : sentences.joined(separator: " ")
  }
}
