import Datasets
import DeepNetworks
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Training

/// Whether deeper networks gain from the degree on images: MNIST digits, fully connected pReLU networks of
/// one to four hidden layers, attacked in l2 and l-infinity inside the box of pixels.
struct MNISTDeepExperiment: SweepExperiment {
  /// "mnist-deep".
  static let name = "mnist-deep"
  /// One line.
  static let summary =
    "MNIST digits with one to four hidden layers: l2 and linf curves of p = 1, 2, 3 against depth"

  /// What determines the run; `config.json`.
  struct Settings: SweepSettings {
    /// "mnist-deep".
    var experiment = MNISTDeepExperiment.name
    /// How much is done.
    var preset: Preset
    /// The first seed.
    var seed: UInt64
    /// How many seeds.
    var repeats: Int
    var degrees = [1.0, 2, 3]
    var depths: [Int]
    var variants: [DenseDesign.Variant] = [
      .inputNormalization, .residualInputNormalization, .residualNormalization,
    ]
    var width: Int
    /// Training images.
    var trainingSamples: Int
    /// Images by whose accuracy the learning rate is chosen.
    var validationSamples: Int
    /// Those of Adam that are tried.
    var learningRates = [3e-3, 1e-2]
    var epochs: Int
    var batchSize = 128
    /// At most this many test images are attacked.
    var attackedSamples: Int
    /// A name of the attack catalogue.
    var attack: String
  }

  /// One design.
  struct Cell: SweepCell {
    let p: Double
    let depth: Int
    let variant: DenseDesign.Variant

    /// What is around the hidden layers, their number, and p.
    var parameters: [Parameter] {
      [
        SweepColumn("network", variant.rawValue), SweepColumn("depth", Double(depth)),
        SweepColumn("p", p),
      ]
    }
    /// The first layer is the large one.
    var cost: Double { 4 + Double(depth) }
  }

  /// Accuracy on all test images.
  static let testAccuracy = SweepMetric("testAccuracy", heading: "accuracy", digits: 4)
  /// The median size of the smallest perturbation found.
  static let medians: [Norm: SweepMetric] = [
    .l2: SweepMetric("medianL2", heading: "median l2", digits: 3),
    .linf: SweepMetric("medianLinf", heading: "median linf", digits: 4),
  ]

  /// Radii at which curves are stored.
  static func radii(_ norm: Norm) -> [Double] {
    (0...100).map { Double($0) * (norm == .l2 ? 0.04 : 0.004) }
  }

  /// The norms attacked.
  static let norms: [Norm] = [.l2, .linf]

  /// The settings.
  var settings: Settings
  private let data = MNISTDigits()

  /// The experiment at some size.
  init(_ options: ExperimentOptions) {
    let (depths, repeats, width, training, validation, epochs, attacked) =
      switch options.preset {
      case .quick: ([1, 3], 1, 64, 5000, 1000, 6, 20)
      case .laptop: ([1, 2, 3, 4], 2, 128, 20_000, 5000, 15, 60)
      case .paper: ([1, 2, 3, 4], 5, 500, 45_000, 5000, 50, 1000)
      }
    settings = Settings(
      preset: options.preset, seed: options.seed, repeats: options.repeats ?? repeats,
      depths: depths, width: width, trainingSamples: training, validationSamples: validation,
      epochs: epochs, attackedSamples: attacked,
      attack: options.preset == .quick ? "quick" : "standard")
  }

  /// The design of a cell.
  func design(_ cell: Cell) -> DenseDesign {
    DenseDesign(
      exponent: cell.p, depth: cell.depth, width: settings.width, variant: cell.variant)
  }

  /// The cell that is measured for some setting: the simplest network with the same function.
  func cell(_ p: Double, _ depth: Int, _ variant: DenseDesign.Variant) -> Cell {
    let cell = Cell(p: p, depth: depth, variant: variant)
    return Cell(p: p, depth: depth, variant: design(cell).simplest)
  }

  /// Designs times depths times degrees, each function once.
  var cells: [Cell] {
    var found: [Cell] = []
    for variant in settings.variants {
      for depth in settings.depths {
        for p in settings.degrees {
          let cell = cell(p, depth, variant)
          if !found.contains(cell) { found.append(cell) }
        }
      }
    }
    return found
  }

  /// Accuracy, the median radii, and how training went.
  var metrics: [SweepMetric] {
    [Self.testAccuracy] + Self.norms.map { Self.medians[$0]! }
      + [DepthMeasurement.loss, DepthMeasurement.learningRate]
  }

  /// Forward and back are three passes of training for each learning rate, the ensemble takes some thousands
  /// a sample; medium products and their surroundings take about twice what large ones do.
  func operations(_ cell: Cell) -> Double {
    let pass = 2 * Double(design(cell).products(dimension: 784))
    let training =
      3 * Double(settings.epochs) * Double(settings.trainingSamples)
      * Double(settings.learningRates.count)
    return 2 * pass
      * (training + 10_000 * Double(Self.norms.count) * Double(settings.attackedSamples))
  }

  /// Loads the images, before anything is written.
  func prepare() throws(ExperimentError) -> [RunInput] {
    let parts = try parts()
    return [
      RunInput(.training, parts.train), RunInput(.heldOut, parts.validation),
      RunInput(.samples, parts.test),
    ]
  }

  private func parts() throws(ExperimentError) -> MNISTDigits.Parts {
    try data.load(training: settings.trainingSamples, validation: settings.validationSamples)
  }

  /// Trains and attacks.
  func measure(_ cell: Cell, _ context: SweepContext) throws(ExperimentError)
    -> SweepMeasurement
  {
    let parts = try parts()
    let test = parts.test
    let (outcome, rate) = try trained(cell, parts, context)
    let network = outcome.network
    var result = SweepMeasurement(metrics: [
      Self.testAccuracy.key: network.accuracy(test.inputs, labels: test.labels),
      DepthMeasurement.loss.key: outcome.record.epochs.last?.loss ?? .nan,
      DepthMeasurement.learningRate.key: rate,
    ])
    for (number, norm) in Self.norms.enumerated() {
      let robustness = try DeepRobustness.measured(
        in: context.directory, name: "\(context.name)-\(norm.rawValue)",
        study: RobustnessStudy(norm: norm, attack: settings.attack, seed: context.seed),
        network: network, data: test.prefix(settings.attackedSamples), reference: parts.train
      ) { context.report(0.3 + 0.35 * (Double(number) + $0)) }
      result.metrics[Self.medians[norm]!.key] = robustness.medianRadius
      result.curves[norm.rawValue] = Self.radii(norm).map {
        robustness.robustAccuracy(epsilon: $0)
      }
      result.flags += robustness.flags.map { "\(norm.rawValue): \($0)" }
    }
    return result
  }

  /// The network of the learning rate with the best validation accuracy, the smaller one of equals; a
  /// rate at which training diverges is out of the question.
  private func trained(_ cell: Cell, _ parts: MNISTDigits.Parts, _ context: SweepContext)
    throws(ExperimentError) -> (outcome: DeepRun.Outcome, rate: Double)
  {
    var best: (outcome: DeepRun.Outcome, rate: Double, accuracy: Double)?
    let architecture = try architecture(cell, parts.train)
    for (number, rate) in settings.learningRates.enumerated() {
      var run = DeepRun(
        directory: context.directory, name: "\(context.name)-rate\(rate.formatted())",
        architecture: architecture,
        training: DeepTrainingConfiguration(
          loss: .crossEntropy, optimizer: .adam(learningRate: rate), schedule: .cosine(),
          epochs: settings.epochs, batchSize: settings.batchSize, seed: context.seed))
      run.data = DatasetRequest(data: "mnist", split: "paper-train")
      do throws(ExperimentError) {
        let outcome = try run.run(train: parts.train, validation: parts.validation) { share, _ in
          context.report(0.3 * (Double(number) + share) / Double(settings.learningRates.count))
        }
        let accuracy = outcome.record.epochs.last?.testAccuracy ?? 0
        if best.map({ accuracy > $0.accuracy }) ?? true { best = (outcome, rate, accuracy) }
      } catch .failed {
        continue
      }
    }
    guard let best else { throw .failed("training diverges at every learning rate") }
    return (best.outcome, best.rate)
  }

  /// The design behind a subtraction of the mean image.
  private func architecture(_ cell: Cell, _ train: Dataset) throws(ExperimentError) -> Architecture
  {
    let means = train.inputs.columnMeans()
    do {
      let inner = try design(cell).architecture(
        dimension: train.dimension, outputs: train.classCount, hasBias: true)
      let standardization = Standardization(
        means: means.map { Double($0) },
        deviations: [Double](repeating: 1, count: means.count))
      return try Architecture(
        inputShape: inner.inputShape, layers: [standardization] + inner.layers.layers)
    } catch { throw ExperimentError(error) }
  }

  /// Figures and answer.
  func account(of results: SweepResults<Cell>) throws(ExperimentError) -> SweepAccount {
    MNISTDeepReport(experiment: self, results: results).account
  }
}
