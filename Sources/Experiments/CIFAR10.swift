import Datasets
import DeepNetworks
import Figures
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Training

/// Natural images and deep networks: whether the degree changes how robust a small convolutional and a dense network
/// are on CIFAR-10, at the end of training and at equal clean accuracy, beside adversarial training.
struct CIFAR10Experiment: GridExperiment {
  typealias Values = CIFAR10Values
  typealias Source = CIFAR10Training

  static let name = "cifar10"
  static let summary =
    "CIFAR-10: a convolutional and a dense network, p = 1 to 4, l2 and linf attacks, matched accuracy, "
    + "adversarial training"

  struct Settings: ExperimentSettings {
    var experiment = CIFAR10Experiment.name
    var preset: Preset
    var seed: UInt64
    var repeats: Int
    var degrees: [Double]
    /// At most this many training images.
    var trainLimit: Int
    /// Filters of the convolutional layers, each followed by layer normalisation and pooling.
    var filters = [32, 64, 96]
    /// Neurons of the dense layers, each followed by layer normalisation.
    var units = [92, 92]
    /// Whether there is layer normalisation.
    var layerNormalization = true
    /// Those of AdamW to choose from, for each network and degree, by short runs.
    var learningRates: [Double]
    var rateSamples: Int
    var rateEpochs: Int
    var convolutionalEpochs: Int
    var denseEpochs: Int
    /// Trials on the validation images in an epoch, to find the moment of equal accuracy.
    var trialsPerEpoch = 8
    var batchSize = 128
    var augmentation = ImageAugmentation()
    /// The convolutional network of these degrees is also trained on perturbed images, with the first seed.
    var adversarialDegrees: [Double]
    var adversarial = AdversarialTrainingConfiguration(epsilon: 0.5, steps: 3, box: 0...1)
    var adversarialEpochs: Int
    /// Held-out images attacked, others for every seed.
    var attackedImages: Int
    var attack = "standard"
    var l2Radii = (1...20).map { Double($0) / 20 }
    var linfRadii = (1...16).map { Double($0) / 2 / 255 }
    /// Attacked images whose radii are proved as well in the first repeat, in both norms.
    var twoSided: DeepTwoSidedSettings
    /// Held-out images whose features the stable rank is taken of.
    var rankSamples = 500
  }

  var settings: Settings

  init(_ options: ExperimentOptions) {
    let preset = options.preset
    let isQuick = preset == .quick
    settings = Settings(
      preset: preset, seed: options.seed,
      repeats: options.repeats ?? preset.pick(quick: 1, laptop: 3, paper: 5),
      degrees: isQuick ? [1, 3] : [1, 2, 3, 4], trainLimit: isQuick ? 4000 : 40_000,
      learningRates: isQuick ? [1e-3, 3e-3] : [3e-4, 1e-3, 3e-3, 1e-2],
      rateSamples: preset.pick(quick: 1000, laptop: 10_000, paper: 40_000),
      rateEpochs: preset.pick(quick: 1, laptop: 2, paper: 3),
      convolutionalEpochs: preset.pick(quick: 3, laptop: 6, paper: 30),
      denseEpochs: preset.pick(quick: 4, laptop: 8, paper: 30),
      adversarialDegrees: isQuick ? [1] : [1, 3],
      adversarialEpochs: preset.pick(quick: 2, laptop: 4, paper: 30),
      attackedImages: preset.pick(quick: 12, laptop: 60, paper: 1000),
      twoSided: DeepTwoSidedSettings(
        samples: preset.pick(quick: 4, laptop: 20, paper: 100),
        nodes: preset.pick(quick: 1, laptop: 1, paper: 200)))
  }

  // What is varied and measured.

  /// Which network of a training.
  enum Moment: String, CaseIterable {
    case end = "last epoch"
    /// When the validation accuracy first is at the highest percent that all degrees reach.
    case matched = "matched accuracy"
    /// The network of the first degree, when its validation accuracy first is at the highest percent that the cell's
    /// degree reaches: the counterpart of ``end`` at equal accuracy.
    case counterpart = "p = 1 stopped at its accuracy"
    case adversarial = "adversarial training"
  }

  struct Cell: GridCell {
    let network: CIFAR10Network
    let p: Double
    let moment: Moment
    var parameters: [Parameter] {
      [
        Parameter("network", network.rawValue), Parameter("p", p),
        Parameter("moment", moment.rawValue),
      ]
    }
  }

  var cells: [Cell] {
    Moment.allCases.flatMap { moment in
      let networks = moment == .adversarial ? [.convolutional] : CIFAR10Network.allCases
      let degrees =
        switch moment {
        case .end, .matched: settings.degrees
        case .counterpart: Array(settings.degrees.dropFirst())
        case .adversarial: settings.adversarialDegrees
        }
      return networks.flatMap { network in
        degrees.map { Cell(network: network, p: $0, moment: moment) }
      }
    }
  }

  var metrics: [Metric<Values>] { Values.metrics + Values.twoSidedMetrics }

  func load() throws(ExperimentError) -> Source { try CIFAR10Training(loadedFor: settings) }

  func inputs(_ source: Source) -> [RunInput] {
    [RunInput(.training, source.train), RunInput(.heldOut, source.validation)]
  }

  func prepare(_ source: Source, in directory: RunDirectory, _ progress: ProgressReporter)
    throws(ExperimentError) -> Source
  { try source.trained(seeds: seeds, in: directory, progress) }

  func repeats(of cell: Cell) -> Int { cell.moment == .adversarial ? 1 : settings.repeats }

  /// Measured: about 500 gradient passes and 900 others an image and norm for all attacks together, a quarter longer than
  /// the products alone; and as much again for checks.
  func operations(_ cell: Cell) -> Double {
    let checks = cell.moment == .adversarial ? 2 : cell.moment == .end ? 1.5 : 1
    return checks * 4800 * cell.network.workOfPass(settings) * Double(settings.attackedImages)
  }

  func measure(_ cell: Cell, _ context: Context) throws(ExperimentError) -> Measured<Values> {
    guard
      let snapshot = try context.source.network(cell, seed: context.seed, in: context.directory)
    else { return Measured(Values(), failure: "the training diverged") }
    // Whether an attack is too weak for a network shows with the first seed, when it is trained.
    let isTrained = cell.moment == .end || cell.moment == .adversarial
    return try Values.measure(
      snapshot, degree: cell.moment == .counterpart ? settings.degrees[0] : cell.p,
      isChecked: isTrained && context.seed == settings.seed, context)
  }

  func account(of results: Results) throws(ExperimentError) -> Account {
    try CIFAR10Report(experiment: self, results: results).account()
  }
}
