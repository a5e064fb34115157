import Foundation
import Testing

/// `reproduce` with settings changed by name.
@Suite struct ReproduceSettingsTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private let tiny =
    "--set mixture.dimension=16 --set subclasses=4 --set positive=2 --set samples=60 "
    + "--set hiddenWidth=20 --set attackedSamples=6 --set alpha=0.1"

  @Test func settingsArePrintedAndNothingIsRun() throws {
    let line =
      "reproduce p-sweep --set degrees=1,3 --set alpha=0.05 --set seed=18446744073709551615"
    let text = try workspace.succeed("\(line) --settings").output
    let rows = text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    for row in [
      ["degrees", "1,3"], ["flow.mixture.alpha", "0.05"], ["seed", "18446744073709551615"],
      ["flow.flow.smallestStep", "none"],
    ] { #expect(rows.contains(row), "\(row)") }
    let json = try workspace.succeed("\(line) --settings --json")
    #expect(try json.json()["degrees"] as? [Double] == [1, 3])
    #expect(json.output.contains("\"seed\" : 18446744073709551615"))
    #expect(try workspace.files().isEmpty)
  }

  @Test func aChangedExperimentIsRun() throws {
    let line = "reproduce p-sweep --set degrees=1,3.5 \(tiny) --out run --quiet"
    let outcome = try workspace.succeed("\(line) --json")
    let cells = try #require(try outcome.json()["cells"] as? [[String: Any]])
    #expect(cells.count == 2)
    let config = try #require(
      try JSONSerialization.jsonObject(with: workspace.bytes("run/config.json")) as? [String: Any])
    #expect(config["degrees"] as? [Double] == [1, 3.5])
    let report = String(decoding: try workspace.bytes("run/report.html"), as: UTF8.self)
    #expect(report.contains("D = 16") && report.contains("alpha = 0.1"))
    // The same settings go on, in whatever way they are said; others do not.
    let table = try workspace.succeed("\(line) --resume").output
    let first = table.split(separator: "\n").dropFirst(2).prefix(2)
      .compactMap { $0.split(separator: " ").first.map(String.init) }
    #expect(first == ["1", "3.5"])
    let other = try workspace.run("reproduce p-sweep --set degrees=1,3 \(tiny) --out run --resume")
    #expect(other.status == 2 && other.errors.contains("other settings"))
  }

  @Test(arguments: [
    "--set degrees", "--set nothing=1", "--set degrees=a", "--set degrees=0", "--set flow=1",
    "--set repeats=2 --repeats 3", "--set seed=1 --seed 2", "--set preset=paper",
    "--set alpha=1 --set mixture.alpha=2",
  ]) func wrongChangesAreOneLine(change: String) throws {
    let outcome = try workspace.run("reproduce p-sweep \(change) --out run")
    #expect(outcome.status == 2 && outcome.output.isEmpty, "\(change)")
    #expect(outcome.errors.hasPrefix("error: --set"), "\(outcome.errors)")
    #expect(outcome.errors.count { $0 == "\n" } == 1 && outcome.errors.count < 1000)
    #expect(try workspace.files().isEmpty)
  }
}
