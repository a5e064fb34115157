import Figures
import Formats
import Foundation
import LinearCore
import Runs
import Studies

/// Curves, table and file of radii of deep networks that are bounded from both sides.
struct DeepTwoSidedReport<Kind: GridExperiment> {
  typealias Cell = Kind.Cell

  /// A norm, and where a run keeps its radii; nil where no bounds of the network are known.
  struct Side: Sendable {
    let norm: Norm
    let radii: @Sendable (Kind.Values) -> TwoSidedRadii?
  }

  let results: GridResults<Kind>
  let settings: DeepTwoSidedSettings
  let sides: [Side]

  /// The radii of the runs of a cell that have not failed, where they were proved.
  func radii(_ cell: Cell, _ side: Side) -> [TwoSidedRadii] {
    results.values(cell).compactMap(side.radii)
  }

  /// Means over seeds of the medians; nil where nothing was proved.
  func medians(_ cell: Cell, _ side: Side) -> (proved: Double, attacked: Double)? {
    let radii = radii(cell, side)
    guard let proved = MeanInterval(radii.map(\.medianLower)).mean,
      let attacked = MeanInterval(radii.map(\.medianUpper)).mean
    else { return nil }
    return (proved, attacked)
  }

  /// "0.688 / 0.694", proved and attacked.
  func text(_ cell: Cell, _ side: Side) -> String {
    guard let medians = medians(cell, side) else { return "–" }
    let digits = side.norm == .linf ? 4 : 3
    return String(format: "%.\(digits)f / %.\(digits)f", medians.proved, medians.attacked)
  }

  /// Whether anything was proved.
  var isEmpty: Bool {
    results.cells.allSatisfy { cell in sides.allSatisfy { radii(cell, $0).isEmpty } }
  }

  /// How many samples, and when a search ends.
  var effort: String {
    let limits =
      [
        settings.nodes == 1
          ? "linear bounds of whole balls" : "at most \(settings.nodes) parts of a ball"
      ]
      + (settings.seconds.map { ["at most \($0.formatted()) s a sample"] } ?? [])
    return "the first \(settings.samples) attacked samples of the first seed, "
      + limits.joined(separator: ", ")
  }

  // MARK: - Curves

  /// Proved and attacked accuracy of the same samples, and shaded between them what is not known; nil
  /// where nothing was proved for any of the cells.
  func panel(_ title: String, _ side: Side, _ lines: [(label: String, cell: Cell)])
    -> LineChart?
  {
    let pooled = lines.map { line in radii(line.cell, side).flatMap(\.samples) }
    let attacked = pooled.joined().map(\.upper).filter { $0.isFinite && $0 > 0 }.sorted()
    guard !pooled.allSatisfy(\.isEmpty) else { return nil }
    let largest = attacked.isEmpty ? 1 : 1.1 * attacked[attacked.count * 97 / 100]
    let epsilons = (0...150).map { Double($0) / 150 * largest }
    var series: [Series] = []
    for (number, (line, samples)) in zip(lines, pooled).enumerated() where !samples.isEmpty {
      let radii = TwoSidedRadii(p: .nan, seed: 0, samples: samples)
      let (upper, lower) = (
        epsilons.map(radii.attackedAccuracy), epsilons.map(radii.certifiedAccuracy)
      )
      let colour = Colour.categories[number % Colour.categories.count]
      series += [
        Series(
          "\(line.label), attacked", x: epsilons, y: upper,
          band: .init(lower: lower, upper: upper), colour: colour),
        Series("\(line.label), proved", x: epsilons, y: lower, dash: .dashed, colour: colour),
      ]
    }
    return LineChart(
      title: title, x: Axis("\(side.norm.rawValue) radius", range: 0...largest),
      y: Axis("robust accuracy", range: 0...1.02), series: series, legend: .below)
  }

  /// A figure of panels; nil where there are none.
  func figure(_ name: String, _ panels: [LineChart?], columns: Int, about: String) -> AccountFigure?
  {
    // More do not fit into a figure.
    let panels = panels.compactMap(\.self).prefix(26)
    if panels.isEmpty { return nil }
    return AccountFigure(
      name, PanelFigure(panels: Array(panels), columns: min(columns, panels.count)),
      caption: Prose(
        "\(about) Robust accuracy of the same samples, attacked (solid) and proved (dashed): \(effort). "
          + "The true curve lies in the shaded band between them."),
      alternative: "Proved accuracy below attacked accuracy against the radius")
  }

  // MARK: - Tables

  /// Table and figures for an account. Writes the radii of single samples as `results/two-sided.csv`.
  ///
  /// - Parameters:
  ///   - header: that of the rows.
  ///   - rows: words and ``text(_:_:)``.
  func section(header: [String], rows: [[String]], figures: [AccountFigure?])
    throws(ExperimentError) -> AccountSection
  {
    if settings.samples == 0 { return AccountSection() }
    try results.directory.write(text: samples.text, to: "results/two-sided.csv")
    let caption =
      isEmpty
      ? "Nothing was proved: no bounds of any of these networks are known."
      : "Median radius, proved / attacked, of the same samples (\(effort)). "
        + "\"–\" where training failed, and for networks of which no bounds are known."
    if isEmpty { return AccountSection(blocks: [.paragraph(Prose(caption))], text: caption + "\n") }
    let table = Account.Table(caption: Prose(caption), header: header, rows: rows)
    return AccountSection(
      blocks: [.table(table.report)], figures: figures.compactMap(\.self),
      text: "\(caption)\n\n\(table.terminal)")
  }

  /// A row a sample, cells in their order.
  private var samples: CSVRows {
    let names = results.cells.first?.parameters.map(\.name) ?? []
    var table = CSVRows(
      header: names + ["seed", "norm", "index", "label", "proved", "attacked", "status", "parts"])
    for cell in results.cells {
      for side in sides {
        for radii in radii(cell, side) {
          for sample in radii.samples {
            table.append(
              cell.parameters.map(\.csv) + [
                .text("\(radii.seed)"), .text(side.norm.rawValue), .integer(sample.index),
                .integer(sample.label), .number(sample.lower), .number(sample.upper),
                .text(sample.status.rawValue), .integer(sample.nodes),
              ])
          }
        }
      }
    }
    return table
  }

  /// Proofs of more than an attack allows.
  var violations: [String] {
    results.cells.flatMap { cell in
      sides.flatMap { side in
        radii(cell, side).flatMap { radii in
          radii.violations(norm: side.norm).map { "\(cell.title), seed \(radii.seed): \($0)" }
        }
      }
    }
  }
}

extension TwoSidedRadii {
  /// Medians of a run, with keys that end in the same word.
  static func metrics(_ suffix: String = "", heading: String = "", digits: Int = 3)
    -> [Metric<TwoSidedRadii>]
  {
    let name = heading.isEmpty ? "" : " \(heading)"
    return [
      Metric(\.medianLower, "medianProved\(suffix)", heading: "proved\(name)", digits: digits),
      Metric(
        \.medianUpper, "medianAttacked\(suffix)", heading: "same, attacked", digits: digits),
    ]
  }
}
