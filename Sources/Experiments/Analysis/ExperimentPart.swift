import Figures
import Runs

enum ExperimentPart {
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
