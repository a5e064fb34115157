import Formats
import Foundation
import LinearCore
import Runs
import Studies
import Testing

@testable import Experiments

/// An experiment on real data in small: features made up here.
@Suite(.serialized) struct FeaturesExperimentTests {
  struct Summary: Decodable {
    struct Point: Decodable {
      let norm: String
      let attack: String
      let epsilon: Double
      let accuracy: Statistic
      let plainAttack: String?
      let plainAccuracy: Double?
    }
    struct Statistic: Decodable { let mean: Double }
    struct Row: Decodable {
      let p: Double
      let robustAccuracy: [Point]
    }
    struct Part: Decodable {
      struct Cell: Decodable { let metrics: [String: MeanInterval] }
      let name: String
      let answer: String
      let cells: [Cell]
      let results: [Row]
      let twoSided: TwoSided?
    }
    struct TwoSided: Decodable {
      struct Row: Decodable {
        let p: Double
        let samples: Int
        let curve: [Accuracies]
      }
      struct Accuracies: Decodable { let certifiedAccuracy, attackedAccuracy: Double }
      let rows: [Row]
      let violations: [String]
    }
    let parts: [Part]
  }

  /// Four clusters in five dimensions.
  private func writeFeatures(_ path: String) throws {
    var generator = RandomStream(seed: 4)
    let count = 120
    var inputs: [Float] = []
    for i in 0..<count {
      var row = [Float](repeating: 0, count: 5)
      row.withUnsafeMutableBufferPointer { generator.fillGaussian($0) }
      inputs += row.enumerated().map { 0.1 * $1 + ($0 == i % 4 ? 1 : 0) }
    }
    try NPZ.write(
      [
        "X": Tensor(shape: [count, 5], elements: .float32(inputs)),
        "y": Tensor(shape: [count], elements: .float64((0..<count).map { Double($0 % 4) })),
      ], to: path)
  }

  @Test(.tags(.slow)) func plainAttackStandsBesideTheEnsemble() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("features-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let data = folder.appendingPathComponent("features.npz").path
    try writeFeatures(data)
    let experiment = try FeaturesExperiment(ExperimentOptions(preset: .quick, data: data))
    let outcome = try experiment.run(
      out: folder.appendingPathComponent("run").path, resume: false,
      progress: ProgressReporter(quiet: true))
    let summary = try JSONDecoder().decode(Summary.self, from: Data(outcome.summary.utf8))
    #expect(summary.parts.map(\.name) == ["binary", "categories"])
    for part in summary.parts {
      #expect(part.cells.count == 4 && part.answer.hasPrefix("For p = 1, 2, 3, 4: test accuracy "))
      for (cell, row) in zip(part.cells, part.results) {
        let tabulated = try #require(cell.metrics["robustAccuracy l2 0.2"])
        #expect(tabulated.mean == row.robustAccuracy.first { $0.epsilon == 0.2 }?.accuracy.mean)
      }
    }
    let points = summary.parts.flatMap(\.results).flatMap(\.robustAccuracy)
    #expect(!points.isEmpty && Set(points.map(\.norm)) == ["l2", "linf"])
    for point in points {
      #expect(point.attack == "standard" && point.plainAttack == "pgd")
      // One attack never finds more than all together; one sample of 24 may fall to luck.
      let plain = try #require(point.plainAccuracy)
      #expect(plain >= point.accuracy.mean - 1 / 24 - 1e-9, "\(point)")
    }
    // Two classes are bounded from both sides; the summary of a quick run leaves several out.
    #expect(summary.parts[1].twoSided == nil)
    let sides = try #require(summary.parts[0].twoSided)
    #expect(sides.rows.map(\.p) == [1, 2, 3, 4] && sides.violations.isEmpty)
    for row in sides.rows {
      #expect(row.samples == 8)
      for point in row.curve { #expect(point.certifiedAccuracy <= point.attackedAccuracy) }
    }
    let report = try String(
      contentsOf: folder.appendingPathComponent("run/report.html"), encoding: .utf8)
    #expect(report.contains("A usual attack alone, pgd"))
    let again = try experiment.run(
      out: folder.appendingPathComponent("run").path, resume: true,
      progress: ProgressReporter(quiet: true))
    #expect(again.summary == outcome.summary && again.table == outcome.table)
  }
}
