import Certification
import Datasets
import Figures
import Foundation
import LinearCore
import Networks
import Runs
import Studies
import Training

/// Real data: the parity of handwritten digits, ten subclasses in two classes, for p = 1 to 4.
struct DigitsParityExperiment: SingleExperiment {
  /// "digits-parity".
  static let name = "digits-parity"
  /// One line.
  static let summary =
    "1,797 handwritten digits, even against odd, p = 1 to 4 from small initialisation, l2 attacks"

  /// What determines the run; `config.json`.
  struct Settings: ExperimentSettings {
    var experiment = DigitsParityExperiment.name
    /// How much is done.
    var preset: Preset
    /// The first seed.
    var seed: UInt64
    var degrees = [1.0, 2.0, 3.0, 4.0]
    /// How many seeds.
    var repeats: Int
    var hiddenWidth: Int
    var initialScale: Double
    var learningRate = 0.5
    var momentum = 0.9
    var batchSize = 64
    var epochs: Int
    var attack = "standard"
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
          preset: preset, seed: seed, repeats: options.repeats ?? 1, hiddenWidth: 200,
          initialScale: 1e-3, epochs: 80,
          twoSided: TwoSidedSettings(
            samples: 20, nodes: 400, smoothing: SmoothingSettings(sigma: 0.25)))
      case .laptop:
        Settings(
          preset: preset, seed: seed, repeats: options.repeats ?? 5, hiddenWidth: 500,
          initialScale: 1e-3, epochs: 120,
          twoSided: TwoSidedSettings(
            samples: 200, attack: "standard", nodes: 2000, smoothing: SmoothingSettings(sigma: 0.25)
          )
        )
      case .paper:
        Settings(
          preset: preset, seed: seed, repeats: options.repeats ?? 5, hiddenWidth: 2000,
          initialScale: 1e-3,
          epochs: 401,
          twoSided: TwoSidedSettings(
            samples: 200, attack: "standard", nodes: 20_000,
            smoothing: SmoothingSettings(sigma: 0.25)))
      }
  }

  /// Runs it.
  func run(out: String, resume: Bool, progress: ProgressReporter) throws(ExperimentError)
    -> ExperimentOutcome
  {
    let part = try execute(out: out, resume: resume, progress: progress, figuresLink: "figures")
    return try part.outcome(
      title: "Robustness on handwritten digits", subtitle: Prose(subtitle), seed: settings.seed)
  }

  var subtitle: String {
    "Preset \(settings.preset.rawValue): width \(settings.hiddenWidth), \(settings.epochs) epochs, "
      + "initialisation \(settings.initialScale), \(settings.repeats) repeat(s)"
  }

  /// Runs it as part of a report.
  func execute(out: String, resume: Bool, progress: ProgressReporter, figuresLink: String)
    throws(ExperimentError) -> ExperimentPart
  {
    let train: Dataset
    let test: Dataset
    do {
      train = try Digits.load(labels: .parity, split: .train)
      test = try Digits.load(labels: .parity, split: .test)
    } catch { throw ExperimentError(error) }
    let directory = try RunDirectory(
      out, configuration: settings,
      inputs: [RunInput(.training, train), RunInput(.samples, test)], resume: resume)
    var runs: [ClusterRun] = []
    var results: [ClusterRunResult] = []
    var twoSided: [TwoSidedRadii] = []
    let seeds = (0..<settings.repeats).map { settings.seed &+ UInt64($0) }
    progress.begin(
      RunPlan(
        degrees: settings.degrees, seeds: seeds, samples: train.count, epochs: settings.epochs,
        dimension: train.dimension, width: settings.hiddenWidth, attacks: test.count,
        provedSeconds: settings.twoSided.expectedSeconds))
    for (number, seed) in seeds.enumerated() {
      for p in settings.degrees {
        progress.beginStage()
        let run = ClusterRun(
          directory: directory, configuration: training(p, seed),
          study: RobustnessStudy(
            epsilons: (0...20).map { Double($0) / 10 }, attack: settings.attack, seed: seed))
        runs.append(run)
        results.append(
          try run.result(train: train, heldOut: test, attacked: test, progress: progress))
        if number == 0 {
          twoSided.append(
            try run.twoSided(settings.twoSided, attacked: test, train: train, progress: progress))
        }
      }
    }
    try directory.write(
      RunEnvironment(seed: settings.seed, dataChecksum: train.checksum), to: "environment.json")
    return try DigitsReport(
      settings: settings, runs: results, twoSided: twoSided, train: train, test: test
    ).part(
      directory: directory, firstRuns: Array(runs.prefix(settings.degrees.count)),
      figuresLink: figuresLink)
  }

  private func training(_ p: Double, _ seed: UInt64) -> TrainingRunConfiguration {
    TrainingRunConfiguration(
      data: DatasetRequest(data: "digits", labels: .parity, split: "train"),
      model: ModelConfiguration(
        exponent: p, hiddenWidth: settings.hiddenWidth,
        initialization: .gaussian(scale: settings.initialScale), center: true, normalizeInput: true),
      training: TrainingConfiguration(
        loss: .logistic,
        optimizer: .sgd(learningRate: settings.learningRate, momentum: settings.momentum),
        epochs: settings.epochs, batchSize: settings.batchSize, seed: seed))
  }
}
