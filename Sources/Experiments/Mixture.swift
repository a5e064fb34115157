import Alignment
import Certification
import Datasets
import Figures
import Foundation
import Runs
import Studies
import Theory
import Training

/// Section 5.1 of Min and Vidal (ICML 2024): networks of degree 1 and 3 trained from tiny weights on an orthonormal
/// mixture; (a) distance to the ideal classifier against alpha, and at one alpha (b) neuron contributions, (c, d)
/// alignment and (e) robust accuracy.
struct MixtureExperiment: GridExperiment {
  static let name = "mixture"
  static let summary = "Section 5.1: clusters around orthonormal centres, p = 1 against p = 3"

  struct Settings: ExperimentSettings {
    var experiment = MixtureExperiment.name
    var preset: Preset
    var seed: UInt64
    var degrees = [1.0, 3.0]
    var repeats: Int
    var mixture: OrthonormalMixture
    var hiddenWidth: Int
    var initialScale = 1e-7
    var learningRate = 0.2
    var batchSize = 100
    var epochs: Int
    /// Samples of the test part that are attacked.
    var attackedSamples: Int
    var attack = "standard"
    var distance: DistanceSettings
    /// Of the first repeat.
    var twoSided: TwoSidedSettings

    /// A figure has a panel for every degree.
    func validate() throws(ExperimentError) {
      let check = SettingsCheck()
      try check.repeats(repeats)
      try check.degrees("degrees", degrees, limit: 26)
      try check.mixture(
        "mixture", mixture,
        samples: ["attackedSamples": attackedSamples, "distance.samples": distance.samples])
      try check.width("hiddenWidth", hiddenWidth, dimension: mixture.dimension)
      try check.initialScale("initialScale", initialScale)
      try check.positive("learningRate", learningRate)
      try check.count("batchSize", batchSize)
      try check.count("epochs", epochs)
      try check.attack("attack", attack, hasRadii: true)
      try distance.validate(check.at("distance"), dimension: mixture.dimension)
      try check.twoSided("twoSided", twoSided)
      try check.cells(most: [degrees.count, distance.alphas.count + 1]) { cells }
      guard Set(cells.map { network($0, seed: 0) }).count == cells.count else {
        throw check.refusal(
          "distance.alphas", "a list", "numbers that differ in four decimal places")
      }
    }

    /// Every degree at every alpha of the distances, and at the mixture's own.
    var cells: [Cell] {
      let alphas = Set(distance.alphas + [mixture.alpha]).sorted()
      return alphas.flatMap { alpha in degrees.map { Cell(p: $0, alpha: alpha) } }
    }

    /// The name of a network in files.
    func network(_ cell: Cell, seed: UInt64) -> String {
      ClusterRun.name(exponent: cell.p, seed: seed)
        + (cell.alpha == mixture.alpha ? "" : String(format: "-alpha%.4f", cell.alpha))
    }
  }

  struct Cell: GridCell {
    let p: Double
    let alpha: Double
    var parameters: [Parameter] { [Parameter("p", p), Parameter("alpha", alpha)] }
  }

  struct Values: Codable, Sendable {
    /// Where alpha is one of ``DistanceSettings/alphas``.
    var distance: DistanceResult?
    /// Where alpha is the mixture's own.
    var attack: ClusterValues?
  }

  var settings: Settings

  init(_ options: ExperimentOptions) {
    let preset = options.preset
    let samples = preset.pick(quick: 2000, laptop: 5000, paper: 20_000)
    settings = Settings(
      preset: preset, seed: options.seed,
      repeats: options.repeats ?? preset.pick(quick: 1, laptop: 5, paper: 5),
      mixture: OrthonormalMixture(
        dimension: preset.pick(quick: 200, laptop: 1000, paper: 1000),
        alpha: preset.pick(quick: 0.1, laptop: 0.05, paper: 0.01), samples: samples),
      hiddenWidth: preset.pick(quick: 200, laptop: 500, paper: 2000),
      epochs: preset.pick(quick: 200, laptop: 150, paper: 401),
      attackedSamples: preset.pick(quick: 500, laptop: 1000, paper: 20_000),
      distance: DistanceSettings(
        alphas: preset.pick(
          quick: [0.03, 0.1, 0.3], laptop: [0.02, 0.05, 0.15, 0.3],
          paper: (0..<15).map { 0.01 + 0.29 * Double($0) / 14 }),
        samples: samples,
        ascent: preset.pick(
          quick: NormalizedGradientAscent(batches: 1, points: 100, steps: 1000),
          laptop: NormalizedGradientAscent(batches: 1, points: 200),
          paper: NormalizedGradientAscent()),
        ascentRepeats: 1),
      twoSided: TwoSidedSettings(
        samples: preset.pick(quick: 100, laptop: 200, paper: 500),
        attack: preset == .quick ? "quick" : "standard",
        nodes: preset.pick(quick: 500, laptop: 2000, paper: 20_000),
        smoothing: SmoothingSettings(sigma: 0.25, samples: preset == .quick ? 1000 : 10_000)))
  }

  // What is varied and measured.

  var cells: [Cell] { settings.cells }

  let metrics: [Metric<Values>] =
    ClusterValues.metrics.map { $0.of(\.attack) } + DistanceResult.metrics.map { $0.of(\.distance) }

  /// All neurons step in some epochs only (measured: 9 at p = 1, 16 at p = 3); the rest is the way of the samples
  /// through memory. A sample takes 2 ms to attack and 0.1 s to prove.
  func operations(_ cell: Cell) -> Double {
    let size = Double(settings.mixture.samples) * Double(settings.mixture.dimension)
    let epochs = Double(settings.epochs)
    let trained =
      size * (4 * Double(settings.hiddenWidth) * min(epochs, 5 + 4 * cell.p) + 20 * epochs)
    let ascent = settings.distance.ascent
    let ascended = 1e4 * Double(ascent.batches) * Double(ascent.points) * Double(ascent.steps)
    if cell.alpha != settings.mixture.alpha { return trained + ascended }
    return trained + ascended + 4e7 * Double(settings.attackedSamples)
      + 2e9 * Double(settings.twoSided.samples)
  }

  func measure(_ cell: Cell, _ context: Context) throws(ExperimentError) -> Measured<Values> {
    let isAttacked = cell.alpha == settings.mixture.alpha
    var mixture = settings.mixture
    mixture.alpha = cell.alpha
    let (train, test) = try mixture.data(
      seed: context.seed, attackedSamples: settings.attackedSamples)
    let network = ClusterNetwork(
      directory: context.directory, name: settings.network(cell, seed: context.seed),
      configuration: training(cell.p, context.seed, mixture), progress: context.progress)
    let (trained, record) = try network.train(train, heldOut: isAttacked ? test : nil)
    let number = Int(truncatingIfNeeded: context.seed &- settings.seed)
    var values = Values()
    if settings.distance.alphas.contains(cell.alpha) {
      values.distance = try settings.distance.measure(
        trained, mixture: mixture, seed: context.seed, repeatNumber: number)
    }
    guard isAttacked else { return Measured(values) }
    let found = try network.measure(
      trained, record, train: train, attacked: test, attack: settings.attack,
      // linspace(0, 1.5, 15), the radii of the paper.
      epsilons: (0..<15).map { 1.5 * Double($0) / 14 },
      twoSided: number == 0 ? settings.twoSided : nil)
    values.attack = found.values
    return Measured(values, flags: found.flags)
  }

  private func training(_ p: Double, _ seed: UInt64, _ mixture: OrthonormalMixture)
    -> TrainingRunConfiguration
  {
    TrainingRunConfiguration(
      data: DatasetRequest(data: "mixture", mixture: mixture, seed: seed),
      model: ModelConfiguration(
        exponent: p, hiddenWidth: settings.hiddenWidth,
        initialization: .gaussian(scale: settings.initialScale)),
      training: TrainingConfiguration(
        loss: .exponential, optimizer: .sgd(learningRate: settings.learningRate),
        epochs: settings.epochs, batchSize: settings.batchSize, seed: seed))
  }

  // What it says.

  func account(of results: Results) throws(ExperimentError) -> Account {
    let mixture = settings.mixture
    let report = ClusterReport(results.parts(\.attack), twoSided: settings.twoSided) {
      CriticalRadius.predicted(
        exponent: $0, subclasses: mixture.subclasses, positive: mixture.positive)
    }
    let distances = results.parts(\.distance)
    do {
      try DistanceResult.table(distances).write(to: results.directory.path("results/distance.csv"))
    } catch { throw ExperimentError(error) }
    let distance = DistanceReport(
      distances, proved: (mixture.alpha, report.runs.compactMap(\.twoSided)))
    let laws: [ReferenceLine] = [
      .vertical(CriticalRadius.relu(subclasses: mixture.subclasses), label: "1/√K"),
      .vertical(CriticalRadius.optimal, label: "√2/2"),
    ]
    return Account(
      title: "Clusters around orthonormal centres",
      subtitle: "Preset \(settings.preset.rawValue): D = \(mixture.dimension), "
        + "K = \(mixture.subclasses) subclasses, alpha = \(mixture.alpha), "
        + "\(mixture.samples) samples, width \(settings.hiddenWidth), "
        + "\(settings.epochs) epochs, \(settings.repeats) repeat(s)",
      introduction:
        "Samples are \(mixture.subclasses) orthonormal unit centres plus Gaussian noise of standard "
        + "deviation \(mixture.alpha) in norm; the first \(mixture.positive) centres have label 1. "
        + "Networks start from weights of size \(settings.initialScale). A plain ReLU network (p = 1) "
        + "learns the two average class directions and breaks at l2 radius 1/√K; from p = 3 on, gradient "
        + "flow finds every subclass centre and the network stands up to √2/2, which no classifier can "
        + "exceed. \(ClusterReport.columns)",
      answer: "\(report.answer) \(distance.answer)",
      findings: [
        "networks where gradient ascent found more": .number(Double(distance.surprises))
      ],
      figures: figures(report, laws),
      sections: [
        try report.sides.section(in: results.directory, references: laws), distance.section,
        report.notes,
      ], remarks: report.remarks,
      flags: report.sides.summary.violations + DistanceResult.violations(distances),
      overview: report.table(
        caption: "Measured beside predicted, alpha = \(mixture.alpha), mean over repeats."),
      details: [
        "results": report.rows, "twoSided": report.sides.summary, "distance": distance,
      ])
  }

  private func figures(_ report: ClusterReport, _ laws: [ReferenceLine]) -> [AccountFigure] {
    let columns = ["μ̄⁻", "μ̄⁺"] + (0..<settings.mixture.subclasses).map { "μ\($0 + 1)" }
    return [
      AccountFigure(
        "robust-accuracy",
        report.robustness(
          title: "Robust accuracy under l2 attacks", largest: 1.1, references: laws),
        caption: "Robust accuracy against the radius of the attack, worst case over all attacks. "
          + "Dashed: what theory predicts for p = 1 and for p ≥ 2.",
        alternative: "Robust accuracy falls at 1/sqrt(K) for p = 1 and at sqrt(2)/2 for p = 3"),
      report.contributions(
        caption:
          "How much each neuron can contribute to the output, sorted. For p = 3 a few neurons, "
          + "one or two a subclass, carry the network; for p = 1 many neurons share two directions."
      ),
    ]
      + report.degrees.map { p in
        report.cosines(
          p, columns: columns,
          caption: p == 1
            ? "Plain ReLU neurons point along the two average class directions."
            : "Neurons of degree \(p.degreeText) point along single subclass centres.")
      } + [report.training(caption: "Training loss. The plateau is the alignment phase.")]
  }
}
