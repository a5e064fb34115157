import Attacks
import Datasets
import DeepNetworks
import Figures
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Training

/// Whether deeper networks gain from the degree on images: MNIST digits, fully connected pReLU networks of one to four
/// hidden layers, attacked in l2 and l-infinity inside the box of pixels.
struct MNISTDeepExperiment: GridExperiment {
  typealias Variant = DenseDesign.Variant

  static let name = "mnist-deep"
  static let summary =
    "MNIST digits with one to four hidden layers: l2 and linf curves of p = 1, 2, 3 against depth"

  struct Settings: ExperimentSettings {
    var experiment = MNISTDeepExperiment.name
    var preset: Preset
    var seed: UInt64
    var repeats: Int
    var degrees = [1.0, 2, 3]
    var depths: [Int]
    var variants: [Variant] = [
      .inputNormalization, .residualInputNormalization, .residualNormalization,
    ]
    var width: Int
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
    /// Attacked images whose radii are proved as well in the first repeat, in both norms.
    var twoSided: DeepTwoSidedSettings

    /// Figures have a panel for every variant and depth, or two for every variant.
    func validate() throws(ExperimentError) {
      let check = SettingsCheck()
      try check.repeats(repeats)
      try check.degrees("degrees", degrees)
      try check.dense(depths: depths, variants: variants, width: width, dimension: 785)
      guard variants.count * depths.count <= 26 else {
        throw check.refusal(
          "depths", "a list of \(depths.count)",
          "at most \(26 / variants.count) with \(variants.count) variants")
      }
      try check.count("trainingSamples", trainingSamples)
      try check.count("validationSamples", validationSamples, in: 1...49_999)
      try check.positives("learningRates", learningRates)
      try check.count("epochs", epochs)
      try check.count("batchSize", batchSize)
      try check.count("attackedSamples", attackedSamples)
      for norm in norms { try check.attack("attack", attack, norm: norm, classCount: 10) }
      try check.twoSided("twoSided", twoSided)
      try check.cells(most: [degrees.count, depths.count, variants.count]) { [Cell]() }
    }
  }

  /// The simplest network with the function that is asked for.
  struct Cell: GridCell {
    let p: Double
    let depth: Int
    let variant: Variant

    init(_ p: Double, _ depth: Int, _ variant: Variant) {
      self.p = p
      self.depth = depth
      self.variant = variant.simplest(exponent: p, depth: depth)
    }

    var parameters: [Parameter] {
      [
        Parameter("network", variant.rawValue), Parameter("depth", Double(depth)),
        Parameter("p", p),
      ]
    }
  }

  struct Values: Codable, Sendable {
    /// On all test images.
    var testAccuracy: Double
    /// The mean loss of the last epoch.
    var loss: Double
    var learningRate: Double
    var l2 = Robustness()
    var linf = Robustness()

    /// Of the attacked images in one norm.
    struct Robustness: Codable, Sendable {
      var medianRadius = Double.nan
      /// At the radii of the norm.
      var curve: [Double] = []
      /// Proved and attacked radii of the first attacked images; nil where no bounds of the network are known.
      var twoSided: TwoSidedRadii?
    }
  }

  /// A norm that is attacked in.
  struct Attacked: Sendable {
    let norm: Norm
    let radii: [Double]
    let result: WritableKeyPath<Values, Values.Robustness> & Sendable
    let median: Metric<Values>

    /// Numbers of what is proved.
    var twoSided: [Metric<Values>] {
      let (name, result) = (norm.rawValue, result)
      return TwoSidedRadii.metrics(
        name.prefix(1).uppercased() + name.dropFirst(), heading: name, digits: norm == .linf ? 4 : 3
      ).map { metric in
        Metric(metric.key, heading: metric.heading, digits: metric.digits) {
          $0[keyPath: result].twoSided.map(metric.value) ?? .nan
        }
      }
    }
  }

  static let attacked = [
    Attacked(
      norm: .l2, radii: (0...100).map { Double($0) * 0.04 }, result: \.l2,
      median: Metric(\.l2.medianRadius, "medianL2", heading: "median l2")),
    Attacked(
      norm: .linf, radii: (0...100).map { Double($0) * 0.004 }, result: \.linf,
      median: Metric(\.linf.medianRadius, "medianLinf", heading: "median linf", digits: 4)),
  ]
  private static let norms = attacked.map(\.norm)

  var settings: Settings

  init(_ options: ExperimentOptions) {
    let preset = options.preset
    settings = Settings(
      preset: preset, seed: options.seed,
      repeats: options.repeats ?? preset.pick(quick: 1, laptop: 2, paper: 5),
      depths: preset == .quick ? [1, 3] : [1, 2, 3, 4],
      width: preset.pick(quick: 64, laptop: 128, paper: 500),
      trainingSamples: preset.pick(quick: 5000, laptop: 20_000, paper: 45_000),
      validationSamples: preset.pick(quick: 1000, laptop: 5000, paper: 5000),
      epochs: preset.pick(quick: 6, laptop: 15, paper: 50),
      attackedSamples: preset.pick(quick: 20, laptop: 60, paper: 1000),
      attack: preset == .quick ? "quick" : "standard",
      twoSided: DeepTwoSidedSettings(
        samples: preset.pick(quick: 5, laptop: 20, paper: 100),
        nodes: preset.pick(quick: 1, laptop: 20, paper: 1000)))
  }

  // What is varied and measured.

  /// Each function once.
  var cells: [Cell] {
    var found = Set<Cell>()
    return settings.variants.flatMap { variant in
      settings.depths.flatMap { depth in settings.degrees.map { Cell($0, depth, variant) } }
    }.filter { found.insert($0).inserted }
  }

  let metrics: [Metric<Values>] =
    [Metric(\.testAccuracy, "testAccuracy", heading: "accuracy", digits: 4)]
    + attacked.map(\.median) + [
      Metric(\.loss, "loss", digits: 4), Metric(\.learningRate, "learningRate", heading: "rate"),
    ] + attacked.flatMap(\.twoSided)

  /// Parts of the paper's protocol.
  struct Source: Sendable {
    let train: Dataset
    /// The images behind the first ones.
    let validation: Dataset
    let test: Dataset
  }

  func load() throws(ExperimentError) -> Source {
    do {
      let all = try MNIST.load(split: .paperTrain)
      let first = min(settings.trainingSamples, max(1, all.count - settings.validationSamples))
      let last = min(all.count, first + settings.validationSamples)
      return Source(
        train: all.prefix(first), validation: all.subset(Array(first..<last)),
        test: try MNIST.load(split: .paperTest))
    } catch { throw ExperimentError(error) }
  }

  func inputs(_ source: Source) -> [RunInput] {
    [
      RunInput(.training, source.train), RunInput(.heldOut, source.validation),
      RunInput(.samples, source.test),
    ]
  }

  private func design(_ cell: Cell) -> DenseDesign {
    DenseDesign(
      exponent: cell.p, depth: cell.depth, width: settings.width, variant: cell.variant)
  }

  /// Forward and back are three passes of training for each learning rate, the ensemble takes some thousands a sample;
  /// medium products and their surroundings take about twice what large ones do.
  func operations(_ cell: Cell) -> Double {
    let pass = 2 * Double(design(cell).products(dimension: 784))
    let training =
      3 * Double(settings.epochs) * Double(settings.trainingSamples)
      * Double(settings.learningRates.count)
    return 2 * pass * (training + 20_000 * Double(settings.attackedSamples))
  }

  func measure(_ cell: Cell, _ context: Context) throws(ExperimentError) -> Measured<Values> {
    let (outcome, rate) = try trained(cell, context)
    let (network, test) = (outcome.network, context.source.test)
    var result = Measured(
      Values(
        testAccuracy: network.accuracy(test.inputs, labels: test.labels),
        loss: outcome.record.epochs.last?.loss ?? .nan, learningRate: rate))
    for (number, attacked) in Self.attacked.enumerated() {
      let (norm, images) = (attacked.norm, test.prefix(settings.attackedSamples))
      let name = "\(context.name)-\(norm.rawValue)"
      let found = try DeepRobustness.measured(
        in: context.directory, name: name,
        study: RobustnessStudy(norm: norm, attack: settings.attack, seed: context.seed),
        network: network, data: images, reference: context.source.train
      ) { context.report(0.3 + 0.35 * (Double(number) + 0.8 * $0)) }
      let twoSided = try DeepTwoSidedStudy(
        settings.twoSided.inRepeat(seed: context.seed, first: settings.seed), norm: norm,
        in: context.directory, name: name, seed: context.seed
      ).result(network, p: cell.p, data: images, attacked: found.radii) {
        context.report(0.3 + 0.35 * (Double(number) + 0.8 + 0.2 * $0))
      }
      result.values[keyPath: attacked.result] = .init(
        medianRadius: found.medianRadius,
        curve: attacked.radii.map { found.robustAccuracy(epsilon: $0) }, twoSided: twoSided)
      result.flags += found.flags.map { "\(norm.rawValue): \($0)" }
    }
    return result
  }

  /// The network of the learning rate with the best validation accuracy, the smaller one of equals; a rate at which
  /// training diverges is out of the question.
  private func trained(_ cell: Cell, _ context: Context) throws(ExperimentError) -> (
    outcome: DeepRun.Outcome, rate: Double
  ) {
    var best: (outcome: DeepRun.Outcome, rate: Double, accuracy: Double)?
    let architecture = try architecture(cell, context.source.train)
    for (number, rate) in settings.learningRates.enumerated() {
      var run = DeepRun(
        directory: context.directory, name: "\(context.name)-rate\(rate.formatted())",
        architecture: architecture,
        training: DeepTrainingConfiguration(
          loss: .crossEntropy, optimizer: .adam(learningRate: rate), schedule: .cosine(),
          epochs: settings.epochs, batchSize: settings.batchSize, seed: context.seed))
      run.data = DatasetRequest(data: "mnist", split: "paper-train")
      do throws(ExperimentError) {
        let outcome = try run.run(
          train: context.source.train, validation: context.source.validation
        ) { share, _ in
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
    let means = train.inputs.columnMeans().map { Double($0) }
    do {
      let inner = try design(cell).architecture(
        dimension: train.dimension, outputs: train.classCount, hasBias: true)
      let standardization = Standardization(
        means: means, deviations: [Double](repeating: 1, count: means.count))
      return try Architecture(
        inputShape: inner.inputShape, layers: [standardization] + inner.layers.layers)
    } catch { throw ExperimentError(error) }
  }

  func account(of results: Results) throws(ExperimentError) -> Account {
    try MNISTDeepReport(experiment: self, results: results).account()
  }
}
