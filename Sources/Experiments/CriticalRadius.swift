import Datasets
import Figures
import Foundation
import Runs
import Theory
import Training

/// How far samples really are from the decision boundary of trained networks: radii bounded from both sides against the
/// degree, the noise and the number of subclasses, beside the closed form for the ideal classifiers.
struct CriticalRadiusExperiment: GridExperiment {
  typealias Cell = SubclassCell
  typealias Values = TrainingValues<CertifiedValues>

  static let name = "critical-radius"
  static let summary =
    "proved and attacked radius of trained networks against p, alpha and K, beside the closed form"

  struct Settings: ExperimentSettings {
    var experiment = CriticalRadiusExperiment.name
    var preset: Preset
    var seed: UInt64
    var repeats: Int
    var degrees = [1, 1.5, 2, 2.5, 3, 4]
    var alphas = [0.01, 0.05, 0.1, 0.2]
    var subclassCounts = [4, 10, 20]
    /// The degrees at which alpha and K are varied.
    var comparedDegrees = [1.0, 3]
    /// The noise while something else is varied.
    var alpha = 0.05
    /// The number of subclasses while something else is varied.
    var subclasses = 10
    var dimension: Int
    var samplesPerSubclass: Int
    /// From p = 2 on every subclass needs a neuron of its own with the right sign of its output weight.
    var neuronsPerSubclass: Int
    var flow = FlowConfiguration(tolerance: 1e-3, endTime: 1e5, maximumSteps: 100_000)
    var attackedSamples: Int
    var certified: CertifiedStudy

    func degreeCell(_ p: Double) -> Cell { Cell(p: p, alpha: alpha, subclasses: subclasses) }
    func noiseCells(_ p: Double) -> [Cell] {
      alphas.map { Cell(p: p, alpha: $0, subclasses: subclasses) }
    }
    func subclassCells(_ p: Double) -> [Cell] {
      subclassCounts.map { Cell(p: p, alpha: alpha, subclasses: $0) }
    }

    /// The three lines through the common case, which is there once.
    var cells: [Cell] {
      let all =
        degrees.map(degreeCell) + comparedDegrees.flatMap(noiseCells)
        + comparedDegrees.flatMap(subclassCells)
      var found = Set<Cell>()
      return all.filter { found.insert($0).inserted }
    }

    func validate() throws(ExperimentError) {
      let check = SettingsCheck()
      try check.repeats(repeats)
      try check.degrees("degrees", degrees)
      try check.degrees("comparedDegrees", comparedDegrees)
      try check.alphas("alphas", alphas)
      try check.alphas("alpha", [alpha])
      for (name, value) in [
        ("samplesPerSubclass", samplesPerSubclass), ("neuronsPerSubclass", neuronsPerSubclass),
        ("attackedSamples", attackedSamples),
      ] { try check.count(name, value) }
      for (name, counts) in [("subclassCounts", subclassCounts), ("subclasses", [subclasses])] {
        try check.mixtures(
          name, counts, dimension: dimension, alphas: alphas + [alpha],
          attackedSamples: attackedSamples, samples: { samplesPerSubclass * $0 },
          width: { neuronsPerSubclass * $0 })
      }
      try check.flow("flow", flow)
      try certified.validate(check.at("certified"))
      try check.cells(most: [comparedDegrees.count, alphas.count + subclassCounts.count]) { cells }
    }
  }

  var settings: Settings

  init(_ options: ExperimentOptions) {
    let preset = options.preset
    settings = Settings(
      preset: preset, seed: options.seed,
      repeats: options.repeats ?? preset.pick(quick: 1, laptop: 5, paper: 5),
      dimension: preset.pick(quick: 50, laptop: 100, paper: 1000),
      samplesPerSubclass: preset.pick(quick: 20, laptop: 40, paper: 200),
      neuronsPerSubclass: preset.pick(quick: 5, laptop: 8, paper: 20),
      attackedSamples: preset.pick(quick: 50, laptop: 100, paper: 500),
      certified: CertifiedStudy(nodes: preset.pick(quick: 1000, laptop: 2000, paper: 20_000)))
  }

  // What is varied and measured.

  var cells: [Cell] { settings.cells }

  let metrics: [Metric<Values>] = [
    CertifiedValues.medianLower, CertifiedValues.medianUpper, CertifiedValues.largestGap,
    CertifiedValues.exactShare, CertifiedValues.shareBeyond, CertifiedValues.accuracy,
  ].map { $0.of(\.network) }

  /// Samples times neurons; below p = 2 the flow takes many small steps, above it boxes are cut.
  func operations(_ cell: Cell) -> Double {
    36_000 * Double(settings.dimension) * Double(settings.samplesPerSubclass)
      * Double(settings.neuronsPerSubclass) * Double(cell.subclasses) * Double(cell.subclasses)
      * (cell.p == 1 || cell.p == 2 ? 1 : 2)
  }

  func measure(_ cell: Cell, _ context: Context) throws(ExperimentError) -> Measured<Values> {
    try FlowTraining(
      mixture: cell.mixture(
        dimension: settings.dimension, samples: settings.samplesPerSubclass * cell.subclasses),
      hiddenWidth: settings.neuronsPerSubclass * cell.subclasses, flow: settings.flow,
      attackedSamples: settings.attackedSamples
    ).measure(exponent: cell.p, seed: context.seed) {
      (network, train, attacked) throws(ExperimentError) in
      try settings.certified.measure(
        network, train: train, attacked: attacked, seed: context.seed,
        beyond: CriticalRadius.relu(subclasses: cell.subclasses))
    }
  }

  // What it says.

  func account(of results: Results) -> Account {
    let bounds = cells.compactMap { Bounds($0, results) }
    return Account(
      title: "The critical radius of trained networks",
      subtitle: "Preset \(settings.preset.rawValue): D = \(settings.dimension), "
        + "\(settings.samplesPerSubclass) samples and \(settings.neuronsPerSubclass) neurons a "
        + "subclass, gradient flow of the \(settings.flow.loss) loss from weights of 1e-7; "
        + "\(settings.attackedSamples) test samples, at most \(settings.certified.nodes) boxes each",
      introduction:
        "An attack bounds the distance of a sample to the decision boundary from above; branch and "
        + "bound proves a bound from below. The law is that of the ideal classifiers without noise: "
        + "1/√K for p = 1, then sqrt(c/(1+c)) with c = (K/2)^(1-2/p), and √2/2 from p = 2 on.",
      answer: answer(bounds, results),
      findings: Dictionary(
        uniqueKeysWithValues: bounds.map {
          ("deviation from the law at \($0.cell.title)", .number($0.deviation))
        }),
      figures: figures(bounds),
      answerTable: Account.Table(
        caption: "The law holds where both bounds of the median radius are within 5% of it.",
        header: cells[0].parameters.map(\.name) + ["proved", "attacked", "law", "does it hold?"],
        rows: bounds.map { bound in
          bound.cell.parameters.map(\.value.text)
            + [bound.lower, bound.upper, bound.cell.law].map { String(format: "%.4f", $0) }
            + [bound.verdict]
        }))
  }

  /// The median radius of a cell from both sides.
  private struct Bounds {
    let cell: Cell
    let lower: Double
    let upper: Double

    init?(_ cell: Cell, _ results: Results) {
      guard let lower = results.mean(CertifiedValues.medianLower.of(\.network), cell),
        let upper = results.mean(CertifiedValues.medianUpper.of(\.network), cell)
      else { return nil }
      (self.cell, self.lower, self.upper) = (cell, lower, upper)
    }

    /// How far the bounds are from the law, as a share of it; 0 where they enclose it.
    var deviation: Double {
      lower > cell.law ? lower / cell.law - 1 : upper < cell.law ? upper / cell.law - 1 : 0
    }
    var holds: Bool { lower >= 0.95 * cell.law && upper <= 1.05 * cell.law }
    var fails: Bool { abs(deviation) > 0.05 }
    var verdict: String {
      holds ? "yes" : fails ? String(format: "no: %+.0f%%", 100 * deviation) : "open"
    }
  }

  private func figures(_ bounds: [Bounds]) -> [AccountFigure] {
    /// Of some cells what is proved as a line with the band up to what is attacked, the latter as points, and the law.
    func chart(
      _ name: String, _ title: String, _ axis: Axis, references: [ReferenceLine] = [],
      _ lines: [(name: String, cells: [Cell], law: [Cell])], at place: (Cell) -> Double
    ) -> AccountFigure {
      let series = lines.enumerated().flatMap { number, line in
        let cells = line.cells.sorted { place($0) < place($1) }
        let found = cells.map { cell in bounds.first { $0.cell == cell } }
        let (proved, attacked) = (found.map { $0?.lower ?? .nan }, found.map { $0?.upper ?? .nan })
        let colour = Colour.categories[number % Colour.categories.count]
        return [
          Series(
            line.name + "proved", x: cells.map(place), y: proved,
            band: .init(lower: proved, upper: attacked), colour: colour),
          Series(
            line.name + "attacked", x: cells.map(place), y: attacked, style: .points,
            colour: colour),
          Series(
            line.name + "law", x: line.law.map(place), y: line.law.map(\.law), dash: .dashed,
            colour: colour),
        ]
      }
      return AccountFigure(
        "radius-against-\(name)",
        LineChart(
          title: title, x: axis, y: Axis("median l2 radius"), series: series,
          references: references),
        caption: "The true median lies in the band between what is proved and what is attacked, "
          + "means over seeds. The law is that without noise.",
        alternative: "Proved and attacked median radius against \(axis.label) with the closed form")
    }
    let (alpha, subclasses) = (settings.alpha, settings.subclasses)
    let last = settings.degrees.max() ?? 4
    let counts = (settings.subclassCounts.min() ?? 2)...(settings.subclassCounts.max() ?? 2)
    return [
      chart(
        "degree", "alpha = \(alpha), K = \(subclasses)", Axis("degree p"),
        references: [
          .horizontal(CriticalRadius.relu(subclasses: subclasses), label: "1/√K"),
          .horizontal(CriticalRadius.optimal, label: "√2/2"),
        ],
        [
          (
            "", settings.degrees.map(settings.degreeCell),
            // At p = 1 itself the law is that of F, not of F^(1).
            (1...200).map { settings.degreeCell(1 + (last - 1) * Double($0) / 200) }
          )
        ]
      ) { $0.p },
      chart(
        "noise", "K = \(subclasses)", Axis("alpha", scale: .logarithmic),
        settings.comparedDegrees.map { p in
          ("p = \(p.formatted()), ", settings.noiseCells(p), settings.noiseCells(p))
        }
      ) { $0.alpha },
      chart(
        "subclasses", "alpha = \(alpha)", Axis("subclasses K", scale: .logarithmic),
        settings.comparedDegrees.map { p in
          (
            "p = \(p.formatted()), ", settings.subclassCells(p),
            counts.map { Cell(p: p, alpha: alpha, subclasses: $0) }
          )
        }
      ) { Double($0.subclasses) },
    ]
  }

  private func answer(_ bounds: [Bounds], _ results: Results) -> String {
    if bounds.isEmpty { return "No network was fitted in the time given." }
    let common = settings.comparedDegrees.map(settings.degreeCell)
    let medians = bounds.filter { common.contains($0.cell) }.map {
      String(
        format: "; at p = %g, alpha = %g, K = %d the median radius is %.4f to %.4f (law %.4f)",
        $0.cell.p, $0.cell.alpha, $0.cell.subclasses, $0.lower, $0.upper, $0.cell.law)
    }
    let networks = cells.flatMap { results.values($0) }.compactMap(\.network)
    let exact = MeanInterval(networks.map(\.exactShare)).mean ?? 0
    let gap = networks.map(\.largestGap).filter(\.isFinite).max() ?? 0
    return
      "The law is proved to hold to 5% in \(bounds.count(where: \.holds)) of \(bounds.count) cases "
      + "and to fail in \(bounds.count(where: \.fails))" + medians.joined() + ". "
      + String(
        format:
          "%.1f%% of the samples classified correctly are exact to %g%%; the largest gap is %.2f%%.",
        100 * exact, 100 * settings.certified.gap, 100 * gap)
  }
}

extension SubclassCell {
  /// The critical radius of the ideal classifier without noise: both classes have as many opposite subclasses.
  fileprivate var law: Double {
    CriticalRadius.predicted(exponent: p, subclasses: subclasses, positive: subclasses / 2)
  }
}
