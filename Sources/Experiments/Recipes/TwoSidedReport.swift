import Figures
import Foundation
import Runs
import Studies

/// Tables and figure of two-sided radii, those of the first repeat of every degree.
struct TwoSidedReport {
  /// One network a degree, by degree.
  let results: [TwoSidedRadii]
  let summary: TwoSidedSummary
  /// The end of the figure's axis.
  private let largest: Double

  /// - Parameter attacks: for each result the radii of the experiment's own attack on the same samples; they
  ///   may stay in the range of valid values. Empty where they are not at hand.
  init(_ results: [TwoSidedRadii], settings: TwoSidedSettings, attacks: [[Double]] = []) {
    self.results = results
    let radii = results.flatMap { $0.samples.map(\.upper) }.filter(\.isFinite).sorted()
    let typical = radii.isEmpty ? 0 : radii[radii.count * 97 / 100]
    // Where nearly all samples are misclassified, nearly all radii are 0.
    let largest = typical > 0 ? 1.1 * typical : 1.1
    self.largest = largest
    summary = TwoSidedSummary(
      rows: results.map {
        TwoSidedSummary.Row($0, epsilons: (0...20).map { largest * Double($0) / 20 })
      }, settings: settings,
      violations: results.enumerated().flatMap { number, result in
        result.violations(of: number < attacks.count ? attacks[number] : [])
      })
  }

  private static let smoothedColour = Colour(0x555555)

  /// A panel a degree: attacked and certified accuracy of the same samples, and shaded between them what is
  /// not known.
  func figure(references: [ReferenceLine]) -> PanelFigure {
    let epsilons = (0...150).map { Double($0) / 150 * largest }
    return PanelFigure(
      panels: results.enumerated().map { number, result in
        let colour = Colour.categories[number % Colour.categories.count]
        let attacked = epsilons.map(result.attackedAccuracy)
        let certified = epsilons.map(result.certifiedAccuracy)
        var series = [
          Series(
            "attacked", x: epsilons, y: attacked, band: .init(lower: certified, upper: attacked),
            colour: colour),
          Series("certified", x: epsilons, y: certified, dash: .dashed, colour: colour),
        ]
        if result.hasSmoothing {
          series.append(
            Series(
              "smoothed, another classifier", x: epsilons,
              y: epsilons.map { result.smoothedAccuracy($0)! }, dash: .dotted,
              colour: Self.smoothedColour))
        }
        return LineChart(
          title: "p = \(result.p.formatted()), \(result.samples.count) samples",
          x: Axis("l2 radius", range: 0...largest), y: Axis("accuracy", range: 0...1.02),
          series: series, references: references, legend: .below)
      }, columns: 2)
  }

  /// Table and figure for an account. Writes the radii of single samples as `results/two-sided.csv`.
  func section(in directory: RunDirectory, references: [ReferenceLine] = [])
    throws(ExperimentError) -> AccountSection
  {
    _ = try directory.folder("results")
    do {
      try TwoSidedRadii.table(results).write(to: directory.path("results/two-sided.csv"))
    } catch { throw ExperimentError(error) }
    let caption = Prose(
      "l2 radii from both sides, for the first attacked samples of the first repeat: what "
        + "branch and bound proves, what attacks find for the same samples, and how far apart the two "
        + "are (\(summary.effort)). Perturbations may leave the range of valid values."
        + (summary.smoothingSentence.map { " " + $0 } ?? ""))
    return AccountSection(
      blocks: [
        .table(Account.Table(caption: caption, header: summary.header, rows: summary.cells).report)
      ],
      figures: [
        AccountFigure(
          "two-sided", figure(references: references),
          caption:
            "Certified and attacked accuracy of the same samples against the l2 radius. The true curve "
            + "lies in the shaded band between them.",
          alternative: "Certified accuracy below attacked accuracy, for each degree")
      ], text: summary.text)
  }
}
