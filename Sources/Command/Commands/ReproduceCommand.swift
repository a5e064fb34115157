import ArgumentParser
import Experiments
import Figures
import Foundation
import Runs
import Studies

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

      Every setting can be changed by its name, or by the end of its name where no other ends so:

        polyrelu reproduce p-sweep --settings
        polyrelu reproduce p-sweep --set degrees=1,3 --set alpha=0.02
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

  @Option(
    name: .customLong("set"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Change a setting; may be given several times. Lists have commas: degrees=1,3.",
      valueName: "key=value"), transform: ArgumentText.change)
  var changes: [SettingChange] = []

  @Flag(help: "Print all settings and run nothing.")
  var settings = false

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
    let experiment = try ExperimentCatalog.make(named: name, options)
    if settings { return try printSettings(experiment) }
    if out == "" { throw ExperimentError.usage("--out is empty, expected a directory") }
    let directory = out ?? "runs/\(name)-\(preset.rawValue)"
    ExperimentCatalog.warnIfFiguresWillBeMissing()
    let outcome = try experiment.run(
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

  private var options: ExperimentOptions {
    var options = ExperimentOptions(
      preset: preset, seed: common.seed, data: data, repeats: repeats)
    options.isSeedGiven = common.givenSeed != nil
    options.changes = changes
    return options
  }

  private func printSettings(_ experiment: any Experiment) throws {
    let table = try experiment.settingsTable()
    try Output.write(common.json ? table.json : table.text)
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
  var keepsWork: Bool { !list && !settings }
}
