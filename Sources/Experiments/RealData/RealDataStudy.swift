import Datasets
import Figures
import Foundation
import Runs
import Studies

/// What the experiments on real data share: load, train each degree and repeat, attack, draw, report.
struct RealDataStudy {
  var settings: RealDataSettings
  let title: String

  /// Runs it in a directory of its own.
  func run(out: String, resume: Bool, progress: ProgressReporter) throws(ExperimentError)
    -> ExperimentOutcome
  {
    let part = try execute(out: out, resume: resume, progress: progress, figuresLink: "figures")
    try ExperimentPart.write(
      [part.section], title: title, subtitle: Prose(subtitle), directory: part.directory,
      seed: settings.seed)
    return ExperimentOutcome(
      table: part.table, report: part.directory.path("report.html"), summary: part.summary,
      flags: part.flags)
  }

  private var subtitle: String {
    "Preset \(settings.preset.rawValue): data \(settings.data), labels \(settings.labels), width "
      + "\(settings.hiddenWidth), Adam \(settings.learningRate), batch \(settings.batchSize), "
      + "\(settings.epochs) epochs, \(settings.repeats) repeat(s)"
  }

  /// Runs it as part of a report.
  func execute(
    out: String, resume: Bool, progress: ProgressReporter, figuresLink: String
  ) throws(ExperimentError) -> RealDataReport.Part {
    // Missing data are found before a directory is made.
    let (train, test) = try load()
    let directory = try RunDirectory(
      out, configuration: settings,
      inputs: [
        RunInput(.training, train, request: request(settings.trainSplit)),
        RunInput(.samples, test, request: request(settings.testSplit)),
      ], resume: resume)
    try directory.write(
      RunEnvironment(seed: settings.seed, dataChecksum: train.checksum), to: "environment.json")
    var results: [RealDataResult] = []
    var twoSided: [TwoSidedRadii] = []
    let seeds = (0..<settings.repeats).map { settings.seed &+ UInt64($0) }
    progress.begin(
      RunPlan(
        degrees: settings.degrees, seeds: seeds, samples: train.count, epochs: settings.epochs,
        dimension: train.dimension, width: settings.hiddenWidth,
        attacks: min(settings.attackedSamples, test.count) * settings.curves.count,
        provedSeconds: settings.twoSided?.expectedSeconds ?? 0))
    for (number, seed) in seeds.enumerated() {
      for p in settings.degrees {
        progress.beginStage()
        let run = RealDataRun(
          directory: directory, settings: settings, exponent: p, seed: seed)
        results.append(try run.result(train: train, test: test, progress: progress))
        if number == 0, let effort = settings.twoSided {
          twoSided.append(try run.twoSided(effort, train: train, test: test, progress: progress))
        }
      }
    }
    return try RealDataReport(
      settings: settings, title: title, results: results,
      sides: settings.twoSided.map { TwoSidedReport(twoSided, settings: $0) }, train: train,
      test: test
    ).part(directory: directory, figuresLink: figuresLink)
  }

  /// The data.
  func load() throws(ExperimentError) -> (train: Dataset, test: Dataset) {
    do {
      let all = try DatasetCatalog.load(request(settings.trainSplit)).inUserUnits()
      let train = settings.trainLimit.map { all.prefix($0) } ?? all
      let test = try DatasetCatalog.load(request(settings.testSplit)).inUserUnits()
      return (train, try test.numbered(by: train.classes, of: "the training data \(train.name)"))
    } catch { throw ExperimentError(error) }
  }

  private func request(_ split: String) -> DatasetRequest {
    DatasetRequest(data: settings.data, labels: settings.labels, split: split)
  }
}
