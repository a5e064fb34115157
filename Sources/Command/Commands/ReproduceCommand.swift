import ArgumentParser
import Experiments
import Figures
import Foundation
import Runs
import Studies

/// `polyrelu reproduce`.
struct ReproduceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reproduce",
    abstract: "Run an experiment: train, measure, draw, report.",
    discussion: """
      An experiment leaves a directory with its settings, tables, figures and report.html. Most draw \
      certified accuracy beside attacked accuracy. An interrupted one goes on with --resume and ends in \
      the same bytes. Only proofs on features and images in the presets laptop and paper depend on the \
      speed of the machine, because they have limits of time.

        polyrelu reproduce --list
        polyrelu reproduce mixture --preset quick
        polyrelu reproduce mixture --preset paper --out runs/paper --resume
        polyrelu reproduce mixture --preset paper --repeats 1 --out runs/paper-once
      """)

  @Argument(help: "The experiment, one of `polyrelu reproduce --list`.")
  var name: String?

  @Flag(help: "List the experiments.")
  var list = false

  @Option(help: "How much to do: quick, laptop or paper.")
  var preset: Preset = .quick

  @Option(help: "Data for the experiment features: .npz with X, y and optionally group.")
  var data: String?

  @Option(
    parsing: .unconditional, help: "Repeats, each with a seed of its own. (default: the preset's)",
    transform: ArgumentText.repeats)
  var repeats: Int?

  @Option(help: "The directory to write. (default: runs/NAME-PRESET)")
  var out: String?

  @Flag(help: "Continue a run found in the directory.")
  var resume = false

  @OptionGroup(title: "Common") var common: CommonOptions

  private struct Entry: Encodable {
    let name: String
    let summary: String
  }

  func run() throws {
    if list { return try printList() }
    guard let name else {
      throw ExperimentError.usage("NAME is missing; expected one of `polyrelu reproduce --list`")
    }
    common.apply()
    let options = ExperimentOptions(
      preset: preset, seed: common.seed, data: data, repeats: repeats)
    if out == "" { throw ExperimentError.usage("--out is empty, expected a directory") }
    let directory = out ?? "runs/\(name)-\(preset.rawValue)"
    ExperimentCatalog.warnIfFiguresWillBeMissing()
    let outcome = try ExperimentCatalog.make(named: name, options).run(
      out: directory, resume: resume, progress: common.makeProgress())
    if common.json {
      try Output.write(outcome.summary)
    } else {
      let table = outcome.table.hasSuffix("\n") ? outcome.table : outcome.table + "\n"
      try Output.write("\(table)\nreport: \(outcome.report)\n")
    }
    for flag in outcome.flags { common.makeProgress().warn(flag) }
    if !outcome.flags.isEmpty { throw ExitStatus.unreliable }
  }

  private func printList() throws {
    let entries = ExperimentCatalog.all.map { Entry(name: $0.name, summary: $0.summary) }
    if common.json { return try Output.write(json: entries) }
    var table = TerminalTable(header: ["experiment", "shows"], alignments: [.left, .left])
    for entry in entries { table.append([entry.name, entry.summary]) }
    try Output.write(table.text)
  }
}

extension Preset: ExpressibleByArgument {}

extension ReproduceCommand: ResumableCommand {
  var keepsWork: Bool { !list }
}
