import Figures
import Foundation

/// The paper's central result in a minute: mixture and digits, one report.
public struct OverviewExperiment: Experiment {
  /// "overview".
  public static let name = "overview"
  /// One line.
  public static let summary =
    "the central result on synthetic data and on real digits, in one report"

  struct Settings: Codable, Sendable, Equatable {
    var experiment = OverviewExperiment.name
    var preset: Preset
    var seed: UInt64
  }

  let settings: Settings

  /// The experiment at some size.
  public init(preset: Preset, seed: UInt64) {
    settings = Settings(preset: preset, seed: seed)
  }

  private struct Summary: Codable {
    var experiment = OverviewExperiment.name
    let preset: Preset
    let parts: [ClusterReport]
  }

  /// Runs both experiments below `out` and writes a common report.
  public func run(out: String, resume: Bool, progress: ProgressReporter) throws(ExperimentError)
    -> ExperimentOutcome
  {
    let directory = try RunDirectory(out, configuration: settings, resume: resume)
    let mixture = MixtureExperiment(preset: settings.preset, seed: settings.seed)
    let digits = DigitsParityExperiment(preset: settings.preset, seed: settings.seed)
    let parts = [
      try mixture.execute(
        out: directory.path("mixture"), resume: true, progress: progress,
        figuresLink: "mixture/figures"),
      try digits.execute(
        out: directory.path("digits-parity"), resume: true, progress: progress,
        figuresLink: "digits-parity/figures"),
    ]
    let summary = Summary(preset: settings.preset, parts: parts.map(\.report))
    try directory.write(summary, to: "results/summary.json")
    try directory.write(
      RunEnvironment(seed: settings.seed, dataChecksum: ""), to: "environment.json")
    let subtitle: Prose =
      "Average class directions or every subclass: what a network of degree \(emphasis: "p") learns "
      + "decides how far it stands up to an adversary. Preset \(code: settings.preset.rawValue)."
    try ExperimentPart.write(
      parts.map(\.section), title: "Implicit bias and adversarial robustness", subtitle: subtitle,
      directory: directory, seed: settings.seed)
    let table = zip(["Orthonormal mixture", "Handwritten digits, even against odd"], parts)
      .map { "\($0)\n\($1.report.terminalTable)" }.joined(separator: "\n")
    return ExperimentOutcome(
      table: table, report: directory.path("report.html"), summary: JSONText.encode(summary),
      flags: parts.flatMap(\.report.flags))
  }
}
