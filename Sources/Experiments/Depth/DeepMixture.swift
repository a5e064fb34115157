import Datasets
import Figures
import Foundation
import LinearCore
import Runs
import Studies
import Theory

/// Whether deeper networks gain from the degree: fully connected pReLU networks of one to six hidden layers on the
/// orthonormal mixture, with and without what keeps their signal alive, from small and from usual weights.
struct DeepMixtureExperiment: GridExperiment {
  typealias Values = DepthValues
  typealias Variant = DenseDesign.Variant
  typealias Start = DepthTraining.Start

  static let name = "deep-mixture"
  static let summary =
    "one to six hidden layers on the mixture: radius against depth, where training stalls, what helps"

  struct Settings: ExperimentSettings {
    var experiment = DeepMixtureExperiment.name
    var preset: Preset
    var seed: UInt64
    var repeats: Int
    var degrees = [1.0, 2, 3]
    var depths: [Int]
    var variants: [Variant] = [
      .plain, .layerNormalization, .residual, .residualNormalization, .inputNormalization,
    ]
    var starts = Start.allCases
    var width: Int
    var measurement: DepthTraining

    /// Figures have a panel for every start and degree, or two for every degree.
    func validate() throws(ExperimentError) {
      let check = SettingsCheck()
      try check.repeats(repeats)
      try check.degrees("degrees", degrees, limit: 26 / max(2, min(3, starts.count)))
      try check.dense(
        depths: depths, variants: variants, width: width, dimension: measurement.mixture.dimension)
      try check.list("starts", starts) { (_) throws(ExperimentError) in }
      try measurement.validate(check.at("measurement"))
      try check.cells(most: [degrees.count, depths.count, variants.count, starts.count]) {
        [Cell]()
      }
    }
  }

  /// The simplest network with the function that is asked for, and how it is trained.
  struct Cell: GridCell {
    let p: Double
    let depth: Int
    let variant: Variant
    let start: Start

    init(_ p: Double, _ depth: Int, _ variant: Variant, _ start: Start) {
      self.p = p
      self.depth = depth
      self.variant = variant.simplest(exponent: p, depth: depth)
      self.start = start
    }

    var parameters: [Parameter] {
      [
        Parameter("p", p), Parameter("depth", Double(depth)),
        Parameter("network", variant.rawValue), Parameter("start", start.rawValue),
      ]
    }
  }

  var settings: Settings

  init(_ options: ExperimentOptions) {
    let preset = options.preset
    let epochs = preset == .quick ? 100 : 200
    settings = Settings(
      preset: preset, seed: options.seed,
      repeats: options.repeats ?? preset.pick(quick: 1, laptop: 3, paper: 5),
      depths: preset == .quick ? [1, 2, 4] : [1, 2, 3, 4, 5, 6],
      width: preset.pick(quick: 32, laptop: 64, paper: 500),
      measurement: DepthTraining(
        mixture: OrthonormalMixture(
          dimension: preset.pick(quick: 50, laptop: 100, paper: 1000), alpha: 0.1,
          samples: preset.pick(quick: 500, laptop: 2000, paper: 20_000), rotation: .random),
        epochs: epochs, patience: epochs / 2, batchSize: preset == .quick ? 50 : 100,
        attackedSamples: preset.pick(quick: 20, laptop: 50, paper: 500),
        twoSided: DeepTwoSidedSettings(
          samples: preset.pick(quick: 5, laptop: 5, paper: 100),
          nodes: preset.pick(quick: 20, laptop: 20, paper: 5000))))
  }

  // What is varied and measured.

  /// Each function once.
  var cells: [Cell] {
    settings.starts.flatMap { start in
      settings.degrees.flatMap { p in
        settings.variants.flatMap { variant in
          settings.depths.map { Cell(p, $0, variant, start) }.filter { $0.variant == variant }
        }
      }
    }
  }

  let metrics: [Metric<Values>] =
    [
      NetworkValues.medianRadius.of(\.network), NetworkValues.accuracy.of(\.network), Values.signal,
      Values.gradient, Values.loss, Values.epochs, Values.learningRate,
      NetworkValues.effectiveNeurons.of(\.network), NetworkValues.subclassCosine.of(\.network),
      NetworkValues.classCosine.of(\.network), NetworkValues.subclassesFound.of(\.network),
      Values.subclassShare, Values.classShare,
    ] + TwoSidedRadii.metrics().map { $0.of(\.twoSided) }

  func design(_ cell: Cell) -> DenseDesign {
    DenseDesign(
      exponent: cell.p, depth: cell.depth, width: settings.width, variant: cell.variant)
  }

  /// Forward and back are three passes of training, the ensemble takes some thousands a sample; small products and
  /// their surroundings take about three times what large ones do.
  func operations(_ cell: Cell) -> Double {
    let training = settings.measurement
    let pass = 2 * Double(design(cell).products(dimension: training.mixture.dimension))
    let passes = 3 * Double(training.epochs) * Double(training.mixture.samples)
    return 3 * pass * (passes + 8000 * Double(training.attackedSamples))
  }

  func measure(_ cell: Cell, _ context: Context) throws(ExperimentError) -> Measured<Values> {
    try settings.measurement.measure(
      design(cell), cell.start, seed: context.seed, in: (context.directory, context.name),
      first: settings.seed, report: context.report)
  }

  func account(of results: Results) throws(ExperimentError) -> Account {
    let report = DeepMixtureReport(experiment: self, results: results)
    let (training, mixture) = (settings.measurement, settings.measurement.mixture)
    return Account(
      title: "Do deeper networks gain from pReLU? The mixture",
      subtitle: "Preset \(settings.preset.rawValue): D = \(mixture.dimension), "
        + "K = \(mixture.subclasses), alpha = \(mixture.alpha), \(mixture.samples) samples, width "
        + "\(settings.width), exponential loss down to \(training.stopLoss), batch "
        + "\(training.batchSize), at most \(training.epochs) epochs",
      introduction: """
        Networks are plain; or with a layer normalisation behind every hidden layer; with residual connections \
        x + layer(x) from the second hidden layer on; with both; or plain with every feature divided by ‖x‖^(p-1) \
        ("input norm"). Equal functions are measured once. Weights start uniformly in ±√(6/inputs), times \
        \(training.smallScale.formatted()) for a small start. The smallest learning rate with which training fits is \
        taken: the closest to gradient flow. A training whose loss stays above \
        \(DepthTraining.stalledLoss.formatted()) of a silent network's with every rate has stalled. Theory, for one \
        hidden layer: 1/√K = \(report.number(report.linearLaw)) at p = 1 and √2/2 = \
        \(report.number(CriticalRadius.optimal)) at p = 3; nothing beyond √2/2 is possible at any depth.
        """,
      answer: report.answer, findings: report.findings,
      figures: report.figures, sections: [try report.twoSidedSection],
      flags: report.sides.violations, overview: report.overview, answerTable: report.answerTable)
  }
}
