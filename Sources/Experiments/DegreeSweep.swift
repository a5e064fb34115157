import Datasets
import Figures
import Foundation
import Runs
import Studies
import Theory
import Training

/// How the degree p acts over a continuum of values: networks trained by gradient flow on an orthonormal mixture, their
/// median radius beside the closed form for the ideal classifier, their neurons, and the time that fitting takes.
struct DegreeSweepExperiment: GridExperiment {
  typealias Values = TrainingValues<NetworkValues>

  static let name = "p-sweep"
  static let summary =
    "every degree p from 1 to 6: median radius against the closed form, neurons, time to fit"

  struct Settings: ExperimentSettings {
    var experiment = DegreeSweepExperiment.name
    var preset: Preset
    var seed: UInt64
    var repeats: Int
    var degrees: [Double]
    var flow: FlowTraining

    func validate() throws(ExperimentError) {
      let check = SettingsCheck()
      try check.repeats(repeats)
      try check.degrees("degrees", degrees)
      try flow.validate(check.at("flow"))
    }
  }

  struct Cell: GridCell {
    let p: Double
    var parameters: [Parameter] { [Parameter("p", p)] }
  }

  var settings: Settings

  init(_ options: ExperimentOptions) {
    let preset = options.preset
    let quarters = (0...20).map { 1 + 0.25 * Double($0) }
    settings = Settings(
      preset: preset, seed: options.seed,
      repeats: options.repeats ?? preset.pick(quick: 1, laptop: 5, paper: 5),
      degrees: preset == .quick ? [1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 5, 6] : quarters,
      flow: FlowTraining(
        mixture: OrthonormalMixture(
          dimension: preset.pick(quick: 50, laptop: 100, paper: 1000), alpha: 0.05,
          samples: preset.pick(quick: 200, laptop: 400, paper: 5000)),
        hiddenWidth: preset.pick(quick: 50, laptop: 100, paper: 500),
        flow: FlowConfiguration(tolerance: 1e-4, endTime: 1e5, maximumSteps: 50_000),
        attackedSamples: preset.pick(quick: 60, laptop: 200, paper: 1000)))
  }

  // What is varied and measured.

  var cells: [Cell] { settings.degrees.map(Cell.init) }

  let metrics: [Metric<Values>] =
    [
      NetworkValues.medianRadius, NetworkValues.effectiveNeurons, NetworkValues.subclassesFound,
      NetworkValues.subclassCosine, NetworkValues.classCosine,
    ].map { $0.of(\.network) } + [Values.alignmentTime, Values.fittingTime]

  /// Below p = 2 the flow takes many small steps.
  func operations(_ cell: Cell) -> Double { settings.flow.workOfPass * (cell.p < 2 ? 8000 : 2000) }

  func measure(_ cell: Cell, _ context: Context) throws(ExperimentError)
    -> Measured<Values>
  { try settings.flow.measure(exponent: cell.p, seed: context.seed) }

  // What it says.

  private var mixture: OrthonormalMixture { settings.flow.mixture }
  private var opposites: [Int] {
    [mixture.positive, mixture.subclasses - mixture.positive].sorted()
  }
  private let radius = NetworkValues.medianRadius.of(\Values.network)

  func account(of results: Results) -> Account {
    func chart(
      _ name: String, _ title: String, _ axis: Axis, _ lines: [(String, Metric<Values>)],
      laws: [Series] = [], references: [ReferenceLine] = [], caption: Prose
    ) -> AccountFigure {
      results.chart(
        name, title, x: Axis("degree p"), y: axis, lines, at: { $0.p }, laws: laws,
        references: references, caption: caption)
    }
    return Account(
      title: "The degree as a continuum",
      subtitle: "Preset \(settings.preset.rawValue): \(settings.flow.sizes)",
      introduction:
        "The closed form is that of the ideal classifier \(emphasis: "F")^(p) without noise. "
        + "It bends at p = 2, where √2/2 is reached.",
      answer: answer(results), findings: findings(results),
      figures: [
        chart(
          "median-radius", "Median radius against the degree", Axis("l2 median radius"),
          [("trained by gradient flow", radius)], laws: laws,
          references: [
            .horizontal(CriticalRadius.relu(subclasses: mixture.subclasses), label: "1/√K"),
            .horizontal(CriticalRadius.optimal, label: "√2/2"),
          ],
          caption: "Dashed and dotted: the closed form for samples of the two classes."),
        chart(
          "time-to-fit", "Time of the flow", Axis("time of the flow", scale: .logarithmic),
          [("loss at a tenth", Values.fittingTime), ("alignment ends", Values.alignmentTime)],
          caption: "When alignment ends, and when the loss is a tenth of a silent network's."),
        chart(
          "effective-neurons", "Neurons that hold 99% of all contributions",
          Axis("effective neurons", scale: .logarithmic),
          [("effective neurons", NetworkValues.effectiveNeurons.of(\.network))],
          references: [.horizontal(Double(mixture.subclasses), label: "K")],
          caption: "Mean with 95% interval over seeds."),
      ])
  }

  private func law(_ p: Double, opposite: Int) -> Double {
    CriticalRadius.polynomialReLU(exponent: p, oppositeSubclasses: opposite)
  }

  private var laws: [Series] {
    let grid = (0...200).map { 1 + 5 * Double($0) / 200 }
    return zip(opposites, [Series.Dash.dashed, .dotted]).map { m, dash in
      Series(
        "closed form, \(m) opposite subclasses", x: grid, y: grid.map { law($0, opposite: m) },
        dash: dash)
    }
  }

  private func findings(_ results: Results) -> [String: Account.Finding] {
    var findings: [String: Account.Finding] = [:]
    for cell in cells {
      guard let mean = results.mean(radius, cell) else { continue }
      findings["excess over the lower law at p = \(cell.p)"] = .number(
        mean - law(cell.p, opposite: opposites[0]))
    }
    return findings
  }

  private func answer(_ results: Results) -> String {
    let measured = cells.compactMap { cell in results.mean(radius, cell).map { (cell.p, $0) } }
    guard let first = measured.first, let best = measured.max(by: { $0.1 < $1.1 }) else {
      return "No network was fitted in the time given."
    }
    let stalled = cells.filter { results.failures($0) > 0 }.map { $0.p.formatted() }
    return String(
      format: "The median radius is %.3f at p = %g (1/√K = %.3f) and at most %.3f, at p = %g "
        + "(√2/2 = %.3f)", first.1, first.0, CriticalRadius.relu(subclasses: mixture.subclasses),
      best.1, best.0, CriticalRadius.optimal)
      + (stalled.isEmpty
        ? "; no degree stalls." : "; runs stall at p = \(stalled.joined(separator: ", ")).")
  }
}
