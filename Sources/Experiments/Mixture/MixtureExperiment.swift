import Alignment
import Certification
import Datasets
import Figures
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Theory
import Training

/// Section 5.1 of Min and Vidal (ICML 2024): networks of degree 1 and 3 trained from tiny weights on an
/// orthonormal mixture; (a) distance to the ideal classifier against alpha, and at one alpha (b) neuron
/// contributions, (c, d) alignment and (e) robust accuracy.
struct MixtureExperiment: SingleExperiment {
  /// "mixture".
  static let name = "mixture"
  /// One line.
  static let summary =
    "Section 5.1: clusters around orthonormal centres, p = 1 against p = 3"

  /// What determines the run; `config.json`.
  struct Settings: ExperimentSettings {
    var experiment = MixtureExperiment.name
    /// How much is done.
    var preset: Preset
    /// The first seed.
    var seed: UInt64
    var degrees = [1.0, 3.0]
    /// How many seeds.
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
  }

  /// The settings.
  var settings: Settings

  /// The experiment at some size.
  init(_ options: ExperimentOptions) {
    let (preset, seed) = (options.preset, options.seed)
    settings =
      switch preset {
      case .quick:
        Settings(
          preset: preset, seed: seed, repeats: options.repeats ?? 1,
          mixture: OrthonormalMixture(dimension: 200, alpha: 0.1, samples: 2000), hiddenWidth: 200,
          epochs: 200, attackedSamples: 500,
          distance: DistanceSettings(
            alphas: [0.03, 0.1, 0.3], samples: 2000,
            ascent: NormalizedGradientAscent(batches: 1, points: 100, steps: 1000),
            ascentRepeats: 1),
          twoSided: TwoSidedSettings(
            samples: 100, nodes: 500, smoothing: SmoothingSettings(sigma: 0.25, samples: 1000)))
      case .laptop:
        Settings(
          preset: preset, seed: seed, repeats: options.repeats ?? 5,
          mixture: OrthonormalMixture(dimension: 1000, alpha: 0.05, samples: 5000),
          hiddenWidth: 500, epochs: 150, attackedSamples: 1000,
          distance: DistanceSettings(
            alphas: [0.02, 0.05, 0.15, 0.3], samples: 5000,
            ascent: NormalizedGradientAscent(batches: 1, points: 200), ascentRepeats: 1),
          twoSided: TwoSidedSettings(
            samples: 200, attack: "standard", nodes: 2000, smoothing: SmoothingSettings(sigma: 0.25)
          ))
      case .paper:
        Settings(
          preset: preset, seed: seed, repeats: options.repeats ?? 5,
          mixture: OrthonormalMixture(dimension: 1000, alpha: 0.01, samples: 20_000),
          hiddenWidth: 2000, epochs: 401, attackedSamples: 20_000,
          distance: DistanceSettings(
            alphas: (0..<15).map { 0.01 + 0.29 * Double($0) / 14 }, samples: 20_000,
            ascent: NormalizedGradientAscent(), ascentRepeats: 1),
          twoSided: TwoSidedSettings(
            samples: 500, attack: "standard", nodes: 20_000,
            smoothing: SmoothingSettings(sigma: 0.25)))
      }
  }

  /// Runs it.
  func run(out: String, resume: Bool, progress: ProgressReporter) throws(ExperimentError)
    -> ExperimentOutcome
  {
    let part = try execute(out: out, resume: resume, progress: progress, figuresLink: "figures")
    return try part.outcome(
      title: "Robustness on an orthonormal mixture", subtitle: Prose(subtitle), seed: settings.seed)
  }

  var subtitle: String {
    "Preset \(settings.preset.rawValue): D = \(settings.mixture.dimension), "
      + "K = \(settings.mixture.subclasses) subclasses, alpha = \(settings.mixture.alpha), "
      + "\(settings.mixture.samples) samples, width \(settings.hiddenWidth), "
      + "\(settings.epochs) epochs, \(settings.repeats) repeat(s)"
  }

  /// Runs it as part of a report.
  func execute(out: String, resume: Bool, progress: ProgressReporter, figuresLink: String)
    throws(ExperimentError) -> ExperimentPart
  {
    let directory = try RunDirectory(out, configuration: settings, resume: resume)
    let mixture = settings.mixture
    var runs: [ClusterRunResult] = []
    var twoSided: [TwoSidedRadii] = []
    var checksum = ""
    progress.begin(plan())
    progress.beginStage()
    let distances = try distances(in: directory, progress: progress)
    progress.beginStage()
    for number in 0..<settings.repeats {
      let seed = settings.seed &+ UInt64(number)
      let data: (train: Dataset, test: Dataset)
      do {
        let stream = RandomStream(seed: seed).child("data")
        data = (try mixture.generate(stream: stream), try testData(seed: seed))
      } catch { throw ExperimentError(error) }
      if number == 0 { checksum = data.train.checksum }
      for p in settings.degrees {
        let run = ClusterRun(
          directory: directory, configuration: training(p, seed, mixture: mixture),
          study: RobustnessStudy(epsilons: epsilons, attack: settings.attack, seed: seed))
        runs.append(
          try run.result(
            train: data.train, heldOut: data.test, attacked: data.test, progress: progress))
        if number == 0 {
          twoSided.append(
            try run.twoSided(
              settings.twoSided, attacked: data.test, train: data.train, progress: progress))
        }
      }
    }
    try directory.write(
      RunEnvironment(seed: settings.seed, dataChecksum: checksum), to: "environment.json")
    return try MixtureReport(
      settings: settings, runs: runs, twoSided: twoSided, distances: distances
    ).part(directory: directory, figuresLink: figuresLink)
  }

  /// The samples that are attacked, and evaluated every epoch.
  func testData(seed: UInt64) throws(DatasetError) -> Dataset {
    var mixture = settings.mixture
    mixture.samples = settings.attackedSamples
    return try mixture.generate(stream: RandomStream(seed: seed).child("data"), part: "test")
  }

  /// What takes time, estimated from the rate of dense products that this machine has.
  private func plan() -> RunPlan {
    let size =
      Double(settings.mixture.samples) * Double(settings.mixture.dimension)
    let width = Double(settings.hiddenWidth)
    let (epochs, threads) = (Double(settings.epochs), Double(Parallel.threadCount))
    let rate = RunPlan.productRate()
    var networks = 0.0
    for p in settings.degrees {
      // All neurons step in some epochs only (measured: 9 at p = 1, 16 at p = 3); the rest is the way of the
      // samples through memory.
      let whole: Double = min(epochs, 5 + 4 * p)
      networks += whole * 4 * size * width / rate + epochs * size * 1e-9 / threads
    }
    let (alphas, degrees) = (settings.distance.alphas.count, settings.degrees.count)
    let ascent = settings.distance.ascent
    let steps = Double(ascent.batches) * Double(ascent.points) * Double(ascent.steps)
    let ascents =
      steps * Double(min(settings.distance.ascentRepeats, settings.repeats))
      * Double(alphas * degrees) * 5e-7
    let networksAttacked = Double(settings.repeats * degrees)
    let attacked = Double(settings.attackedSamples) * networksAttacked * 2e-3
    let proved = Double(settings.twoSided.samples) * Double(degrees) * 0.1
    return RunPlan([
      .init(
        "train \(alphas * degrees * settings.repeats) networks and measure their distances",
        seconds: networks * Double(alphas * settings.repeats) + ascents / threads),
      .init(
        "attack \(settings.repeats * degrees) networks, prove radii",
        seconds: (attacked + proved) / threads),
    ])
  }

  /// The training of one network, the same at every alpha.
  func training(_ p: Double, _ seed: UInt64, mixture: OrthonormalMixture)
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

  /// linspace(0, 1.5, 15), the radii of the paper.
  private var epsilons: [Double] { (0..<15).map { 1.5 * Double($0) / 14 } }
}
