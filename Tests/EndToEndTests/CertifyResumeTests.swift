import Foundation
import Testing

/// Certificates are written as they are found, and a killed search goes on to the same bytes.
@Suite struct CertifyResumeTests {
  let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.succeed("\(Tiny.train) --out run --quiet")
  }

  private let line = "certify --model run --data mixture --norm l2 --limit 40 --quiet"

  private func bounds(_ outcome: Outcome) throws -> [[Double?]] {
    try #require(try outcome.json()["samples"] as? [[String: Any]]).map {
      [$0["lower"] as? Double, $0["upper"] as? Double]
    }
  }

  @Test(arguments: ["", " --smoothing 0.1 --smoothing-samples 2000"])
  func killedAndResumed(_ smoothing: String) throws {
    let line = line + smoothing
    let whole = try workspace.succeed("\(line) --json --certificates whole")
    let process = try workspace.begin("\(line) --certificates broken", errors: "errors")
    workspace.wait(for: "broken/checkpoints/result-000003.json", while: process)
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    let before = try workspace.files().filter { $0.hasPrefix("broken/checkpoints/result-") }
    #expect(!before.isEmpty)
    let resumed = try workspace.succeed("\(line) --json --certificates broken --resume")
    #expect(resumed.errors.isEmpty, "\(resumed.errors)")
    #expect(try bounds(resumed) == bounds(whole))
    let changed = try workspace.differences("whole", "broken")
    #expect(changed.subtracting(["timing.json"]).isEmpty, "\(changed)")
    try workspace.succeed("\(self.line) --certificates broken --check")
  }

  @Test(arguments: ["lower", "upper", "perturbation", "status", "certificate", "cut", "identity"])
  func whatIsFoundIsNotBelieved(_ damage: String) throws {
    let line = line.replacingOccurrences(of: "--limit 40", with: "--limit 6")
    let whole = try workspace.succeed("\(line) --json --certificates proofs")
    let name = "proofs/checkpoints/result-000002.json"
    let bytes = try workspace.bytes(name)
    var result = try #require(
      try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
    switch damage {
    case "lower": result["lower"] = (result["upper"] as? Double ?? 1) * 0.999999
    case "upper": result["upper"] = (result["upper"] as? Double ?? 1) * 2
    case "perturbation":
      result["perturbation"] = (result["perturbation"] as? [Double] ?? []).map { $0 * 1e30 }
    case "status": result["status"] = "misclassified"
    case "identity": result["identity"] = "0"
    default: break
    }
    try JSONSerialization.data(withJSONObject: result)
      .write(to: URL(fileURLWithPath: workspace.path(name)))
    if damage == "cut" { truncate(workspace.path(name), 20) }
    if damage == "certificate" {
      let other = "proofs/sample-000002.json"
      let text = String(decoding: try workspace.bytes(other), as: UTF8.self)
        .replacingOccurrences(of: "\"multiplier\":", with: "\"multiplier\":1e3")
      try Data(text.utf8).write(to: URL(fileURLWithPath: workspace.path(other)))
    }
    let again = try workspace.succeed("\(line) --json --certificates proofs --resume")
    #expect(
      again.errors.hasPrefix("warning: ") && again.errors.contains("000002.json")
        && again.errors.count { $0 == "\n" } == 1, "\(again.errors)")
    #expect(try bounds(again) == bounds(whole))
    #expect(try workspace.bytes(name) == bytes)
  }

  @Test func directoriesAreTriedFirst() throws {
    try Data("x".utf8).write(to: URL(fileURLWithPath: workspace.path("file")))
    let start = Date()
    for directory in ["file", "file/below", "/proc/proofs"] {
      let outcome = try workspace.run(
        "certify --model run --data mixture --norm l2 --quiet --certificates \(directory)")
      #expect(outcome.status == 2 && outcome.output.isEmpty, "\(directory)")
      #expect(outcome.errors.hasPrefix("error: --certificates \(directory): "), "\(outcome.errors)")
    }
    // Thousands of samples would have been certified.
    #expect(Date().timeIntervalSince(start) < 60)
    let run = try workspace.run("\(line) --certificates run")
    #expect(run.status == 2 && run.errors.contains("holds a run of the kind 'training'"))
    let bare = try workspace.run("\(line) --resume")
    #expect(bare.status == 2 && bare.errors.contains("--certificates"))
  }

  /// Without --resume an earlier run is replaced, and leaves no proof of samples that are not asked for.
  @Test func earlierCertificatesAreReplaced() throws {
    let few = line.replacingOccurrences(of: "--limit 40", with: "--limit 3")
    let more = line.replacingOccurrences(of: "--limit 40", with: "--limit 5")
    try workspace.succeed("\(more) --certificates proofs")
    try workspace.succeed("\(few) --certificates proofs")
    try workspace.succeed("\(few) --certificates fresh")
    #expect(try workspace.differences("proofs", "fresh").subtracting(["timing.json"]).isEmpty)
  }
}
