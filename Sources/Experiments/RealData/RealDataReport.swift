import Datasets
import Figures
import Foundation
import LinearCore
import Runs
import Studies

/// `results/summary.json` of an experiment on real data.
struct RealDataSummary: Codable, Sendable {
  /// One degree, over its repeats.
  struct Row: Codable, Sendable {
    /// The degree.
    let p: Double
    /// Mean test accuracy, and its standard deviation over repeats.
    let testAccuracy: Statistic
    /// Stable rank of the hidden features of the training data after the last epoch.
    let featureStableRank: Statistic
    /// Stable rank of the hidden weights after the last epoch.
    let weightStableRank: Statistic
    /// Median best cosine of dominant neurons to a subclass mean.
    let medianBestCosine: Statistic
    /// Median best cosine of dominant neurons to a class mean.
    let medianBestClassCosine: Statistic
    /// Robust accuracy by norm and radius.
    let robustAccuracy: [RobustPoint]
    /// The reductions that the networks were attacked in, one for each network and norm that was.
    let reductions: [UsedReduction]
  }

  /// Robust accuracy at one radius of one norm.
  struct RobustPoint: Codable, Sendable {
    /// The norm.
    let norm: Norm
    /// The attack.
    let attack: String
    /// The radius.
    let epsilon: Double
    /// Robust accuracy.
    let accuracy: Statistic
    /// A usual attack that stands beside, and what it alone reports in the first repeat.
    let plainAttack: String?
    /// What the usual attack alone reports in the first repeat.
    let plainAccuracy: Double?
  }

  /// Mean and standard deviation over repeats.
  struct Statistic: Codable, Sendable {
    /// The mean.
    let mean: Double
    /// The sample standard deviation; 0 for one repeat.
    let standardDeviation: Double

    init(_ values: [Double]) {
      let mean = values.reduce(0, +) / Double(values.count)
      self.mean = mean
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      standardDeviation =
        values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : 0
    }

    func text(_ digits: Int) -> String {
      if !mean.isFinite { return "–" }
      let text = String(format: "%.\(digits)f", mean)
      return standardDeviation > 0
        ? "\(text) ± \(String(format: "%.\(digits)f", standardDeviation))" : text
    }
  }

  /// The experiment's name.
  let experiment: String
  /// Its preset.
  let preset: Preset
  /// Repeats of each degree.
  let repeats: Int
  /// Samples attacked.
  let attackedSamples: Int
  /// One row a degree.
  let results: [Row]
  /// The answer in one sentence, computed from the numbers.
  let answer: String
  /// Radii bounded from both sides, where they were.
  let twoSided: TwoSidedSummary?
  /// Reasons not to trust a number.
  let flags: [String]
  /// Seconds for all networks; nil in `results/summary.json`, since `timing.json` has them.
  var seconds: Double? = nil

  /// The same with the seconds of its networks.
  func timed(by timing: RunTiming?) -> RealDataSummary {
    var result = self
    result.seconds = timing.map { $0.parts.values.reduce(0, +) }
    return result
  }
}

/// Figures, tables and text of an experiment on real data.
struct RealDataReport {
  let settings: RealDataSettings
  let title: String
  let results: [RealDataResult]
  let sides: TwoSidedReport?
  let train: Dataset
  let test: Dataset

  /// The finished experiment, ready for a report of its own or a common one.
  struct Part {
    let directory: RunDirectory
    let section: Report.Section
    let table: String
    let content: RealDataSummary
    /// With seconds.
    var timedContent: RealDataSummary { content.timed(by: directory.timing()) }
    var summary: String { JSONText.encode(timedContent) }
    var flags: [String] { content.flags }
  }

  private var figures: RealDataFigures {
    RealDataFigures(results: results, plainAttacks: settings.curves.map(\.plainAttack))
  }

  func part(directory: RunDirectory, figuresLink: String) throws(ExperimentError) -> Part {
    let summary = self.summary
    try directory.write(summary, to: "results/summary.json")
    let sink = FigureSink(directory: directory, link: figuresLink)
    var blocks: [Report.Block] = [
      .paragraph(
        Prose(
          "\(train.count) training and \(test.count) test samples, \(train.classCount) classes; "
            + "\(min(settings.attackedSamples, test.count)) test samples are attacked.")),
      .note(Prose(summary.answer)), .table(table(summary)),
      try sink.figure(
        PanelFigure(
          panels: [
            RealDataFigures.correlation(train, perGroup: 25), figures.accuracy(),
            figures.featureStableRank(), figures.robustness(0),
          ], columns: 2), "panels",
        caption:
          "(a) The training data; (b) accuracy on training data (solid) and test data (dashed); "
          + "(c) stable rank of the hidden features; (d) robust accuracy. "
          + "Bands: range over repeats.",
        alternative: "Correlation of the data, accuracy, stable rank and robust accuracy"),
      try sink.figure(
        figures.weightStableRank(), "stable-rank-weights",
        caption: "Stable rank of the hidden weights W.",
        alternative: "Stable rank of the hidden weights against epochs"),
    ]
    for index in settings.curves.indices.dropFirst() where settings.curves[index].epsilons.count > 3
    {
      blocks.append(
        try sink.figure(
          figures.robustness(index), "robust-accuracy-\(settings.curves[index].norm.rawValue)",
          caption: "Robust accuracy against radius.",
          alternative: "Robust accuracy against radius"))
    }
    if let sides { blocks += try sides.blocks(sink) }
    for text in [plainSentence, UsedReduction.sentence(summary.results.flatMap(\.reductions))] {
      if let text { blocks.append(.paragraph(Prose(text))) }
    }
    for warning in Set(results.compactMap(\.stallWarning) + summary.flags).sorted() {
      blocks.append(.warning(Prose(warning)))
    }
    return Part(
      directory: directory, section: Report.Section(title, blocks),
      table: terminalTable(summary), content: summary)
  }

  // MARK: - Numbers

  private var summary: RealDataSummary {
    let rows = figures.degrees.map { p in
      let runs = results.filter { $0.p == p }
      func statistic(_ value: (RealDataResult) -> Double?) -> RealDataSummary.Statistic {
        .init(runs.map { value($0) ?? .nan })
      }
      return RealDataSummary.Row(
        p: p, testAccuracy: statistic(\.testAccuracy),
        featureStableRank: statistic { $0.epochs.last?.features?.featureStableRank },
        weightStableRank: statistic { $0.epochs.last?.features?.weightStableRank },
        medianBestCosine: statistic(\.inspection.medianBestCosine),
        medianBestClassCosine: statistic(\.inspection.medianBestClassCosine),
        robustAccuracy: settings.curves.indices.flatMap { k in
          settings.curves[k].epsilons.map { epsilon in
            RealDataSummary.RobustPoint(
              norm: settings.curves[k].norm, attack: settings.curves[k].attack, epsilon: epsilon,
              accuracy: statistic { $0.curves[k].accuracy(epsilon) },
              plainAttack: settings.curves[k].plainAttack,
              plainAccuracy: runs.lazy.compactMap { $0.curves[k].plainAccuracy(epsilon) }.first)
          }
        }, reductions: runs.flatMap { $0.curves.compactMap(\.reduction) })
    }
    return RealDataSummary(
      experiment: settings.experiment, preset: settings.preset, repeats: settings.repeats,
      attackedSamples: min(settings.attackedSamples, test.count), results: rows,
      answer: answer(rows), twoSided: sides?.summary,
      flags: results.flatMap(\.flags) + (sides?.summary.violations ?? []))
  }

  /// What the degree changes, in one sentence made from the numbers.
  private func answer(_ rows: [RealDataSummary.Row]) -> String {
    guard let first = rows.first, let last = rows.last, rows.count > 1 else {
      return "One degree only."
    }
    let curve = settings.curves[0]
    // The radius at which the curves lie furthest apart says most.
    let best = first.robustAccuracy.indices.filter { first.robustAccuracy[$0].norm == curve.norm }
      .max {
        abs(last.robustAccuracy[$0].accuracy.mean - first.robustAccuracy[$0].accuracy.mean)
          < abs(last.robustAccuracy[$1].accuracy.mean - first.robustAccuracy[$1].accuracy.mean)
      }!
    let values = rows.map { $0.robustAccuracy[best].accuracy.mean }
    let grows = zip(values, values.dropFirst()).allSatisfy { $0 < $1 }
    let accuracies = rows.map { String(format: "%.1f%%", 100 * $0.testAccuracy.mean) }
    let ranks = rows.map { String(format: "%.1f", $0.featureStableRank.mean) }
    let degrees = rows.map { "\($0.p.degreeText)" }.joined(separator: ", ")
    return
      "For p = \(degrees): test accuracy \(accuracies.joined(separator: ", ")); robust accuracy at "
      + "\(curve.norm.rawValue) radius \(first.robustAccuracy[best].epsilon.rounded(to: 4)) "
      + values.map { String(format: "%.1f%%", 100 * $0) }.joined(separator: ", ")
      + (grows ? " (grows with p)" : " (does not grow throughout)")
      + "; stable rank of the features \(ranks.joined(separator: ", "))."
  }

  /// How far usual attacks alone are off, in the norm and at the radius where they are most.
  private var plainSentence: String? {
    var worst: (excess: Double, text: String)?
    for result in results {
      for (curve, settings) in zip(result.curves, settings.curves) {
        for (plain, honest) in zip(curve.plain ?? [], curve.points) {
          let excess = plain.robustAccuracy - honest.robustAccuracy
          if excess <= worst?.excess ?? -1 { continue }
          let numbers = [plain.robustAccuracy, honest.robustAccuracy].map {
            String(format: "%.1f%%", 100 * $0)
          }
          worst = (
            excess,
            "A usual attack alone, \(settings.plainAttack ?? ""), is furthest off for "
              + "p = \(result.p.degreeText) at \(curve.norm.rawValue) radius \(plain.epsilon.rounded(to: 4)): it "
              + "reports \(numbers[0]) where \(curve.attack) finds \(numbers[1])."
          )
        }
      }
    }
    return worst?.text
  }
}

extension Double {
  /// Rounded to so many decimal places, for texts.
  func rounded(to places: Int) -> Double {
    let factor = pow(10, Double(places))
    return (self * factor).rounded() / factor
  }
}
