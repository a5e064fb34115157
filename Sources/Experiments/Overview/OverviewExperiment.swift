import Datasets
import Figures
import Foundation
import Runs
import Studies

/// The paper's central result in a minute: mixture, digits and, where it is at hand, MNIST; one report.
struct OverviewExperiment: Experiment {
  /// "overview".
  static let name = "overview"
  /// One line.
  static let summary =
    "the central result on synthetic data and on real digits, in one report"

  struct Settings: Codable, Sendable, Equatable {
    var experiment = OverviewExperiment.name
    var preset: Preset
    var seed: UInt64
    /// What ``SettingChange`` has changed, by part; nil for nothing.
    var changes: [String: String]?
  }

  /// Clusters around orthonormal centres, handwritten digits, MNIST.
  var parts: [SettingsPart]
  /// The settings before any change.
  private let presetTable: SettingsTable
  private let options: ExperimentOptions

  /// The experiment with some options.
  init(_ options: ExperimentOptions) throws(ExperimentError) {
    self.options = options
    parts = [
      SettingsPart(MixtureExperiment.name, MixtureExperiment(options).settings),
      SettingsPart(DigitsParityExperiment.name, DigitsParityExperiment(options).settings),
      SettingsPart(MNISTParityExperiment.name, MNISTParityExperiment(options).settings),
    ]
    presetTable = try SettingsTable(experiment: Self.name, parts)
  }

  /// A part with its settings.
  private func part<Part: SingleExperiment>(_ type: Part.Type) throws(ExperimentError) -> Part {
    var part = try type.init(options)
    part.parts = parts.filter { $0.name == Part.name }
    return part
  }

  private struct Summary: Encodable {
    let preset: Preset
    let parts: [ClusterReport]
    let mnistParity: (any Encodable)?

    private enum CodingKeys: CodingKey { case experiment, preset, parts, mnistParity }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(OverviewExperiment.name, forKey: .experiment)
      try container.encode(preset, forKey: .preset)
      try container.encode(parts, forKey: .parts)
      if let mnistParity { try container.encode(mnistParity, forKey: .mnistParity) }
    }
  }

  /// Runs the experiments below `out` and writes a common report.
  func run(out: String, resume: Bool, progress: ProgressReporter) throws(ExperimentError)
    -> ExperimentOutcome
  {
    let settings = Settings(
      preset: options.preset, seed: parts[0].settings.seed,
      changes: try settingsTable().changes(from: presetTable))
    let directory = try RunDirectory(out, configuration: settings, resume: resume)
    let made = [
      try part(MixtureExperiment.self).execute(
        out: directory.path("mixture"), resume: true, progress: progress,
        figuresLink: "mixture/figures"),
      try part(DigitsParityExperiment.self).execute(
        out: directory.path("digits-parity"), resume: true, progress: progress,
        figuresLink: "digits-parity/figures"),
    ]
    var mnist: FinishedExperiment?
    if MNIST.isAvailable() {
      mnist = try part(MNISTParityExperiment.self).execute(
        out: directory.path("mnist-parity"), figuresLink: "mnist-parity/figures", resume: true,
        progress: progress)
    }
    let summary = Summary(
      preset: settings.preset, parts: made.map(\.report), mnistParity: mnist?.summary)
    let timed = Summary(
      preset: settings.preset, parts: made.map(\.timedReport), mnistParity: mnist?.summary)
    try directory.write(summary, to: "results/summary.json")
    try directory.write(
      RunEnvironment(seed: settings.seed, dataChecksum: ""), to: "environment.json")
    let subtitle: Prose =
      "Average class directions or every subclass: what a network of degree \(emphasis: "p") learns "
      + "decides how far it stands up to an adversary. Preset \(code: settings.preset.rawValue)."
    try ExperimentPart.write(
      made.map(\.section) + (mnist?.sections ?? []),
      title: "Implicit bias and adversarial robustness", subtitle: subtitle, directory: directory,
      seed: settings.seed)
    var tables = zip(["Orthonormal mixture", "Handwritten digits, even against odd"], made)
      .map { "\($0)\n\($1.report.terminalTable)" }
    tables.append(
      mnist.map { "MNIST, even against odd\n\($0.table)" }
        ?? "MNIST is not at hand and was left out; `polyrelu data fetch mnist` gets it.\n")
    return ExperimentOutcome(
      table: tables.joined(separator: "\n"), report: directory.path("report.html"),
      summary: JSONText.encode(timed), flags: made.flatMap(\.report.flags) + (mnist?.flags ?? [])
    )
  }
}
