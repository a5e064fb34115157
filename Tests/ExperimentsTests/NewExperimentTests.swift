import Foundation
import Testing

// The example of CONTRIBUTING.md, between the two marks word by word.
// BEGIN
@testable import Datasets
@testable import Experiments
@testable import Figures
@testable import Runs
@testable import Training

/// Does the number of neurons matter? Networks of several widths from small weights, by gradient flow.
struct WidthExperiment: GridExperiment {
  static let name = "width"
  static let summary = "median radius against the number of hidden neurons, p = 1 and 3"

  struct Settings: ExperimentSettings {
    var experiment = WidthExperiment.name
    var preset: Preset
    var seed: UInt64
    var repeats: Int
    var degrees = [1.0, 3]
    var widths = [20, 50, 100]
    var flow: FlowTraining
  }

  struct Cell: GridCell {
    let p: Double
    let width: Int
    var parameters: [Parameter] { [Parameter("p", p), Parameter("width", Double(width))] }
  }

  // What a run measures: times of the training, and what the network is like.
  typealias Values = TrainingValues<NetworkValues>

  var settings: Settings

  init(_ options: ExperimentOptions) {
    let preset = options.preset
    settings = Settings(
      preset: preset, seed: options.seed,
      repeats: options.repeats ?? preset.pick(quick: 1, laptop: 5, paper: 5),
      flow: FlowTraining(
        mixture: OrthonormalMixture(
          dimension: preset.pick(quick: 50, laptop: 100, paper: 1000), alpha: 0.1,
          samples: preset.pick(quick: 200, laptop: 400, paper: 5000)),
        hiddenWidth: 50,
        flow: FlowConfiguration(tolerance: 1e-3, endTime: 1e5, maximumSteps: 100_000),
        attackedSamples: 100))
  }

  // What is varied, what is shown, and about how much work one run is.
  var cells: [Cell] {
    settings.degrees.flatMap { p in settings.widths.map { Cell(p: p, width: $0) } }
  }
  let radius = NetworkValues.medianRadius.of(\Values.network)
  var metrics: [Metric<Values>] { [radius, NetworkValues.effectiveNeurons.of(\.network)] }
  func operations(_ cell: Cell) -> Double { 1000 * settings.flow.workOfPass }

  // One run: it may depend on the settings, the cell and the seed, and on nothing else.
  func measure(_ cell: Cell, _ context: Context) throws(ExperimentError) -> Measured<Values> {
    var flow = settings.flow
    flow.hiddenWidth = cell.width
    return try flow.measure(exponent: cell.p, seed: context.seed)
  }

  // What it says: figures, and an answer of one or two sentences with its numbers.
  func account(of results: Results) -> Account {
    let lines = settings.degrees.map { p in
      results.series("p = \(p.formatted())", radius, cells: cells.filter { $0.p == p }) {
        Double($0.width)
      }
    }
    let ends = settings.degrees.map { p in
      let radii = settings.widths.map { results.interval(radius, Cell(p: p, width: $0)).text() }
      return "\(radii.joined(separator: ", ")) for p = \(p.formatted())"
    }
    return Account(
      title: "Width and robustness", subtitle: "Preset \(settings.preset.rawValue)",
      introduction: "The data have ten subclasses; each needs a neuron of its own.",
      answer:
        "With \(settings.widths.map(String.init).joined(separator: ", ")) neurons the median radius "
        + "is \(ends.joined(separator: ", and ")).",
      figures: [
        AccountFigure(
          "radius",
          LineChart(x: Axis("hidden neurons"), y: Axis("median l2 radius"), series: lines),
          caption: "Mean and 95% interval over seeds.",
          alternative: "Median radius against the number of hidden neurons")
      ])
  }
}
// END

@Suite struct NewExperimentTests {
  /// It runs, is drawn, resumes, and its settings have names.
  @Test func aNewExperimentRuns() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("width-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    var experiment = WidthExperiment(ExperimentOptions(preset: .quick))
    experiment.settings.widths = [12, 24]
    experiment.settings.flow.mixture = OrthonormalMixture(
      dimension: 16, subclasses: 4, positive: 2, alpha: 0.05, samples: 60)
    experiment.settings.flow.attackedSamples = 20
    let quiet = ProgressReporter(quiet: true)
    let outcome = try experiment.run(out: folder.path, resume: false, progress: quiet)
    #expect(outcome.table.contains("With 12, 24 neurons the median radius is "))
    for file in ["report.html", "figures/radius.csv", "results/cells.csv"] {
      #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent(file).path))
    }
    let again = try experiment.run(out: folder.path, resume: true, progress: quiet)
    #expect(again.summary == outcome.summary)
    #expect(try experiment.settingsTable().rows.contains { $0.name == "widths" })
  }

  @Test func theExampleIsThatOfTheText() throws {
    let here = URL(fileURLWithPath: #filePath)
    let source = try String(contentsOf: here, encoding: .utf8)
    let root = here.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try String(
      contentsOf: root.appendingPathComponent("CONTRIBUTING.md"), encoding: .utf8)
    let example = source.components(separatedBy: "// BEGIN\n")[1]
      .components(separatedBy: "// END\n")[0]
      .replacingOccurrences(of: "@testable ", with: "")
    #expect(text.contains(example))
  }
}
