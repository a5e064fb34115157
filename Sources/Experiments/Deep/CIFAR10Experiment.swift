import Datasets
import DeepNetworks
import Foundation
import LinearCore
import Runs
import Studies

/// Natural images and deep networks: whether the degree changes how robust a small convolutional and a
/// dense network are on CIFAR-10, at the end of training and at equal clean accuracy, beside adversarial
/// training.
struct CIFAR10Experiment: SingleExperiment {
  /// "cifar10".
  static let name = "cifar10"
  /// One line.
  static let summary =
    "CIFAR-10: a convolutional and a dense network, p = 1 to 4, l2 and linf attacks, matched accuracy, "
    + "adversarial training"

  /// What determines the run.
  var settings: CIFAR10Settings

  /// The experiment at some size.
  init(_ options: ExperimentOptions) { settings = CIFAR10Settings(options) }

  /// Trains, attacks and reports.
  func run(out: String, resume: Bool, progress: ProgressReporter) throws(ExperimentError)
    -> ExperimentOutcome
  {
    // Missing data are found before a directory is made.
    let train: Dataset
    let parts: [Dataset]
    do {
      train = try CIFAR10.load(split: .train).prefix(settings.trainLimit)
      parts = [
        try CIFAR10.load(split: .validation), try CIFAR10.load(split: .heldOut),
        try CIFAR10.load(split: .test),
      ]
    } catch { throw ExperimentError(error) }
    let directory = try RunDirectory(
      out, configuration: settings,
      inputs: [RunInput(.training, train), RunInput(.heldOut, parts[0])], resume: resume)
    try directory.write(
      RunEnvironment(seed: settings.seed, dataChecksum: train.checksum), to: "environment.json")
    let training = CIFAR10Training(
      settings: settings, directory: directory, train: train, validation: parts[0])
    progress.begin(try training.plan())
    progress.beginStage()
    let rates = try training.tryRates(progress)
    progress.beginStage()
    let trained = try training.train(
      "training", training.cells, seeds: training.seeds, rates: rates, progress)
    progress.beginStage()
    _ = try training.train(
      "adversarial training", training.adversarialCells, seeds: [settings.seed], rates: rates,
      progress)
    let measurement = CIFAR10Measurement(
      training: training, heldOut: parts[1], test: parts[2], rates: rates)
    var measured: [SweepResults<CIFAR10Cell>] = []
    for moment in [CIFAR10Cell.Moment.end, .matched, .counterpart, .adversarial] {
      progress.beginStage()
      measured.append(try measurement.results(moment, progress))
    }
    let results = SweepResults(
      cells: measured.flatMap(\.cells), seeds: training.seeds, runs: measured.flatMap(\.runs))
    var chosen: [CIFAR10TrainingCell: Double] = [:]
    for cell in training.cells {
      chosen[cell] = try training.bestRate(cell.network, cell.p, in: rates)
    }
    return try SweepReport(
      experiment: Self.name, preset: settings.preset, results: results,
      metrics: CIFAR10Measurement.metrics,
      account: CIFAR10Account(
        settings: settings, results: results, rates: chosen,
        figures: CIFAR10Figures(settings: settings, results: results, trained: trained),
        parameterCounts: try training.parameterCounts()
      ).account
    ).write(to: directory)
  }
}
