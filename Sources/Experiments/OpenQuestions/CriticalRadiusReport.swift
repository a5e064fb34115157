import Figures
import Foundation
import Runs
import Studies
import Theory

/// What ``CriticalRadiusExperiment`` makes of its results.
struct CriticalRadiusReport {
  typealias Cell = CriticalRadiusExperiment.Cell

  let experiment: CriticalRadiusExperiment
  let results: SweepResults<Cell>

  private var settings: CriticalRadiusExperiment.Settings { experiment.settings }

  var account: SweepAccount {
    SweepAccount(
      title: "The critical radius of trained networks",
      subtitle: "Preset \(settings.preset.rawValue): D = \(settings.dimension), half of the K "
        + "subclasses in each class, \(settings.samplesPerSubclass) samples and "
        + "\(settings.neuronsPerSubclass) neurons a subclass, gradient flow of the exponential loss "
        + "from weights of 1e-7; \(settings.attackedSamples) test samples, at most "
        + "\(settings.certified.nodes) boxes each",
      introduction:
        "An attack bounds the distance of a sample to the decision boundary from above; branch and "
        + "bound proves a bound from below, which holds for the trained network itself. The law is "
        + "that of the ideal classifiers without noise: 1/√K for p = 1, then sqrt(c/(1+c)) with "
        + "c = (K/2)^(1-2/p), and √2/2 from p = 2 on.",
      answer: answer, findings: findings,
      figures: [
        SweepFigure(
          "radius-against-degree", degreeFigure, caption: Prose(caption),
          alternative: "Proved and attacked median radius against p with the closed form"),
        SweepFigure(
          "radius-against-noise", noiseFigure,
          caption: Prose(caption + " The law is that without noise."),
          alternative: "Proved and attacked median radius against alpha with the closed form"),
        SweepFigure(
          "radius-against-subclasses", subclassFigure, caption: Prose(caption),
          alternative: "Proved and attacked median radius against K with the closed form"),
      ])
  }

  private let caption =
    "Median over the test samples of what is proved and of what is attacked, mean over seeds; the true "
    + "median lies in the shaded band between them."

  private func lower(_ cell: Cell) -> MeanInterval {
    results.interval(CertifiedMeasurement.lower.key, cell)
  }
  private func upper(_ cell: Cell) -> MeanInterval {
    results.interval(CertifiedMeasurement.upper.key, cell)
  }

  // MARK: Figures

  /// The law as a line, what is proved as a line with the band up to what is attacked, and the latter as
  /// points, all in one colour.
  private func lines(
    _ name: String, _ cells: [Cell], colour: Int, law: (x: [Double], y: [Double]),
    x: (Cell) -> Double
  ) -> [Series] {
    let sorted = cells.sorted { x($0) < x($1) }
    let proved = sorted.map { lower($0).mean ?? .nan }
    let attacked = sorted.map { upper($0).mean ?? .nan }
    let colour = Colour.categories[colour % Colour.categories.count]
    return [
      Series(
        name + "proved", x: sorted.map(x), y: proved, band: .init(lower: proved, upper: attacked),
        colour: colour),
      Series(name + "attacked", x: sorted.map(x), y: attacked, style: .points, colour: colour),
      Series(name + "law", x: law.x, y: law.y, dash: .dashed, colour: colour),
    ]
  }

  private var degreeFigure: LineChart {
    let end = settings.degrees.max() ?? 4
    let grid = (0...200).map { 1 + (end - 1) * Double($0) / 200 }
    // At p = 1 itself the law is that of F, not of F^(1).
    let law = grid.dropFirst().map {
      Cell(p: $0, alpha: settings.alpha, subclasses: settings.subclasses).law
    }
    return LineChart(
      title: "alpha = \(settings.alpha), K = \(settings.subclasses)", x: Axis("degree p"),
      y: Axis("median l2 radius"),
      series: lines("", experiment.degreeCells, colour: 0, law: (Array(grid.dropFirst()), law)) {
        $0.p
      },
      references: [
        .horizontal(CriticalRadius.relu(subclasses: settings.subclasses), label: "1/√K"),
        .horizontal(CriticalRadius.optimal, label: "√2/2"),
      ])
  }

  private var noiseFigure: LineChart {
    LineChart(
      title: "K = \(settings.subclasses)", x: Axis("alpha", scale: .logarithmic),
      y: Axis("median l2 radius"),
      series: settings.comparedDegrees.enumerated().flatMap { index, p in
        let cells = experiment.noiseCells(p)
        return lines(
          "p = \(p.formatted()), ", cells, colour: index,
          law: (cells.map(\.alpha), cells.map(\.law))
        ) { $0.alpha }
      })
  }

  private var subclassFigure: LineChart {
    LineChart(
      title: "alpha = \(settings.alpha)", x: Axis("subclasses K", scale: .logarithmic),
      y: Axis("median l2 radius"),
      series: settings.comparedDegrees.enumerated().flatMap { index, p in
        let ends = (settings.subclassCounts.min() ?? 2, settings.subclassCounts.max() ?? 2)
        let law = (ends.0...ends.1).map { Cell(p: p, alpha: settings.alpha, subclasses: $0) }
        return lines(
          "p = \(p.formatted()), ", experiment.subclassCells(p), colour: index,
          law: (law.map { Double($0.subclasses) }, law.map(\.law))
        ) { Double($0.subclasses) }
      })
  }

  // MARK: Words

  /// The relative distance of the interval [lower, upper] to the law, with its sign; 0 where it holds the law.
  private func deviation(_ cell: Cell) -> Double? {
    guard let lower = lower(cell).mean, let upper = upper(cell).mean else { return nil }
    return lower > cell.law
      ? lower / cell.law - 1 : upper < cell.law ? upper / cell.law - 1 : 0
  }

  /// The share of the law by which a radius may be off.
  private static let closeness = 0.05

  /// Whether both sides are next to the law.
  private func isClose(_ cell: Cell) -> Bool {
    guard let lower = lower(cell).mean, let upper = upper(cell).mean else { return false }
    return lower >= (1 - Self.closeness) * cell.law && upper <= (1 + Self.closeness) * cell.law
  }

  private var findings: [String: SweepAccount.MeanOrNumber] {
    var findings: [String: SweepAccount.MeanOrNumber] = [:]
    for cell in experiment.cells {
      findings["deviation from the law at \(cell.title)"] = deviation(cell).map { .number($0) }
    }
    return findings
  }

  /// "0.7031 to 0.7038 (law 0.7071)".
  private func text(_ cell: Cell) -> String? {
    guard let lower = lower(cell).mean, let upper = upper(cell).mean else { return nil }
    return String(format: "%.4f to %.4f (law %.4f)", lower, upper, cell.law)
  }

  private func list(_ cells: [Cell], _ place: (Cell) -> String) -> String {
    cells.compactMap { cell in text(cell).map { "\($0) at \(place(cell))" } }
      .joined(separator: ", ")
  }

  private var answer: String {
    let measured = experiment.cells.filter { lower($0).mean != nil }
    guard !measured.isEmpty else { return "No network was fitted in the time given." }
    var sentences = [
      "The median distance to the decision boundary lies within "
        + list(experiment.degreeCells) { "p = \($0.p.formatted())" }
        + " with alpha = \(settings.alpha) and K = \(settings.subclasses)"
    ]
    for p in settings.comparedDegrees {
      sentences.append(
        "With p = \(p.formatted()) it lies within "
          + list(experiment.noiseCells(p)) { "alpha = \($0.alpha)" } + ", and within "
          + list(experiment.subclassCells(p)) { "K = \($0.subclasses)" })
    }
    let close = measured.filter(isClose)
    let missed = measured.filter { abs(deviation($0) ?? 0) > Self.closeness }
    sentences.append(
      "The law is proved to hold to 5% in \(close.count) of \(measured.count) cases"
        + exceptions(missed))
    let open = measured.count - close.count - missed.count
    if open > 0 { sentences.append("In \(open) cases the proof leaves it open") }
    sentences.append(precision)
    let failed = experiment.cells.reduce(0) { $0 + results.failures($1) }
    if failed > 0 {
      sentences.append(
        "\(failed) of \(experiment.cells.count * results.seeds.count) runs did not fit their data and "
          + "count nowhere")
    }
    return sentences.map { $0 + "." }.joined(separator: " ")
  }

  private func exceptions(_ cells: [Cell]) -> String {
    if cells.isEmpty { return "" }
    return "; it is missed by at least "
      + cells.map { cell in
        String(format: "%+.0f%%", 100 * (deviation(cell) ?? 0)) + " at \(cell.title)"
      }.joined(separator: "; ")
  }

  /// How much is left open between both sides.
  private var precision: String {
    let runs = experiment.cells.flatMap { results.successes($0) }
    func values(_ metric: SweepMetric) -> [Double] {
      runs.map { $0.metrics[metric.key] ?? .nan }.filter(\.isFinite)
    }
    let exact = values(CertifiedMeasurement.exactShare)
    let tolerance = String(format: "%g%%", 100 * settings.certified.gap)
    var text = String(
      format: "Of the samples classified correctly %.1f%% are exact, which means to %@",
      100 * exact.reduce(0, +) / Double(max(1, exact.count)), tolerance)
    if let gap = values(CertifiedMeasurement.largestGap).max() {
      text += String(format: "; the largest gap of all samples is %.2f%%", 100 * gap)
    }
    return text
  }
}
