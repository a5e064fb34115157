import Figures
import Foundation
import LinearCore

/// One row of `results/summary.json`: a degree, averaged over its repeats.
public struct ClusterSummary: Codable, Sendable, Equatable {
  /// The degree.
  public let p: Double
  /// Mean accuracy without perturbation.
  public let cleanAccuracy: Double
  /// Mean radius at which robust accuracy crosses 1/2.
  public let halfRadius: Double
  /// The smallest and largest half radius of the repeats.
  public let halfRadiusRange: [Double]
  /// What theory predicts, where it does.
  public let predictedRadius: Double?
  /// Mean number of neurons that hold 99% of the contributions.
  public let effectiveNeurons: Double
  /// Mean numerical rank of the rows ||v_j|| w_j.
  public let numericalRank: Double
  /// Mean over repeats of the dominant neurons' median cosine to their closest subclass centre.
  public let medianBestCosine: Double
  /// The same to their closest class mean.
  public let medianBestClassCosine: Double
  /// Repeats.
  public let repeats: Int
  /// The reductions that networks were attacked in, one for each network that was.
  public let reductions: [UsedReduction]
  /// Seconds for all repeats; nil in `results/summary.json`, since `timing.json` has them.
  public var seconds: Double? = nil

  /// The summary of the repeats of one degree.
  init(_ runs: [ClusterRunResult], predictedRadius: Double?) {
    func mean(_ value: (ClusterRunResult) -> Double) -> Double {
      runs.map(value).reduce(0, +) / Double(runs.count)
    }
    p = runs[0].p
    cleanAccuracy = mean(\.cleanAccuracy)
    halfRadius = mean(\.halfRadius)
    halfRadiusRange = [runs.map(\.halfRadius).min()!, runs.map(\.halfRadius).max()!]
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
    "p", "accuracy", "half radius", "predicted", "neurons", "rank", "cos subclass", "cos class",
  ]

  /// The row of a table.
  var cells: [String] {
    func text(_ value: Double, _ digits: Int) -> String {
      value.isFinite ? String(format: "%.\(digits)f", value) : "–"
    }
    let exponent = p == p.rounded() ? "\(Int(saturating: p))" : "\(p)"
    let spread =
      repeats > 1
      ? " [\(text(halfRadiusRange[0], 3)), \(text(halfRadiusRange[1], 3))]" : ""
    return [
      exponent, text(cleanAccuracy, 4), text(halfRadius, 4) + spread,
      predictedRadius.map { text($0, 4) } ?? "–", text(effectiveNeurons, repeats > 1 ? 1 : 0),
      text(numericalRank, repeats > 1 ? 1 : 0), text(medianBestCosine, 3),
      text(medianBestClassCosine, 3),
    ]
  }
}

/// `results/summary.json` of an experiment on clustered data.
public struct ClusterReport: Codable, Sendable {
  /// The experiment's name.
  public let experiment: String
  /// Its preset.
  public let preset: Preset
  /// One entry a degree.
  public var results: [ClusterSummary]
  /// Reasons not to trust a radius.
  public let flags: [String]
  /// Distances to the ideal classifier, where they were measured.
  public var distance: DistanceSummary?
  /// Radii bounded from both sides, where they were.
  public var twoSided: TwoSidedSummary?

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
