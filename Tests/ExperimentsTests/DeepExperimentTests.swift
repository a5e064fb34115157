import Datasets
import DeepNetworks
import Foundation
import LinearCore
import Testing

@testable import Experiments
@testable import Runs
@testable import Studies

/// The experiments on depth, with settings of a second each.
@Suite struct DeepExperimentTests {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("deep-experiments-\(UUID().uuidString)")

  private func run(_ experiment: some Experiment, _ name: String, resume: Bool = false) throws
    -> ExperimentOutcome
  {
    try experiment.run(
      out: folder.appendingPathComponent(name).path, resume: resume,
      progress: ProgressReporter(quiet: true))
  }

  private func data(_ name: String) throws -> Data {
    try Data(contentsOf: folder.appendingPathComponent(name))
  }

  private func remove(_ names: [String]) throws {
    for name in names {
      try FileManager.default.removeItem(at: folder.appendingPathComponent(name))
    }
  }

  private func tinyMixture() -> DeepMixtureExperiment {
    var experiment = DeepMixtureExperiment(ExperimentOptions(preset: .quick, seed: 3, repeats: 2))
    experiment.settings.depths = [1, 4]
    experiment.settings.degrees = [1, 3]
    experiment.settings.variants = [.plain, .residual]
    experiment.settings.starts = [.small]
    experiment.settings.width = 40
    experiment.settings.measurement.mixture = OrthonormalMixture(
      dimension: 20, subclasses: 4, positive: 2, alpha: 0.05, samples: 200, rotation: .random)
    experiment.settings.measurement.batchSize = 20
    experiment.settings.measurement.attackedSamples = 10
    experiment.settings.measurement.twoSided = DeepTwoSidedSettings(samples: 3, nodes: 1)
    return experiment
  }

  @Test func depthOnTheMixture() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let experiment = tinyMixture()
    // Residual connections at depth 1 are none: six cells of eight.
    #expect(experiment.cells.count == 6 && experiment.seeds == [3, 4])
    let outcome = try run(experiment, "whole")
    let summary = try #require(
      JSONSerialization.jsonObject(with: Data(outcome.summary.utf8)) as? [String: Any])
    let answer = try #require(summary["answer"] as? String)
    #expect(!answer.contains("nan") && outcome.table.contains(answer))
    let rows = try #require(summary["cells"] as? [[String: Any]])
    func metric(_ name: String, _ p: Double, _ depth: Int, _ variant: DenseDesign.Variant)
      throws -> Double?
    {
      let cell = DeepMixtureExperiment.Cell(p, depth, variant, .small)
      let row = rows[try #require(experiment.cells.firstIndex(of: cell))]
      let metrics = try #require(row["metrics"] as? [String: [String: Any]])
      return metrics[name]?["mean"] as? Double
    }
    // 1/2 and 0.707 without noise, which is a twentieth of a centre's length here.
    for (p, law) in [(1.0, 0.5), (3, 0.5.squareRoot())] {
      let radius = try #require(try metric("medianRadius", p, 1, .plain))
      #expect(abs(radius - law) < 0.07, "p = \(p)")
    }
    #expect(try #require(try metric("subclassShare", 3, 1, .plain)) > 0.9)
    // The signal of four plain layers at p = 3 is gone, a residual connection carries it.
    #expect(try metric("medianRadius", 3, 4, .plain) == nil)
    #expect(try metric("medianRadius", 3, 4, .residual) != nil)
    #expect(outcome.table.contains("stalls") && answer.contains("Plain networks stall"))
    // Two short sentences; the numbers are a table behind them.
    #expect(answer.components(separatedBy: ". ").count == 2)
    #expect(answer.split(separator: " ").count <= 60, "\(answer)")
    #expect(answer.contains("train at every depth: residual."), "\(answer)")
    #expect(outcome.table.contains("size of outputs, usual weights, depth 4"))
    for figure in ["median-radius", "signal", "alignment", "curves", "two-sided"] {
      #expect(try !data("whole/figures/\(figure).svg").isEmpty)
    }
    // Four residual layers have no proof in closed form; attacks found more than what is proved, and not much more.
    let proved = try #require(try metric("medianProved", 3, 4, .residual))
    let attacked = try #require(try metric("medianAttacked", 3, 4, .residual))
    #expect(proved > 0.01 && proved <= attacked)
    let shallow = try #require(try metric("medianProved", 1, 1, .plain))
    #expect(shallow > 0.3 && shallow <= 0.55)
    #expect(try metric("medianProved", 3, 4, .plain) == nil)
    // Of the first repeat, where training fits; their networks are kept.
    let runs = try lines("whole/results/runs.csv")
    let (seed, failure) = (
      try #require(runs[0].firstIndex(of: "seed")), try #require(runs[0].firstIndex(of: "failure"))
    )
    let fitting = runs.count { $0[seed] == "3" && $0[failure].isEmpty }
    #expect(fitting >= 4)
    try checkSamples("whole", norms: ["l2"], runs: fitting)
    let networks = try FileManager.default.contentsOfDirectory(
      atPath: folder.appendingPathComponent("whole/networks").path)
    #expect(networks.count == fitting && networks.allSatisfy { $0.hasSuffix("seed3.safetensors") })
    try checkCurves("whole/figures/two-sided", panels: ["a", "b"])
  }

  /// `results/two-sided.csv`: three samples a run and norm, proved at most what was found.
  private func checkSamples(_ name: String, norms: [String], runs: Int) throws {
    let lines = try lines("\(name)/results/two-sided.csv")
    let header = lines[0]
    for column in ["seed", "norm", "index", "proved", "attacked", "status", "parts"] {
      #expect(header.contains(column))
    }
    func value(_ column: String, _ row: [String]) throws -> String {
      row[try #require(header.firstIndex(of: column))]
    }
    #expect(lines.count == 1 + runs * norms.count * 3)
    var sum = 0.0
    for row in lines.dropFirst() {
      let (proved, attacked) = (
        try #require(Double(try value("proved", row))),
        try #require(Double(try value("attacked", row)))
      )
      #expect(proved >= 0 && proved <= attacked)
      #expect(try norms.contains(value("norm", row)))
      #expect(try ["exact", "bounded", "misclassified"].contains(value("status", row)))
      sum += proved
    }
    #expect(sum > 0)
  }

  /// At every radius the proved curve is at most the attacked one, and both fall.
  private func checkCurves(_ name: String, panels: [String]) throws {
    var curves: [String: [Double]] = [:]
    for panel in panels {
      let lines = try lines("\(name)-\(panel).csv")
      let place = try ["label", "y"].map { try #require(lines[0].firstIndex(of: $0)) }
      for row in lines.dropFirst() {
        curves["\(panel) \(row[place[0]])", default: []].append(
          try #require(Double(row[place[1]])))
      }
    }
    let attacked = curves.keys.filter { $0.hasSuffix("attacked") }
    #expect(!attacked.isEmpty && curves.count == 2 * attacked.count)
    for key in attacked {
      let upper = try #require(curves[key])
      let lower = try #require(curves[key.replacing(", attacked", with: ", proved")])
      #expect(upper.count == 151 && lower.count == 151)
      #expect(zip(lower, upper).allSatisfy { $0 <= $1 })
      #expect(zip(lower, lower.dropFirst()).allSatisfy { $0 >= $1 })
    }
  }

  private func lines(_ name: String) throws -> [[String]] {
    let text = String(decoding: try data(name), as: UTF8.self)
    // Names of networks may be quoted, with a comma between.
    return text.split(separator: "\n").map { line in
      var cells = [""]
      var isQuoted = false
      for character in line {
        if character == "\"" {
          isQuoted.toggle()
        } else if character == ",", !isQuoted {
          cells.append("")
        } else {
          cells[cells.count - 1].append(character)
        }
      }
      return cells
    }
  }

  @Test func resumedRunsHaveTheSameBytes() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    _ = try run(tinyMixture(), "mixture")
    let files = ["results/summary.json", "results/cells.csv", "results/runs.csv"]
    let before = try files.map { try data("mixture/\($0)") }
    let cells = tinyMixture().cells
    // As after a kill: one run is missing, one was cut short.
    try remove(
      ["mixture/results/runs/\(cells[1].fileName)-seed4.json"] + files.map { "mixture/\($0)" })
    try Data("{".utf8).write(
      to: folder.appendingPathComponent("mixture/results/runs/\(cells[0].fileName)-seed3.json"))
    _ = try run(tinyMixture(), "mixture", resume: true)
    for (file, bytes) in zip(files, before) { #expect(try data("mixture/\(file)") == bytes) }
    #expect(throws: ExperimentError.self) { try run(tinyMixture(), "mixture") }
  }

  @Test(.enabled(if: MNIST.isAvailable(), "MNIST is not in POLYRELU_DATA"))
  func depthOnMNIST() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    func tiny() -> MNISTDeepExperiment {
      var experiment = MNISTDeepExperiment(ExperimentOptions(preset: .quick, seed: 1))
      experiment.settings.depths = [1, 2]
      experiment.settings.degrees = [1, 3]
      experiment.settings.variants = [.residualInputNormalization]
      experiment.settings.width = 24
      experiment.settings.trainingSamples = 600
      experiment.settings.validationSamples = 100
      experiment.settings.epochs = 4
      experiment.settings.attackedSamples = 4
      experiment.settings.twoSided = DeepTwoSidedSettings(samples: 3, nodes: 1)
      return experiment
    }
    #expect(tiny().cells.count == 4)
    let outcome = try run(tiny(), "mnist")
    #expect(!outcome.summary.contains("\"answer\" : \"\""))
    #expect(outcome.table.contains("Against p = 1, for both norms and all kinds"))
    #expect(outcome.table.contains("the largest median radius of all"))
    #expect(outcome.table.contains("proved / attacked"))
    let header = try lines("mnist/results/runs.csv")[0]
    for column in ["medianProvedL2", "medianAttackedL2", "medianProvedLinf", "medianAttackedLinf"] {
      #expect(header.contains(column))
    }
    try checkSamples("mnist", norms: ["l2", "linf"], runs: 4)
    for norm in ["l2", "linf"] {
      try checkCurves("mnist/figures/two-sided-\(norm)", panels: ["a", "b"])
    }
    for figure in ["curves-l2", "curves-linf", "median-radius"] {
      #expect(try !data("mnist/figures/\(figure).svg").isEmpty)
    }
    let before = try data("mnist/results/cells.csv")
    // As after a kill in the attack of a run: its networks are there, its radii are not.
    let name = "\(tiny().cells[1].fileName)-seed1"
    try remove([
      "mnist/results/runs/\(name).json", "mnist/results/robustness/\(name)-linf.json",
      "mnist/results/cells.csv",
    ])
    _ = try run(tiny(), "mnist", resume: true)
    #expect(try data("mnist/results/cells.csv") == before)
  }
}
