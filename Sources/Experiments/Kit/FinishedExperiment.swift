import Figures
import Runs

/// A finished experiment, ready to stand in a report of its own or beside others.
struct FinishedExperiment: Sendable {
  let directory: RunDirectory
  let title: String
  let subtitle: Prose
  let seed: UInt64
  let sections: [Report.Section]
  /// The tables for the terminal.
  let table: String
  /// `results/summary.json`.
  let summary: any Encodable & Sendable
  let flags: [String]

  /// Writes `report.html`, whose last section says how it was made.
  func outcome() throws(ExperimentError) -> ExperimentOutcome {
    let environment = RunEnvironment(seed: seed, dataChecksum: "")
    let made = Report.Section(
      "How this was made",
      [
        .keyValues([
          .init("PolyReLU", Prose("\(environment.version), revision \(environment.commit)")),
          .init("processor", Prose(environment.cpu)),
          .init("seed", Prose("\(seed)")),
          .init(
            "radii",
            "sizes of the smallest perturbations found: upper bounds of the true ones; those called proved "
              + "or certified are lower bounds"),
        ]),
        .paragraph(
          "Every figure has its numbers in a CSV file beside it, in the folder figures; radii of "
            + "single samples are in the folder results."),
      ])
    do {
      try Report(title: title, subtitle: subtitle, sections: sections + [made])
        .write(to: directory.url.appendingPathComponent("report.html"))
    } catch { throw ExperimentError(error) }
    let seconds = directory.timing().map { $0.parts.values.reduce(0, +) }
    return ExperimentOutcome(
      table: table, report: directory.path("report.html"),
      summary: JSONText.encode(Timed(summary: summary, seconds: seconds)), flags: flags)
  }

  /// The summary with the seconds of all runs: on standard output, not in the file.
  private struct Timed: Encodable {
    let summary: any Encodable & Sendable
    let seconds: Double?

    private enum CodingKeys: CodingKey { case seconds }

    func encode(to encoder: any Encoder) throws {
      try summary.encode(to: encoder)
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encodeIfPresent(seconds, forKey: .seconds)
    }
  }
}
