import Foundation
import Runs
import Studies
import Testing

@testable import Experiments

/// The sweeps that answer open questions, with settings of a second each.
@Suite struct OpenQuestionTests {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("questions-\(UUID().uuidString)")
  let quick = ExperimentOptions(preset: .quick)

  /// K = 4 subclasses of noise 0.1 in 20 dimensions, 40 neurons.
  private func shrink(_ flow: inout FlowTraining) {
    flow.mixture.dimension = 20
    flow.mixture.subclasses = 4
    flow.mixture.positive = 2
    flow.mixture.samples = 80
    flow.mixture.alpha = 0.1
    flow.hiddenWidth = 40
    flow.attackedSamples = 20
  }

  /// What an experiment has found.
  private struct Found {
    let rows: [[String: Any]]
    let answer: String
    let table: String
    let failures: [String]
    let findings: [String: Any]

    /// The mean of a metric in a row; nil where no run has a result.
    func mean(_ metric: String, row: Int) -> Double? {
      let metrics = rows[row]["metrics"] as? [String: Any]
      return (metrics?[metric] as? [String: Any])?["mean"] as? Double
    }
  }

  /// Runs an experiment and checks that it leaves its files.
  private func run(_ experiment: some Experiment, figures: [String]) throws -> Found {
    defer { try? FileManager.default.removeItem(at: folder) }
    let outcome = try experiment.run(
      out: folder.path, resume: false, progress: ProgressReporter(quiet: true))
    for file in ["report.html", "results/cells.csv", "results/runs.csv"]
      + figures.map({ "figures/\($0).svg" })
    {
      #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent(file).path))
    }
    let json = try JSONSerialization.jsonObject(with: Data(outcome.summary.utf8))
    let summary = try #require(json as? [String: Any])
    let answer = try #require(summary["answer"] as? String)
    #expect(!answer.contains("nan") && outcome.table.contains(answer))
    return Found(
      rows: try #require(summary["cells"] as? [[String: Any]]), answer: answer,
      table: outcome.table, failures: try #require(summary["failures"] as? [String]),
      findings: try #require(summary["findings"] as? [String: Any]))
  }

  @Test func degrees() throws {
    var experiment = DegreeSweepExperiment(quick)
    shrink(&experiment.settings.flow)
    experiment.settings.degrees = [1, 3]
    let found = try run(experiment, figures: ["median-radius", "time-to-fit", "effective-neurons"])
    let radii = try [0, 1].map { try #require(found.mean("medianRadius", row: $0)) }
    // 1/2 and 0.707 without noise, which is a tenth of a centre's length here.
    #expect(abs(radii[0] - 0.5) < 0.1 && abs(radii[1] - 0.5.squareRoot()) < 0.1)
    #expect(radii[1] > radii[0] && found.failures.isEmpty)
    #expect(found.answer.contains("no degree stalls"))
  }

  /// Aligned neurons grow exponentially, so the time to fit is a line in the logarithm of the scale.
  @Test func initialScales() throws {
    var experiment = InitialScaleExperiment(quick)
    shrink(&experiment.settings.flow)
    experiment.settings.degrees = [1]
    experiment.settings.logScales = [-80, -40, -10]
    let found = try run(
      experiment,
      figures: ["median-radius", "effective-neurons", "subclasses-found", "subclass-cosine"])
    let times = try (0...2).map { try #require(found.mean("fittingTime", row: $0)) }
    let slopes = [(times[0] - times[1]) / 40, (times[1] - times[2]) / 30]
    #expect(slopes[1] > 0 && abs(slopes[0] / slopes[1] - 1) < 0.02)
    let radius = String(format: "%.3f from 1e-80", try #require(found.mean("medianRadius", row: 0)))
    #expect(found.answer.contains(radius), "\(found.answer)")
  }

  @Test func subclassCounts() throws {
    var experiment = SubclassScalingExperiment(quick)
    experiment.settings.degrees = [1, 3]
    experiment.settings.subclassCounts = [2, 4, 8]
    experiment.settings.dimension = 32
    experiment.settings.attackedSamples = 20
    let found = try run(experiment, figures: ["median-radius", "effective-neurons", "time-to-fit"])
    for (p, predicted) in [(1, -0.5), (3, 0)] {
      let interval = try #require(
        found.findings["slope at p = \(p).0, alpha = 0.1"] as? [String: Double])
      // Noise of a tenth moves a radius by about a tenth at most, over log(8/2): 0.07 of a slope.
      #expect(abs(try #require(interval["value"]) - predicted) < 0.07)
    }
    #expect(found.answer.hasSuffix("Every run fitted its data."))
  }

  /// Proved and attacked radii enclose the truth, which the law tells up to the noise.
  @Test func criticalRadii() throws {
    var experiment = CriticalRadiusExperiment(quick)
    experiment.settings.degrees = [1, 3]
    experiment.settings.alphas = [0.02, 0.1]
    experiment.settings.alpha = 0.02
    experiment.settings.subclassCounts = [2, 4]
    experiment.settings.subclasses = 4
    experiment.settings.dimension = 16
    experiment.settings.attackedSamples = 20
    let found = try run(
      experiment,
      figures: ["radius-against-degree", "radius-against-noise", "radius-against-subclasses"])
    #expect(found.failures.isEmpty && found.rows.count == experiment.cells.count)
    #expect(experiment.cells.count == 6)
    for (row, cell) in experiment.cells.enumerated() {
      let lower = try #require(found.mean("medianLower", row: row))
      let upper = try #require(found.mean("medianUpper", row: row))
      let gap = try #require(found.mean("largestGap", row: row))
      #expect(lower <= upper && lower >= upper * (1 - gap), "\(cell.title)")
      #expect(found.mean("exactShare", row: row) == 1 && gap <= 1e-3, "\(cell.title)")
    }
    // In the order of the degrees, K = 4: 1/2 and √2/2, and noise of a fiftieth of a centre's length.
    for (row, law) in [(0, 0.5), (1, 0.5.squareRoot())] {
      #expect(abs(try #require(found.mean("medianLower", row: row)) - law) < 0.04)
    }
    // Cells and the table of laws have a line each.
    for cell in experiment.cells {
      let start = cell.parameters.map(\.value.text)
      let lines = found.table.split(separator: "\n").map {
        $0.split(separator: " ").map(String.init)
      }
      #expect(lines.count { $0.starts(with: start) } == 2, "\(cell.title)")
    }
    #expect(found.answer.contains("of 6 cases") && found.answer.contains("100.0% of the samples"))
  }

  /// Gradient descent with small steps is the flow; one with absurd steps fails and is shown.
  @Test func optimizers() throws {
    var experiment = FlowComparisonExperiment(quick)
    shrink(&experiment.settings.flow)
    experiment.settings.learningRates = [0.02, 1000]
    experiment.settings.momenta = [0]
    experiment.settings.batchSizes = [20]
    let found = try run(experiment, figures: ["training-loss", "median-radius", "grid"])
    let perDegree = found.rows.count / 2
    for (row, exponent) in [(0, 1), (perDegree, 3)] {
      // The flow, then the learning rate 0.02 with batches of 20 and with all samples.
      let radii = try (0...2).map { try #require(found.mean("medianRadius", row: row + $0)) }
      let times = try (0...2).map { try #require(found.mean("fittingTime", row: row + $0)) }
      for descent in 1...2 {
        #expect(abs(radii[descent] / radii[0] - 1) < 0.02, "p = \(exponent)")
        #expect(abs(times[descent] / times[0] - 1) < 0.02, "p = \(exponent)")
      }
      // The learning rate 1000.
      for absurd in 3...4 {
        #expect(found.mean("medianRadius", row: row + absurd) == nil)
        #expect(found.rows[row + absurd]["failures"] as? Int == 1)
      }
    }
    #expect(found.failures.count >= 1 && found.table.contains("no result: "))
    #expect(found.table.contains(/SGD, learning rate 1000, batch 20 +– +– +– +–/))
    #expect(
      found.answer.contains("Of 4 settings") && found.answer.split(separator: ". ").count == 2)
  }
}
