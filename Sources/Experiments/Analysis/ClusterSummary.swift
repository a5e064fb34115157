import Figures
import Foundation
import LinearCore
import Runs
import Studies

/// One row of `results/summary.json`: a degree, averaged over its repeats.
struct ClusterSummary: Codable, Sendable, Equatable {
  /// The degree.
  let p: Double
  /// Mean accuracy without perturbation.
  let cleanAccuracy: Double
  /// Mean radius at which robust accuracy crosses 1/2.
  let medianRadius: Double
  /// The smallest and largest median radius of the repeats.
  let medianRadiusRange: [Double]
  /// ``medianRadius`` under its name of version 0.1, for one version.
  let halfRadius: Double
  /// ``medianRadiusRange`` under its name of version 0.1, for one version.
  let halfRadiusRange: [Double]
  /// What theory predicts, where it does.
  let predictedRadius: Double?
  /// Mean number of neurons that hold 99% of the contributions.
  let effectiveNeurons: Double
  /// Mean numerical rank of the rows ||v_j|| w_j.
  let numericalRank: Double
  /// Mean over repeats of the dominant neurons' median cosine to their closest subclass centre.
  let medianBestCosine: Double
  /// The same to their closest class mean.
  let medianBestClassCosine: Double
  /// Repeats.
  let repeats: Int
  /// The reductions that networks were attacked in, one for each network that was.
  let reductions: [UsedReduction]
  /// Seconds for all repeats; nil in `results/summary.json`, since `timing.json` has them.
  var seconds: Double? = nil

  /// The summary of the repeats of one degree.
  init(_ runs: [ClusterRunResult], predictedRadius: Double?) {
    func mean(_ value: (ClusterRunResult) -> Double) -> Double {
      runs.map(value).reduce(0, +) / Double(runs.count)
    }
    p = runs[0].p
    cleanAccuracy = mean(\.cleanAccuracy)
    medianRadius = mean(\.medianRadius)
    medianRadiusRange = [runs.map(\.medianRadius).min()!, runs.map(\.medianRadius).max()!]
    (halfRadius, halfRadiusRange) = (medianRadius, medianRadiusRange)
    self.predictedRadius = predictedRadius
    effectiveNeurons = mean { Double($0.inspection.effectiveNeurons) }
    numericalRank = mean { Double($0.inspection.numericalRank) }
    medianBestCosine = mean { $0.inspection.medianBestCosine ?? .nan }
    medianBestClassCosine = mean { $0.inspection.medianBestClassCosine ?? .nan }
    repeats = runs.count
    reductions = runs.compactMap(\.reduction)
  }

  /// The header of ``cells``.
  static let header = [
    "p", "accuracy", "median radius", "predicted", "neurons", "rank", "cos subclass", "cos class",
  ]

  /// The row of a table.
  var cells: [String] {
    func text(_ value: Double, _ digits: Int) -> String {
      value.isFinite ? String(format: "%.\(digits)f", value) : "–"
    }
    let exponent = p.degreeText
    let spread =
      repeats > 1
      ? " [\(text(medianRadiusRange[0], 3)), \(text(medianRadiusRange[1], 3))]" : ""
    return [
      exponent, text(cleanAccuracy, 4), text(medianRadius, 4) + spread,
      predictedRadius.map { text($0, 4) } ?? "–", text(effectiveNeurons, repeats > 1 ? 1 : 0),
      text(numericalRank, repeats > 1 ? 1 : 0), text(medianBestCosine, 3),
      text(medianBestClassCosine, 3),
    ]
  }
}

/// `results/summary.json` of an experiment on clustered data.
struct ClusterReport: Codable, Sendable {
  /// The experiment's name.
  let experiment: String
  /// Its preset.
  let preset: Preset
  /// One entry a degree.
  var results: [ClusterSummary]
  /// Reasons not to trust a radius.
  let flags: [String]
  /// Distances to the ideal classifier, where they were measured.
  var distance: DistanceSummary?
  /// Radii bounded from both sides, where they were.
  var twoSided: TwoSidedSummary?

  /// The same with the seconds of its networks.
  func timed(by timing: RunTiming?) -> ClusterReport {
    var result = self
    for index in results.indices {
      let prefix = ClusterRun.name(exponent: results[index].p, seed: 0).dropLast()
      let own = timing?.parts.filter { $0.key.hasPrefix(prefix) }
      result.results[index].seconds = own.map { $0.values.reduce(0, +) }
    }
    return result
  }

  /// What is to be said of reductions; nil where there were none.
  var reductionSentence: String? { UsedReduction.sentence(results.flatMap(\.reductions)) }

  /// The tables for the terminal.
  var terminalTable: String {
    var table = TerminalTable(header: ClusterSummary.header, alignments: nil)
    for row in results { table.append(row.cells) }
    return table.text + (reductionSentence.map { $0 + "\n" } ?? "")
      + (twoSided.map { "\n\($0.text)" } ?? "") + (distance.map { "\n\($0.text)" } ?? "")
  }
}
