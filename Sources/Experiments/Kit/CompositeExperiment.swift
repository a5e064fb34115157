import Figures
import Runs

/// An experiment that consists of others: each runs in a directory of its own, and one report has them all.
protocol CompositeExperiment: Experiment {
  /// The experiments by the names of their directories, in the order of the report.
  var members: [CompositeMember] { get set }
  /// Those that can run: data of others are not at hand.
  var available: [CompositeMember] { get }
  var options: ExperimentOptions { get }
  /// What the user said of the data, where it matters.
  var data: String? { get }

  /// The heading of the report.
  var title: String { get }
  var subtitle: Prose { get }
  /// What the terminal says of a member that cannot run.
  func absence(of member: CompositeMember) -> String
}

/// A part of an experiment.
struct CompositeMember: Sendable {
  /// The name of its directory.
  let name: String
  /// Its heading in the terminal and the report.
  let title: String
  var experiment: any GridExperiment

  init(_ name: String, title: String, _ experiment: any GridExperiment) {
    self.name = name
    self.title = title
    self.experiment = experiment
  }
}

/// `config.json` of an experiment that consists of others.
struct CompositeSettings: Codable, Equatable {
  let experiment: String
  let data: String?
  let preset: Preset
  let seed: UInt64
  /// What ``SettingChange`` has changed, by part; nil for nothing.
  let changes: [String: String]?
}

/// `results/summary.json` of an experiment that consists of others.
struct CompositeSummary: Encodable, Sendable {
  struct Part: Encodable, Sendable {
    let name: String
    let summary: any Encodable & Sendable

    func encode(to encoder: any Encoder) throws {
      try summary.encode(to: encoder)
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(name, forKey: .name)
    }

    private enum CodingKeys: CodingKey { case name }
  }

  let format: Int
  let experiment: String
  let preset: Preset
  let parts: [Part]
}

extension CompositeExperiment {
  var available: [CompositeMember] { members }
  var data: String? { nil }

  func absence(of member: CompositeMember) -> String { "" }

  var parts: [SettingsPart] {
    get {
      members.flatMap { member in
        member.experiment.parts.map { SettingsPart(member.name, $0.settings) }
      }
    }
    set {
      for part in newValue {
        guard let index = members.firstIndex(where: { $0.name == part.name }) else { continue }
        members[index].experiment.parts = [part]
      }
    }
  }

  func run(out: String, resume: Bool, progress: ProgressReporter) throws(ExperimentError)
    -> ExperimentOutcome
  {
    let settings = CompositeSettings(
      experiment: Self.name, data: data, preset: options.preset,
      seed: parts.first?.settings.seed ?? options.seed,
      changes: try settingsTable().changes(from: Self(options).settingsTable()))
    let available = available
    // Data that are missing or do not fit are found before a directory is made.
    for member in available { try member.experiment.check() }
    let directory = try RunDirectory(out, configuration: settings, resume: resume)
    var finished: [(member: CompositeMember, part: FinishedExperiment)] = []
    for member in available {
      finished.append(
        (
          member,
          try member.experiment.execute(
            out: directory.path(member.name), figuresLink: "\(member.name)/figures", resume: true,
            progress: progress)
        ))
    }
    let summary = CompositeSummary(
      format: GridSummary.format, experiment: Self.name, preset: settings.preset,
      parts: finished.map { .init(name: $0.member.name, summary: $0.part.summary) })
    try directory.write(summary, to: "results/summary.json")
    try directory.write(
      RunEnvironment(seed: settings.seed, dataChecksum: ""), to: "environment.json")
    let absent = members.filter { member in !available.contains { $0.name == member.name } }
    return try FinishedExperiment(
      directory: directory, title: title, subtitle: subtitle, seed: settings.seed,
      sections: finished.flatMap(\.part.sections),
      table: (finished.map { "\($0.member.title)\n\($0.part.table)" }
        + absent.map { absence(of: $0) + "\n" }).joined(separator: "\n"),
      summary: summary, flags: finished.flatMap(\.part.flags)
    ).outcome()
  }
}

extension GridExperiment {
  /// Looks whether the data can be loaded.
  func check() throws(ExperimentError) { _ = try load() }
}
