import Foundation
import Testing

/// Runs know what they were made from: every kind says it, and nothing goes on when it has changed.
@Suite struct RunIdentityTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private let flow =
    "train --data mixture --dimension 20 --subclasses 4 --positive 2 --samples 100 --width 12 --p 3 "
    + "--optimizer gradient-flow --init-scale 1e-3 --quiet"
  private let features = "train --data d.npz --p 2 --width 8 --epochs 5 --quiet"

  private func config(_ run: String) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: workspace.bytes("\(run)/config.json"))
        as? [String: Any])
  }

  private func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: workspace.path(name)))
  }

  /// The README's own example: dimension, subclasses and samples are those of the run.
  @Test func gradientFlowRunsAreUnderstood() throws {
    try workspace.succeed("\(flow) --out flow")
    #expect(try config("flow")["kind"] as? String == "gradient-flow")
    let attack = try workspace.succeed(
      "attack --model flow --data mixture --norm l2 --limit 10 --attack quick --quiet --json")
    #expect(try attack.json()["cleanAccuracy"] as? Double == 1)
    try workspace.succeed("certify --model flow --data mixture --norm l2 --limit 2 --quiet")
    let inspection = try workspace.succeed("inspect --model flow --data mixture --json").json()
    #expect(inspection["inputDimension"] as? Int == 20 && inspection["accuracy"] as? Double == 1)
    // The file of the run, named itself, belongs to the run as well.
    try workspace.succeed("inspect --model flow/model.safetensors --data mixture")
  }

  /// What the last version has written has no kind and no inputs.
  @Test func runsOfTheLastVersionAreUnderstood() throws {
    try workspace.succeed("\(flow) --out flow")
    try workspace.succeed("\(Tiny.train) --out sgd --quiet")
    for run in ["flow", "sgd"] {
      var old = try config(run)
      for key in ["kind", "format", "inputs"] { old[key] = nil }
      try JSONSerialization.data(withJSONObject: old)
        .write(to: URL(fileURLWithPath: workspace.path("\(run)/config.json")))
      try workspace.succeed("inspect --model \(run) --data mixture")
    }
    let again = try workspace.succeed("\(Tiny.train) --out sgd --quiet --resume")
    #expect(again.errors.contains("an earlier version"))
    #expect(try config("sgd")["kind"] as? String == "training")
    let other = try workspace.run("\(flow) --out sgd --resume")
    #expect(other.status == 2 && other.errors.contains("sgd/config.json"))
  }

  @Test(arguments: [
    "", "{", "[]", "{}", "nonsense", "{\"data\": 3}", "{\"data\": {\"data\": \"mixture\"}}",
    "{\"format\": 99, \"data\": {}}",
  ])
  func damagedConfigurationsAreRefused(_ text: String) throws {
    try workspace.succeed("\(Tiny.train) --out run --quiet")
    try write(text, to: "run/config.json")
    for line in [
      "attack --model run --data mixture --norm l2", "inspect --model run --data mixture",
      "certify --model run --data mixture --norm l2", "\(Tiny.train) --out run --resume --quiet",
    ] {
      let outcome = try workspace.run(line)
      #expect(outcome.status == 2 && outcome.output.isEmpty, "\(line)")
      #expect(outcome.errors.contains("run/config.json"), "\(line): \(outcome.errors)")
      #expect(outcome.errors.count { $0 == "\n" } == 1, "\(line)")
    }
  }

  /// A checkpoint alone does not say on what data it was trained.
  @Test func runsWithoutConfigurationAreNotContinued() throws {
    try workspace.succeed("\(Tiny.train) --out run --quiet")
    unlink(workspace.path("run/config.json"))
    let files = try workspace.files()
    for line in ["\(Tiny.train) --out run --quiet", "\(flow) --out run --resume"] {
      let outcome = try workspace.run(line)
      #expect(outcome.status == 2 && outcome.output.isEmpty)
      #expect(outcome.errors.contains("but no config.json"), "\(outcome.errors)")
      #expect(try workspace.files() == files)
    }
  }

  @Test func configurationsThatAreNoFilesAreRefused() throws {
    try workspace.succeed("\(Tiny.train) --out run --quiet")
    let path = workspace.path("run/config.json")
    unlink(path)
    mkdir(path, 0o755)
    var outcome = try workspace.run("inspect --model run --data mixture")
    #expect(outcome.status == 2 && outcome.errors.contains("is not a regular file"))
    rmdir(path)
    mkfifo(path, 0o644)
    outcome = try workspace.run("inspect --model run --data mixture")
    #expect(outcome.status == 2 && outcome.errors.contains("is not a regular file"))
  }

  @Test(arguments: ["", "--optimizer gradient-flow --init-scale 1e-2 --time 20"])
  func dataThatHaveChangedAreRefused(_ options: String) throws {
    try workspace.writeFeatures("d.npz") { _, _ in }
    let line =
      options.isEmpty ? features : "train --data d.npz --p 2 --width 8 --quiet \(options)"
    try workspace.succeed("\(line) --out run")
    let files = try ["model.safetensors", "config.json"].map { try workspace.bytes("run/\($0)") }
    // A byte of the same length, so that a size or a time says nothing.
    try workspace.writeFeatures("d.npz") { inputs, _ in inputs[7] += 0.25 }
    let refused = try workspace.run("\(line) --out run --resume")
    #expect(refused.status == 2 && refused.output.isEmpty)
    #expect(refused.errors.contains("d.npz: has changed since"), "\(refused.errors)")
    #expect(
      try ["model.safetensors", "config.json"].map { try workspace.bytes("run/\($0)") } == files)
    // Attacks go on, and say it.
    for command in ["attack --norm l2 --attack quick", "certify --norm l2", "inspect"] {
      let outcome = try workspace.run("\(command) --model run --data d.npz --quiet")
      // A network trained this little may be called unreliable.
      #expect(outcome.status == 0 || outcome.status == 3, "\(command)")
      #expect(outcome.errors.contains("d.npz: has changed since"), "\(command)")
    }
    try workspace.writeFeatures("d.npz") { _, _ in }
    try workspace.succeed("\(line) --out run --resume")
    let same = try workspace.succeed("inspect --model run --data ./d.npz --quiet")
    #expect(same.errors.isEmpty)
  }

  @Test func attacksAndCertificatesNoticeChanges() throws {
    try workspace.writeFeatures("d.npz") { _, _ in }
    try workspace.succeed("\(features) --out run")
    let lines = [
      "attack --model run --data d.npz --norm l2 --attack quick --quiet --out found",
      "certify --model run --data d.npz --norm l2 --limit 3 --quiet --certificates proofs",
    ]
    for line in lines {
      let status = try workspace.run(line).status
      #expect(status == 0 || status == 3)
    }
    try workspace.writeFeatures("d.npz") { inputs, _ in inputs[0] += 0.25 }
    for line in lines {
      let refused = try workspace.run("\(line) --resume")
      #expect(refused.status == 2 && refused.errors.contains("d.npz: has changed"), "\(line)")
    }
    try workspace.writeFeatures("d.npz") { _, _ in }
    try workspace.succeed("\(features) --seed 3 --out other")
    try FileManager.default.removeItem(atPath: workspace.path("run"))
    try FileManager.default.moveItem(
      atPath: workspace.path("other"), toPath: workspace.path("run"))
    for line in lines {
      let refused = try workspace.run("\(line) --resume")
      #expect(refused.status == 2 && refused.errors.contains("run: has changed"), "\(line)")
    }
  }

  @Test func experimentsNoticeChangesAndRefuseBadDataFirst() throws {
    let missing = try workspace.run("reproduce features --data nope.npz --out r --quiet")
    #expect(missing.status == 2 && missing.errors.contains("nope.npz") && !workspace.exists("r"))
    let empty = try workspace.run(words: ["reproduce", "mixture", "--out", ""])
    #expect(empty.status == 2 && empty.errors == "error: --out is empty, expected a directory\n")
  }

  @Test func emptyPathsAreRefused() throws {
    try workspace.succeed("\(Tiny.train) --out run --quiet")
    let files = try workspace.files()
    let attack = ["attack", "--model", "run", "--data", "mixture", "--norm", "l2"]
    let certify = ["certify", "--model", "run", "--data", "mixture", "--norm", "l2"]
    let lines = [
      Tiny.train.split(separator: " ").map(String.init) + ["--out", ""],
      attack + ["--out", ""], attack + ["--per-sample", ""], attack + ["--witnesses", ""],
      certify + ["--certificates", ""], ["model", "convert", "run", ""],
    ]
    for words in lines {
      let outcome = try workspace.run(words: words)
      #expect(outcome.status == 2 && outcome.output.isEmpty, "\(words)")
      #expect(outcome.errors.count { $0 == "\n" } == 1, "\(words): \(outcome.errors)")
      #expect(try workspace.files() == files, "\(words)")
    }
  }

  /// A run that fails before its first step leaves the directory to the corrected command.
  @Test func failedRunsLeaveNothing() throws {
    try workspace.writeFeatures("d.npz") { inputs, _ in inputs = inputs.map { $0 * 1e30 } }
    for line in [
      "train --data d.npz --p 3 --width 8 --optimizer gradient-flow --init-scale 1 --quiet",
      "train --data d.npz --p 3 --width 8 --optimizer sgd --learning-rate 100 --epochs 3 --quiet",
    ] {
      let failed = try workspace.run("\(line) --out run")
      #expect(failed.status == 1 && failed.output.isEmpty, "\(line): \(failed.errors)")
      #expect(failed.errors.hasPrefix("error: "))
      #expect(!workspace.exists("run"), "\(line)")
    }
    try workspace.writeFeatures("d.npz") { _, _ in }
    try workspace.succeed("\(features) --out run")
  }
}
