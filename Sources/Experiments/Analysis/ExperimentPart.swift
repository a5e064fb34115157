import Figures
import Foundation
import Runs
import Studies

/// A finished experiment, ready to stand in a report of its own or beside others.
struct ExperimentPart {
  let directory: RunDirectory
  let report: ClusterReport
  let section: Report.Section

  /// The report with seconds.
  var timedReport: ClusterReport { report.timed(by: directory.timing()) }

  /// Writes `report.html` of this part alone.
  func outcome(title: String, subtitle: Prose, seed: UInt64) throws(ExperimentError)
    -> ExperimentOutcome
  {
    try Self.write(
      [section], title: title, subtitle: subtitle, directory: directory, seed: seed)
    return ExperimentOutcome(
      table: report.terminalTable, report: directory.path("report.html"),
      summary: JSONText.encode(timedReport), flags: report.flags)
  }

  /// Writes a report with a last section on how it was made.
  static func write(
    _ sections: [Report.Section], title: String, subtitle: Prose, directory: RunDirectory,
    seed: UInt64
  ) throws(ExperimentError) {
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
  }
}
