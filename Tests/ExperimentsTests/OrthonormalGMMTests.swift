import Foundation
import Runs
import Studies
import Testing

@testable import Experiments

@Suite struct OrthonormalGMMTests {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("gmm-\(UUID().uuidString)")

  /// Some dimensions and seconds.
  private var tiny: OrthonormalGMMExperiment {
    var experiment = OrthonormalGMMExperiment(ExperimentOptions(preset: .quick))
    var settings = experiment.settings
    settings.dynamicsMixture.dimension = 30
    settings.dynamicsMixture.subclasses = 4
    settings.dynamicsMixture.positive = 2
    settings.dynamicsMixture.samples = 200
    settings.dynamicsWidth = 40
    settings.robustnessMixture = settings.dynamicsMixture
    settings.robustnessWidth = 40
    settings.initialScale = 1e-4
    settings.iterations = 200
    settings.distanceEvery = 100
    settings.epochs = 100
    settings.batchSize = 20
    settings.powerScale = 2
    settings.attackedSamples = 20
    settings.attack = "quick"
    experiment.settings = settings
    return experiment
  }

  private func run(_ name: String, resume: Bool = false) throws -> ExperimentOutcome {
    try tiny.run(
      out: folder.appendingPathComponent(name).path, resume: resume,
      progress: ProgressReporter(quiet: true))
  }

  private func bytes(_ name: String) throws -> Data {
    try Data(contentsOf: folder.appendingPathComponent(name))
  }

  private struct Summary: Decodable {
    struct Row: Decodable {
      struct Column: Decodable {
        let name: String
        /// A word; nil for a number.
        let word: String?

        private enum CodingKeys: CodingKey { case name, value }

        init(from decoder: any Decoder) throws {
          let container = try decoder.container(keyedBy: CodingKeys.self)
          name = try container.decode(String.self, forKey: .name)
          word = try? container.decode(String.self, forKey: .value)
        }
      }
      struct Mean: Decodable { let mean: Double? }
      let parameters: [Column]
      let metrics: [String: Mean]
      let failures: Int

      func parameter(_ name: String) -> String {
        parameters.first { $0.name == name }?.word ?? ""
      }
    }
    let answer: String
    let remarks: [String]
    let cells: [Row]
  }

  @Test func alignsAndBeatsTheControlsAndResumesWithTheSameBytes() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let outcome = try run("whole")
    let summary = try JSONDecoder().decode(Summary.self, from: Data(outcome.summary.utf8))
    #expect(summary.cells.count == 12)
    for cell in summary.cells where cell.parameter("part") == "dynamics" {
      // The limit is 1; what is left is the noise of 50 samples a cluster, alpha / sqrt(50) = 0.014.
      #expect(cell.metrics["medianCosine"]!.mean! > 0.999)
      #expect(cell.metrics["distance"]!.mean! < 0.1)
      #expect(abs(cell.metrics["medianRadius"]!.mean! / 0.5.squareRoot() - 1) < 0.06)
    }
    // 1/sqrt(4) = 0.5 for average directions.
    for cell in summary.cells where ["ReLU", "tanh"].contains(cell.parameter("model")) {
      #expect(cell.failures == 0)
      #expect(abs(cell.metrics["medianRadius"]!.mean! / 0.5 - 1) < 0.12)
    }
    #expect(summary.remarks.contains { $0.hasPrefix("  not met: every step sees all samples") })
    #expect(summary.remarks.contains { $0.hasPrefix("  met: the initial weights are balanced") })
    #expect(outcome.table.contains(summary.answer))
    #expect(outcome.flags.isEmpty)

    // A kill leaves finished runs and nothing else.
    let runs = "results/runs"
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("broken/\(runs)"), withIntermediateDirectories: true)
    let files = try FileManager.default.contentsOfDirectory(
      atPath: folder.appendingPathComponent("whole/\(runs)").path
    ).sorted()
    #expect(files.count == 12)
    for file in ["config.json"]
      + files.enumerated().filter({ $0.offset % 3 != 0 }).map({
        "\(runs)/\($0.element)"
      })
    {
      try FileManager.default.copyItem(
        at: folder.appendingPathComponent("whole/\(file)"),
        to: folder.appendingPathComponent("broken/\(file)"))
    }
    _ = try run("broken", resume: true)
    for file in files.map({ "\(runs)/\($0)" }) + [
      "results/summary.json", "results/cells.csv", "results/runs.csv", "figures/alignment-a.csv",
      "figures/robustness-b.csv", "report.html",
    ] {
      #expect(try bytes("whole/\(file)") == bytes("broken/\(file)"), "\(file)")
    }
  }
}
