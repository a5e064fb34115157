import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Testing

@testable import Experiments

/// Feature averaging with settings of a second.
@Suite struct FeatureAveragingTests {
  static func small() -> FeatureAveragingExperiment {
    var experiment = FeatureAveragingExperiment(ExperimentOptions(preset: .quick))
    experiment.settings.clusters.dimension = 96
    experiment.settings.clusters.samples = 80
    experiment.settings.clusters.clusterCount = 4
    experiment.settings.clusters.noise = 0.3
    experiment.settings.clusters.stepsWidth = 4
    experiment.settings.widths = [4, 12]
    experiment.settings.twoSided.samples = 8
    experiment.settings.twoSided.nodes = 50
    return experiment
  }

  @Test func runsAndAnswers() throws {
    let folder = NSTemporaryDirectory() + "averaging-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let experiment = Self.small()
    try experiment.settings.validate()
    let outcome = try experiment.run(
      out: folder, resume: false, progress: ProgressReporter(quiet: true))
    let json = try JSONSerialization.jsonObject(with: Data(outcome.summary.utf8))
    let summary = try #require(json as? [String: Any])
    let answer = try #require(summary["answer"] as? String)
    #expect(answer.contains("for two classes") && answer.contains("at p = 3 with 12 neurons"))
    #expect(!answer.contains("nan"))
    let rows = try #require(summary["cells"] as? [[String: Any]])
    #expect(rows.count == 4)
    func mean(_ name: String, _ row: Int) throws -> Double {
      let metrics = try #require(rows[row]["metrics"] as? [String: Any])
      return try #require((metrics[name] as? [String: Any])?["mean"] as? Double)
    }
    for row in 0..<4 {
      #expect(try mean("medianProved", row) <= mean("medianAttacked", row) * (1 + 1e-6))
    }
    // Two centres a class: averages have cosines of 1/√2 to each.
    #expect(try abs(mean("classCosine", 0) - 0.5.squareRoot()) < 0.1)
    #expect(try mean("bestCosine", 1) > 0.9)
    #expect(try mean("medianAttacked", 1) > 1.2 * mean("medianAttacked", 0))
  }

  @Test func readOutSumsLogits() throws {
    let network = try PReLUNetwork<Float>(
      inputDimension: 3, hiddenWidth: 8, outputCount: 4, exponent: 1,
      initialization: .gaussian(scale: 1), hasHiddenBias: true, stream: RandomStream(seed: 1))
    let inputs = Matrix<Float>.gaussian(rows: 5, columns: 3, stream: RandomStream(seed: 2))
    let sums = try FeatureAveragingTraining.readOut(network, clusterLabels: [1, 0, 1, 0])
    let (logits, found) = (network.logits(inputs), sums.logits(inputs))
    for i in 0..<5 {
      let expected = logits[i, 0] - logits[i, 1] + logits[i, 2] - logits[i, 3]
      #expect(abs(found[i, 0] - expected) < 1e-5 * (1 + abs(expected)))
    }
  }

  @Test(arguments: [("widths", [5]), ("widths", [2]), ("degree", [1])])
  func refusesSettings(name: String, values: [Int]) {
    var settings = Self.small().settings
    if name == "widths" { settings.widths = values } else { settings.degree = Double(values[0]) }
    let error = #expect(throws: ExperimentError.self) { try settings.validate() }
    #expect("\(error!)".hasPrefix("--set \(name) is"))
  }
}
