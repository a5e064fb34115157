import Datasets
import Foundation
import Runs
import Studies
import Testing

@testable import Experiments

extension Tag {
  /// Tests that take more than a few seconds.
  @Tag static var slow: Self
}

@Suite(.serialized) struct MixtureExperimentTests {
  static let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("mixture-\(UUID().uuidString)")

  struct Summary: Decodable {
    struct Row: Decodable {
      let p, cleanAccuracy, medianRadius, predictedRadius: Double
      let medianBestCosine, medianBestClassCosine, numericalRank: Double
      let reductions: [Reduction]
    }
    struct Reduction: Decodable {
      let p, radiusUncertainty: Double
      let dimensions, originalDimensions: Int
    }
    struct Interval: Decodable { let mean: Double }
    struct Distance: Decodable {
      struct Row: Decodable {
        let p, alpha, reductionBound, idealSupremum: Double
        let leastSquaresDistance, bestDistance, ascentDistance: Interval
        let leastSquaresUpper, bestUpper: Interval
      }
      let rows: [Row]
      let answer: String
    }
    struct TwoSided: Decodable {
      struct Row: Decodable {
        let p, medianProved, medianAttacked, medianGap, exactShare, medianSmoothed: Double
        let samples: Int
        let curve: [Point]
      }
      struct Point: Decodable {
        let epsilon, certifiedAccuracy, attackedAccuracy, smoothedAccuracy: Double
      }
      let rows: [Row]
      let violations: [String]
    }
    let results: [Row]
    let distance: Distance
    let twoSided: TwoSided
  }

  /// The claims the project stands on, in the size that `make reproduce` runs.
  @Test(.tags(.slow)) func quickPresetShowsTheCentralResult() throws {
    defer { try? FileManager.default.removeItem(at: Self.folder) }
    let experiment = MixtureExperiment(ExperimentOptions(preset: .quick))
    let outcome = try experiment.run(
      out: Self.folder.path, resume: false, progress: ProgressReporter(quiet: true))
    #expect(outcome.flags.isEmpty)
    let summary = try JSONDecoder().decode(Summary.self, from: Data(outcome.summary.utf8))
    let results = summary.results
    #expect(results.map(\.p) == [1, 3])
    #expect(results.allSatisfy { $0.cleanAccuracy >= 0.99 })
    #expect(abs(results[0].medianRadius / 0.1.squareRoot() - 1) < 0.12)
    #expect(abs(results[1].medianRadius / 0.5.squareRoot() - 1) < 0.06)
    #expect(results[0].medianBestClassCosine >= 0.95 && results[0].numericalRank == 2)
    #expect(results[1].medianBestCosine >= 0.95)
    // Networks come closer to the ideal as alpha falls; the paper's search finds nothing higher.
    let rows = summary.distance.rows
    #expect(rows.map(\.p) == [1, 1, 1, 3, 3, 3])
    #expect(rows.map(\.alpha) == [0.03, 0.1, 0.3, 0.03, 0.1, 0.3])
    for (row, next) in zip(rows, rows.dropFirst()) where row.p == next.p {
      #expect(row.leastSquaresDistance.mean < next.leastSquaresDistance.mean)
    }
    for row in rows {
      #expect(row.bestDistance.mean <= row.leastSquaresDistance.mean + row.reductionBound)
      #expect(row.ascentDistance.mean <= row.leastSquaresDistance.mean + row.reductionBound)
      #expect(row.leastSquaresDistance.mean < 0.1 * row.idealSupremum)
      // From both sides, and not far apart.
      #expect(row.leastSquaresDistance.mean <= row.leastSquaresUpper.mean)
      #expect(row.bestDistance.mean <= row.bestUpper.mean)
      #expect(
        row.leastSquaresUpper.mean <= (row.p == 1 ? 1.02 : 1.6) * row.leastSquaresDistance.mean)
    }
    // Certified below attacked on the same samples, and the median next to the law.
    #expect(summary.twoSided.violations.isEmpty)
    let laws = [0.1, 0.5].map { $0.squareRoot() }
    for (row, law) in zip(summary.twoSided.rows, laws) {
      #expect(row.samples == 100 && row.exactShare >= 0.95 && row.medianGap <= 1e-3)
      #expect(row.medianProved <= row.medianAttacked)
      #expect(abs(row.medianProved / law - 1) < 0.06)
      for point in row.curve { #expect(point.certifiedAccuracy <= point.attackedAccuracy) }
      for (point, next) in zip(row.curve, row.curve.dropFirst()) {
        #expect(point.certifiedAccuracy >= next.certifiedAccuracy)
        #expect(point.smoothedAccuracy >= next.smoothedAccuracy)
      }
      #expect(row.medianSmoothed > 0.5 * law)
    }
    // A network of p = 3 is attacked in the span of the subclass centres, and the summary says so.
    let reduction = try #require(results[1].reductions.first)
    #expect(reduction.p == 3 && reduction.dimensions < reduction.originalDimensions / 2)
    #expect(reduction.radiusUncertainty < 1e-2 * results[1].medianRadius)
    for name in [
      "results/two-sided.csv", "figures/two-sided.svg", "figures/two-sided-a.csv",
      "results/distance.csv", "figures/distance.svg", "figures/distance.csv", "config.json",
      "environment.json", "report.html", "results/summary.json",
      "figures/robust-accuracy.svg", "figures/robust-accuracy.pdf", "figures/robust-accuracy.csv",
    ] {
      #expect(FileManager.default.fileExists(atPath: Self.folder.appendingPathComponent(name).path))
    }

    // A finished run is not repeated, and says the same.
    let again = try experiment.run(
      out: Self.folder.path, resume: true, progress: ProgressReporter(quiet: true))
    #expect(again.summary == outcome.summary)
    // A part that is missing is made anew, from the network's own checkpoint, with the same numbers.
    try FileManager.default.removeItem(
      at: Self.folder.appendingPathComponent("results/runs/p-3_alpha-0.1-seed0.json"))
    let sides = try Data(
      contentsOf: Self.folder.appendingPathComponent("results/two-sided.csv"))
    try FileManager.default.removeItem(
      at: Self.folder.appendingPathComponent("results/p3-seed0-two-sided.json"))
    // As if killed before the last of four pieces was there.
    try FileManager.default.removeItem(
      at: Self.folder.appendingPathComponent("checkpoints/p3-seed0-two-sided-96.json"))
    try FileManager.default.removeItem(
      at: Self.folder.appendingPathComponent("results/runs/p-1_alpha-0.3-seed0.json"))
    let repaired = try experiment.run(
      out: Self.folder.path, resume: true, progress: ProgressReporter(quiet: true))
    let repeated = try JSONDecoder().decode(Summary.self, from: Data(repaired.summary.utf8))
    #expect(repeated.results[1].medianRadius == results[1].medianRadius)
    #expect(
      repeated.distance.rows[2].leastSquaresDistance.mean == rows[2].leastSquaresDistance.mean)
    #expect(
      try Data(contentsOf: Self.folder.appendingPathComponent("results/two-sided.csv")) == sides)
    // Another run does not overwrite it.
    #expect(throws: ExperimentError.self) {
      try experiment.run(
        out: Self.folder.path, resume: false, progress: ProgressReporter(quiet: true))
    }
    #expect(throws: ExperimentError.self) {
      try MixtureExperiment(ExperimentOptions(preset: .quick, seed: 1)).run(
        out: Self.folder.path, resume: true, progress: ProgressReporter(quiet: true))
    }
  }

  /// Some dimensions and seconds; the networks attacked are none of those whose distances are measured.
  @Test func distancesAndAttacksMayHaveDifferentAlphas() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("mixture-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    var experiment = MixtureExperiment(ExperimentOptions(preset: .quick, seed: 3, repeats: 2))
    experiment.settings.mixture = OrthonormalMixture(
      dimension: 16, subclasses: 4, positive: 2, alpha: 0.1, samples: 100)
    experiment.settings.hiddenWidth = 12
    experiment.settings.initialScale = 1e-3
    experiment.settings.epochs = 20
    experiment.settings.attackedSamples = 12
    experiment.settings.attack = "quick"
    experiment.settings.distance.alphas = [0.05, 0.2]
    experiment.settings.distance.samples = 100
    experiment.settings.distance.ascent.points = 5
    experiment.settings.distance.ascent.steps = 10
    experiment.settings.twoSided = TwoSidedSettings(samples: 3, nodes: 10)
    try experiment.settings.validate()
    #expect(experiment.cells.map(\.alpha) == [0.05, 0.05, 0.1, 0.1, 0.2, 0.2])
    func run(resume: Bool) throws -> ExperimentOutcome {
      try experiment.run(
        out: folder.path, resume: resume, progress: ProgressReporter(quiet: true))
    }
    let first = try run(resume: false)
    struct Summary: Decodable {
      struct Row: Decodable {
        let p: Double
        let alpha: Double?
        let repeats: Int?
      }
      struct Rows: Decodable { let rows: [Row] }
      let results: [Row]
      let distance, twoSided: Rows
    }
    let summary = try JSONDecoder().decode(Summary.self, from: Data(first.summary.utf8))
    #expect(summary.results.map(\.p) == [1, 3] && summary.results.map(\.repeats) == [2, 2])
    #expect(summary.distance.rows.map(\.alpha) == [0.05, 0.2, 0.05, 0.2])
    #expect(summary.twoSided.rows.map(\.p) == [1, 3])
    // Header, and a row for each of two degrees, two alphas and two seeds, or for each proved sample.
    for (name, rows) in [("distance", 9), ("two-sided", 7), ("cells", 7), ("runs", 13)] {
      let text = try String(
        contentsOf: folder.appendingPathComponent("results/\(name).csv"), encoding: .utf8)
      #expect(text.split(separator: "\n").count == rows, "\(name)")
    }
    for name in [
      "networks/p1-seed4", "networks/p3-seed4-alpha0.2000", "results/p3-seed3-samples.csv",
    ] {
      #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent(name).path))
    }
    try FileManager.default.removeItem(
      at: folder.appendingPathComponent("results/runs/p-3_alpha-0.2-seed4.json"))
    let table = try run(resume: true).table
    #expect(table == first.table && table.contains("Distance to the ideal classifier"))
  }
}
