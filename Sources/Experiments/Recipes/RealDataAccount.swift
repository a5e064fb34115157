import Datasets
import Figures
import Foundation
import LinearCore
import Runs
import Studies

/// A degree in `results/summary.json`, in the form of version 0.1 except for the statistic of repeats.
struct RealDataRow: Encodable, Sendable {
  struct Point: Encodable, Sendable {
    let norm: Norm
    let attack: String
    let epsilon: Double
    let accuracy: MeanInterval
    /// A usual attack, and what it alone reports in the first repeat.
    let plainAttack: String?
    let plainAccuracy: Double?
  }

  let p: Double
  let testAccuracy, featureStableRank, weightStableRank: MeanInterval
  let medianBestCosine, medianBestClassCosine: MeanInterval
  /// At all radii, tabulated or not.
  let robustAccuracy: [Point]
  let reductions: [UsedReduction]
}

/// Figure 4 of Min and Vidal (ICML 2024), with more radii.
extension RealDataExperiment {
  func account(of results: Results) throws(ExperimentError) -> Account {
    let (train, test) = (results.source.train, results.source.test)
    let attacked = min(settings.attackedSamples, test.count)
    let rows = cells.map { row($0, results) }
    let attacks = settings.curves.map { "\($0.attack) (\($0.norm.rawValue))" }
    let proved = results.runs.compactMap { $0[0].values.twoSided }
    let sides = settings.twoSided.map { TwoSidedReport(proved, settings: $0) }
    var details: [String: any Encodable & Sendable] = [
      "results": rows, "attackedSamples": attacked, "repeats": settings.repeats,
    ]
    if let sides { details["twoSided"] = sides.summary }
    var sections: [AccountSection] = []
    if let sides { sections.append(try sides.section(in: results.directory)) }
    sections.append(remarks(results, rows))
    return Account(
      title: title,
      subtitle: "Preset \(settings.preset.rawValue): data \(settings.data), labels "
        + "\(settings.labels), width \(settings.hiddenWidth), Adam \(settings.learningRate), batch "
        + "\(settings.batchSize), \(settings.epochs) epochs, \(settings.repeats) repeat(s)",
      introduction: Prose(
        "\(train.count) training and \(test.count) test samples, \(train.classCount) classes; "
          + "\(attacked) test samples are attacked. Rank: stable rank of hidden features H of the "
          + "training data and of the weights W. Cos: median cosine of the dominant neurons to the "
          + "closest subclass and class mean. Right: robust accuracy under "
          + attacks.joined(separator: ", ") + "."),
      answer: answer(rows), figures: figures(results), sections: sections,
      flags: sides?.summary.violations ?? [], details: details)
  }

  private func row(_ cell: DegreeCell, _ results: Results) -> RealDataRow {
    let values = results.values(cell)
    func mean(_ metric: Metric<Values>) -> MeanInterval { results.interval(metric, cell) }
    return RealDataRow(
      p: cell.p, testAccuracy: mean(Values.testAccuracy),
      featureStableRank: mean(Values.featureStableRank),
      weightStableRank: mean(Values.weightStableRank),
      medianBestCosine: mean(Values.subclassCosine),
      medianBestClassCosine: mean(Values.classCosine),
      robustAccuracy: settings.curves.enumerated().flatMap { number, curve in
        curve.epsilons.enumerated().map { place, epsilon in
          RealDataRow.Point(
            norm: curve.norm, attack: curve.attack, epsilon: epsilon,
            accuracy: mean(Values.robustAccuracy(number, place, of: settings)),
            plainAttack: curve.plainAttack,
            plainAccuracy: values.first?.curves[number].plain?[place + 1])
        }
      }, reductions: values.flatMap { $0.curves.compactMap(\.reduction) })
  }

  /// What the degree changes. The radius at which the curves of the first and the last degree lie furthest apart
  /// says most.
  private func answer(_ rows: [RealDataRow]) -> String {
    func accuracy(_ row: RealDataRow, _ place: Int) -> Double {
      row.robustAccuracy[place].accuracy.mean ?? .nan
    }
    func gap(_ place: Int) -> Double {
      abs(accuracy(rows[rows.count - 1], place) - accuracy(rows[0], place))
    }
    func percent(_ values: [Double]) -> String {
      values.map { String(format: "%.1f%%", 100 * $0) }.joined(separator: ", ")
    }
    let curve = settings.curves[0]
    let best = curve.epsilons.indices.max { gap($0) < gap($1) }!
    let robust = rows.map { accuracy($0, best) }
    let grows = zip(robust, robust.dropFirst()).allSatisfy { $0 < $1 }
    let ranks = rows.map { String(format: "%.1f", $0.featureStableRank.mean ?? .nan) }
    return "For p = \(rows.map(\.p.degreeText).joined(separator: ", ")): test accuracy "
      + percent(rows.map { $0.testAccuracy.mean ?? .nan }) + "; robust accuracy at "
      + "\(curve.norm.rawValue) radius \(curve.epsilons[best].shortText) " + percent(robust)
      + (rows.count < 2 ? "" : grows ? " (grows with p)" : " (does not grow throughout)")
      + "; stable rank of the features \(ranks.joined(separator: ", "))."
  }

  /// How far usual attacks alone are off, reductions, and trainings that stalled.
  private func remarks(_ results: Results, _ rows: [RealDataRow]) -> AccountSection {
    let sentences = [plainSentence(results), UsedReduction.sentence(rows.flatMap(\.reductions))]
    let warnings = Set(results.runs.joined().compactMap(\.values.stallWarning)).sorted()
    return AccountSection(
      blocks: sentences.compactMap { $0.map { .paragraph(Prose($0)) } }
        + warnings.map { .warning(Prose($0)) })
  }

  /// How far usual attacks alone are off, in the norm and at the radius where they are most.
  private func plainSentence(_ results: Results) -> String? {
    var worst = -1.0
    var text: String?
    for cell in cells {
      for (found, curve) in zip(results.values(cell).first?.curves ?? [], settings.curves) {
        let radii = [0] + curve.epsilons
        for (radius, (plain, honest)) in zip(radii, zip(found.plain ?? [], found.accuracy))
        where plain - honest > worst {
          worst = plain - honest
          text =
            "A usual attack alone, \(curve.plainAttack ?? ""), is furthest off for "
            + "p = \(cell.p.degreeText) at \(curve.norm.rawValue) radius \(radius.shortText): it "
            + String(format: "reports %.1f%% where ", 100 * plain) + curve.attack
            + String(format: " finds %.1f%%.", 100 * honest)
        }
      }
    }
    return text
  }

  // MARK: - Figures

  private func figures(_ results: Results) -> [AccountFigure] {
    let panels = AccountFigure(
      "panels",
      PanelFigure(
        panels: [
          results.source.train.correlation(perGroup: 25), accuracy(results),
          stableRank("Stable rank of the hidden features", \.featureStableRanks, results),
          robustness(0, results),
        ], columns: 2),
      caption:
        "(a) The training data; (b) accuracy on training data (solid) and test data (dashed); "
        + "(c) stable rank of the hidden features; (d) robust accuracy. Bands: 95% intervals.",
      alternative: "Correlation of the data, accuracy, stable rank and robust accuracy")
    let weights = AccountFigure(
      "stable-rank-weights",
      stableRank("Stable rank of the hidden weights", \.weightStableRanks, results),
      caption: "Stable rank of the hidden weights W.",
      alternative: "Stable rank of the hidden weights against epochs")
    let others = settings.curves.indices.dropFirst()
      .filter { settings.curves[$0].epsilons.count > 3 }
    return [panels, weights]
      + others.map {
        AccountFigure(
          "robust-accuracy-\(settings.curves[$0].norm.rawValue)", robustness($0, results),
          caption: "Robust accuracy against radius.",
          alternative: "Robust accuracy against radius")
      }
  }

  /// A line a degree, each of its own colour.
  private func lines(
    _ curve: KeyPath<Values, [Double]>, x: [Double], dash: Series.Dash = .solid,
    _ results: Results, label: (String) -> String = { $0 }
  ) -> [Series] {
    zip(cells, 0...).map { cell, number in
      results.series(
        label("p = \(cell.p.degreeText)"), curve: curve, cell: cell, x: x, dash: dash,
        colour: .category(number))
    }
  }

  private var epochs: [Double] { (1...settings.epochs).map(Double.init) }

  private func accuracy(_ results: Results) -> LineChart {
    let train = lines(\.trainAccuracies, x: epochs, results) { $0 + ", train" }
    let test = lines(\.testAccuracies, x: epochs, dash: .dashed, results) { _ in "test" }
    let series = zip(train, test).flatMap { [$0, $1] }
    let least = series.flatMap(\.y).filter(\.isFinite).min() ?? 0
    return LineChart(
      title: "Accuracy", x: Axis("epoch"),
      y: Axis("accuracy", range: max(0, (least * 20).rounded(.down) / 20)...1.002), series: series,
      legend: .below)
  }

  private func stableRank(_ title: String, _ curve: KeyPath<Values, [Double]>, _ results: Results)
    -> LineChart
  {
    LineChart(
      title: title, x: Axis("epoch"), y: Axis("stable rank"),
      series: lines(curve, x: epochs, results), legend: .below)
  }

  /// The attack, and what a usual one alone reports where it is off by more than 2% somewhere.
  private func robustness(_ number: Int, _ results: Results) -> LineChart {
    let curve = settings.curves[number]
    let radii = [0] + curve.epsilons
    let plain = zip(cells, 0...).compactMap { cell, place -> Series? in
      guard let found = results.values(cell).first?.curves[number], let plain = found.plain,
        zip(plain, found.accuracy).contains(where: { $0 > $1 + 0.02 })
      else { return nil }
      return Series(
        "p = \(cell.p.degreeText), \(curve.plainAttack ?? "") alone (too weak)", x: radii, y: plain,
        style: .line, dash: .dashed, colour: .category(place))
    }
    return LineChart(
      title: "Robust accuracy, \(curve.attack)", x: Axis("\(curve.norm.rawValue) radius"),
      y: Axis("robust accuracy", range: 0...1.02),
      series: lines(\.curves[number].accuracy, x: radii, results) + plain, legend: .below)
  }
}

extension Colour {
  fileprivate static func category(_ number: Int) -> Colour {
    categories[number % categories.count]
  }
}

extension Dataset {
  /// Cosines between centred samples, sorted by subclass within class: `perGroup` samples of each.
  fileprivate func correlation(perGroup: Int) -> Heatmap {
    let groups = groups ?? labels
    let classes = groupLabels ?? Array(0..<classCount)
    var rows: [Int] = []
    var dividers: [Int] = []
    var last: Int?
    for group in classes.indices.sorted(by: { (classes[$0], $0) < (classes[$1], $1) }) {
      if let last, last != classes[group] { dividers.append(rows.count) }
      last = classes[group]
      rows += groups.indices.lazy.filter { groups[$0] == group }.prefix(perGroup)
    }
    var sample = inputs
    sample.subtractFromRows(inputs.columnMeans())
    let unit = sample.rows(at: rows).rowsNormalized()
    let cosines = Matrix.product(unit, unit, transposeB: true)
    return Heatmap(
      title: "Cosines of centred samples, by class and subclass",
      values: (0..<cosines.rows).map { cosines.row($0).map { Double($0) } }, rowLabels: [],
      columnLabels: [], rowTitle: "sample", columnTitle: "sample", valueTitle: "cosine",
      range: -1...1, colours: .diverging, rowDividers: dividers, columnDividers: dividers,
      showsValues: false)
  }
}
