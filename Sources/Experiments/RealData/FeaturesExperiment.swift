import Datasets
import Foundation
import Runs
import Studies

/// Section 5.2.2 on any feature file: features of a pretrained network, several categories a class.
struct FeaturesExperiment: Experiment {
  /// "features".
  static let name = "features"
  /// One line.
  static let summary =
    "Section 5.2.2: pretrained features (--data FILE.npz), category mod 2 and all categories"
  /// Yes.
  static var takesData: Bool { true }

  var binary: RealDataStudy
  var categories: RealDataStudy

  private struct Settings: Codable, Equatable {
    let experiment: String
    let data: String
    let preset: Preset
    let seed: UInt64
    /// What ``SettingChange`` has changed, by part; nil for nothing.
    let changes: [String: String]?
  }

  /// The settings before any change.
  private let presetTable: SettingsTable

  /// Both labellings.
  var parts: [SettingsPart] {
    get {
      [SettingsPart("binary", binary.settings), SettingsPart("categories", categories.settings)]
    }
    set {
      for part in newValue {
        guard let settings = part.settings as? RealDataSettings else { continue }
        if part.name == "binary" { binary.settings = settings }
        if part.name == "categories" { categories.settings = settings }
      }
    }
  }

  private struct Summary: Codable {
    let experiment: String
    let preset: Preset
    let parts: [RealDataSummary]
  }

  /// The experiment with some options; without data, the Caltech256 features below `$POLYRELU_DATA`.
  init(_ options: ExperimentOptions) throws(ExperimentError) {
    let folder = ProcessInfo.processInfo.environment["POLYRELU_DATA"]
    let caltech = folder.map { $0 + "/caltech256/features.npz" }
    guard
      let data = options.data
        ?? caltech.flatMap({ FileManager.default.fileExists(atPath: $0) ? $0 : nil })
    else {
      throw .usage(
        "--data is missing: the experiment features needs a file .npz with X, y and optionally group, "
          + "or $POLYRELU_DATA/caltech256/features.npz")
    }
    binary = RealDataStudy(
      settings: .features(data, labels: .parity, options), title: "Features, category modulo 2")
    categories = RealDataStudy(
      settings: .features(data, labels: .category, options), title: "Features, all categories")
    presetTable = try SettingsTable(
      experiment: Self.name,
      [SettingsPart("binary", binary.settings), SettingsPart("categories", categories.settings)])
  }

  /// Runs both labellings below `out` and writes a common report.
  func run(out: String, resume: Bool, progress: ProgressReporter) throws(ExperimentError)
    -> ExperimentOutcome
  {
    let settings = Settings(
      experiment: Self.name, data: binary.settings.data, preset: binary.settings.preset,
      seed: binary.settings.seed, changes: try settingsTable().changes(from: presetTable))
    // Data that are missing or do not fit are found before a directory is made.
    for study in [binary, categories] { _ = try study.load() }
    let directory = try RunDirectory(out, configuration: settings, resume: resume)
    let made = [
      try binary.execute(
        out: directory.path("binary"), resume: true, progress: progress,
        figuresLink: "binary/figures"),
      try categories.execute(
        out: directory.path("categories"), resume: true, progress: progress,
        figuresLink: "categories/figures"),
    ]
    let summary = Summary(
      experiment: Self.name, preset: settings.preset, parts: made.map(\.content))
    try directory.write(summary, to: "results/summary.json")
    try ExperimentPart.write(
      made.map(\.section), title: "Robustness on pretrained features",
      subtitle: "Data \(code: settings.data), preset \(code: settings.preset.rawValue)",
      directory: directory, seed: settings.seed)
    let timed = Summary(
      experiment: Self.name, preset: settings.preset, parts: made.map(\.timedContent))
    let table = zip(["Category modulo 2", "All categories"], made)
      .map { "\($0)\n\($1.table)" }.joined(separator: "\n")
    return ExperimentOutcome(
      table: table, report: directory.path("report.html"), summary: JSONText.encode(timed),
      flags: made.flatMap(\.flags))
  }
}

extension RealDataSettings {
  /// The protocol of Section 5.2.2 at some size: no output bias, 80/20 split.
  static func features(_ data: String, labels: LabelRule, _ options: ExperimentOptions)
    -> RealDataSettings
  {
    // Features have no box. On them Auto-PGD alone leaves up to a tenth more samples standing than the
    // structural attack, also for linf, so both norms take the ensemble.
    let l2 = (1...15).map { Double($0) / 15 }
    let linf = paperRadii(to: 0.1)
    let curves = [
      Curve(
        norm: .l2, epsilons: l2, attack: "standard", plainAttack: "pgd",
        tabulated: [l2[2], l2[5]]),
      Curve(
        norm: .linf, epsilons: linf, attack: "standard", plainAttack: "pgd",
        tabulated: [linf[1], linf[4]]),
    ]
    let (repeats, width, epochs): (Int, Int, Int) =
      switch options.preset {
      case .quick: (1, 300, 30)
      case .laptop: (3, 1000, 51)
      case .paper: (5, 2000, 51)
      }
    return RealDataSettings(
      experiment: FeaturesExperiment.name, preset: options.preset, seed: options.seed, data: data,
      labels: labels, trainSplit: "train", testSplit: "test", trainLimit: nil,
      repeats: options.repeats ?? repeats,
      hiddenWidth: width, epochs: epochs, batchSize: options.preset == .paper ? 1000 : 100,
      bias: false,
      attackedSamples: options.preset == .quick ? 100 : options.preset == .laptop ? 500 : 5000,
      curves: curves,
      twoSided: .wideNetworks(labels, options.preset, samples: 40, seconds: 10))
  }
}
