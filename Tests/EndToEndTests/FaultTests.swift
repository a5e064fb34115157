import Foundation
import Testing

/// Two processes, signals, and what a kill leaves.
@Suite struct FaultTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  /// Long enough to be interrupted; saved after every epoch.
  private let long =
    "train --data mixture --dimension 60 --samples 1000 --width 60 --p 3 --optimizer adam "
    + "--epochs 100000 --checkpoint-every 0.05"
  private let checkpoint = "checkpoints/latest.safetensors"

  @Test func aRunBelongsToOneProcess() throws {
    let first = try workspace.begin("\(long) --quiet --out run", errors: "errors")
    workspace.wait(for: "run/\(checkpoint)", while: first)
    let config = try workspace.bytes("run/config.json")
    for line in ["\(long) --out run --resume", "\(long) --p 1 --out run"] {
      let second = try workspace.run("\(line) --quiet")
      #expect(second.status == 2 && second.output.isEmpty)
      #expect(
        second.errors.hasPrefix(
          "error: --out run: process \(first.processIdentifier) on ")
          && second.errors.contains(", since 2") && second.errors.count { $0 == "\n" } == 1,
        "\(second.errors)")
    }
    #expect(try workspace.bytes("run/config.json") == config)
    #expect(first.isRunning)
    // The lock of a dead process is taken over, and what it has not finished is removed.
    kill(first.processIdentifier, SIGKILL)
    first.waitUntilExit()
    #expect(workspace.exists("run/.lock"))
    try Data("x".utf8).write(to: URL(fileURLWithPath: workspace.path("run/.tmp-abc")))
    try Data("x".utf8).write(to: URL(fileURLWithPath: workspace.path("run/checkpoints/.tmp-9")))
    let third = try workspace.begin("\(long) --quiet --out run --resume", errors: "errors")
    let deadline = Date().addingTimeInterval(60)
    while workspace.exists("run/checkpoints/.tmp-9") || workspace.exists("run/.tmp-abc"),
      third.isRunning, Date() < deadline
    {
      Thread.sleep(forTimeInterval: 0.01)
    }
    #expect(!workspace.exists("run/.tmp-abc") && !workspace.exists("run/checkpoints/.tmp-9"))
    #expect(third.isRunning)
    kill(third.processIdentifier, SIGTERM)
    third.waitUntilExit()
    #expect(!workspace.exists("run/.lock"))
  }

  /// Both at once, as fast as can be: one trains, the other says who does.
  @Test func twoAtOnce() throws {
    for round in 0..<5 {
      let lines = ["--p 1", "--p 3"].map {
        "train --data mixture --dimension 20 --subclasses 4 --positive 2 --samples 100 --width 10 "
          + "--epochs 20 --init-scale 1e-3 --quiet --out run\(round) \($0)"
      }
      let processes = try lines.indices.map { try workspace.begin(lines[$0], errors: "e\($0)") }
      for process in processes { process.waitUntilExit() }
      let statuses = processes.map(\.terminationStatus)
      #expect(statuses.sorted() == [0, 2], "\(statuses)")
      let config = String(
        decoding: try workspace.bytes("run\(round)/config.json"), as: UTF8.self)
      let winner = statuses[0] == 0 ? "1" : "3"
      #expect(config.contains("\"exponent\" : \(winner)"))
      let model = try workspace.succeed("inspect --model run\(round) --json").json()
      #expect(model["p"] as? Double == Double(winner))
    }
  }

  @Test(arguments: [(SIGINT, 130), (SIGTERM, 143)])
  func signalsLeaveACheckpointAndALine(_ number: Int32, _ status: Int) throws {
    // No checkpoint would be due for an hour.
    let line =
      "train --data mixture --dimension 60 --samples 1000 --width 60 --p 3 --optimizer adam "
      + "--epochs 100000 --checkpoint-every 3600"
    let process = try workspace.begin("\(line) --out run", errors: "errors")
    workspace.wait(for: "run/environment.json", while: process)
    Thread.sleep(forTimeInterval: 1)
    kill(process.processIdentifier, number)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == status)
    let text = String(decoding: try workspace.bytes("errors"), as: UTF8.self)
    let last = try #require(text.split(separator: "\n").last)
    #expect(
      last.hasPrefix("stopped by \(number == SIGINT ? "SIGINT" : "SIGTERM") at training: epoch "))
    #expect(last.hasSuffix("go on with: polyrelu \(line) --out run --resume"), "\(last)")
    #expect(workspace.exists("run/\(checkpoint)") && !workspace.exists("run/.lock"))
    let files = try workspace.files()
    #expect(!files.contains { $0.contains(".tmp-") })
  }

  @Test func signalsEndFlowAttackCertifyAndReproduce() throws {
    try workspace.succeed("\(Tiny.train) --out run --quiet")
    let lines = [
      "train --data mixture --dimension 40 --samples 200 --width 40 --p 3 --optimizer gradient-flow "
        + "--init-scale 1e-80 --tolerance 1e-11 --stop-loss 0 --checkpoint-every 3600 --out flow",
      "attack --model run --data mixture --samples 20000 --norm linf --out found",
      "certify --model run --data mixture --samples 20000 --norm l2 --certificates proofs",
      "reproduce mixture --preset laptop --out experiment",
    ]
    for line in lines {
      let directory = try #require(line.split(separator: " ").last.map(String.init))
      let process = try workspace.begin(line, errors: "errors")
      workspace.wait(for: "\(directory)/config.json", while: process)
      Thread.sleep(forTimeInterval: 1.5)
      #expect(process.isRunning, "\(line) ended too early to test anything")
      kill(process.processIdentifier, SIGINT)
      process.waitUntilExit()
      #expect(process.terminationStatus == 130, "\(line)")
      let text = String(decoding: try workspace.bytes("errors"), as: UTF8.self)
      let last = text.split(separator: "\n").last.map(String.init)
      #expect(last?.hasPrefix("stopped by SIGINT") == true, "\(text)")
      #expect(last?.hasSuffix("go on with: polyrelu \(line) --resume") == true, "\(text)")
      #expect(!workspace.exists("\(directory)/.lock"))
    }
    #expect(workspace.exists("flow/\(checkpoint)"))
  }

  /// A disk that takes no more than a kilobyte of a file, as the limit of file sizes makes one.
  @Test func aFullDiskIsOneLineAndLeavesNothingHalfWritten() throws {
    try workspace.succeed("\(Tiny.train) --out run --quiet")
    let program = try Program.located().path
    let resume = "attack --model run --data mixture --norm l2 --limit 5 --attack quick --quiet"
    for (line, name) in [
      ("\(Tiny.train) --out new --quiet", "new/"), ("\(resume) --witnesses w.npz", "w.npz"),
      ("\(Tiny.train) --seed 1 --checkpoint-every 0 --out other --quiet", "other/"),
    ] {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/bash")
      process.arguments = ["-c", "ulimit -f 1; exec '\(program)' \(line)"]
      process.currentDirectoryURL = workspace.url
      process.standardOutput = FileHandle.nullDevice
      let errors = Pipe()
      process.standardError = errors
      try process.run()
      let text = String(
        decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationReason == .exit && process.terminationStatus == 2, "\(line)")
      #expect(text.hasPrefix("error: ") && text.count { $0 == "\n" } == 1, "\(text)")
      #expect(text.contains(name) && text.contains("cannot be written: File too large"), "\(text)")
      let files = try workspace.files()
      #expect(!files.contains { $0.contains(".tmp-") || $0.hasSuffix(".lock") || $0 == "w.npz" })
      #expect(!files.contains { $0.hasSuffix("latest.safetensors") && !$0.hasPrefix("run/") })
    }
  }

  /// Nothing is written in a directory that cannot be; root may write everywhere.
  @Test(.enabled(if: getuid() != 0)) func readOnlyDirectoriesAreRefused() throws {
    mkdir(workspace.path("locked"), 0o555)
    let outcome = try workspace.run("\(Tiny.train) --out locked --quiet")
    #expect(outcome.status == 2 && outcome.errors.contains("--out locked: cannot be written"))
  }

  @Test func resultsGoThroughLinksAndIntoStandardOutput() throws {
    try workspace.succeed("\(Tiny.train) --out run --quiet")
    let attack =
      "attack --model run --data mixture --norm l2 --limit 5 --attack quick --quiet"
    try workspace.succeed("\(attack) --per-sample plain.csv")
    mkdir(workspace.path("far"), 0o755)
    symlink("far/real.csv", workspace.path("link.csv"))
    try workspace.succeed("\(attack) --per-sample link.csv --witnesses out.npz")
    #expect(try workspace.bytes("far/real.csv") == workspace.bytes("plain.csv"))
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: workspace.path("link.csv"))
        == "far/real.csv")
    // Standard output is a file here: the table comes first, then the report, and neither is lost.
    let both = try workspace.succeed("\(attack) --per-sample /dev/stdout")
    let table = String(decoding: try workspace.bytes("plain.csv"), as: UTF8.self)
    #expect(both.output.hasPrefix(table) && both.output.contains("samples: 5"))
    let none = try workspace.run("\(attack) --per-sample nowhere/x.csv")
    #expect(none.status == 2 && none.errors.contains("there is no directory"))
    // A device that takes nothing.
    let full = workspace.path("full")
    if mknod(full, S_IFCHR | 0o666, 1 << 8 | 7) == 0, access(full, W_OK) == 0 {
      let outcome = try workspace.run("\(attack) --per-sample full")
      #expect(outcome.status == 2 && outcome.errors.contains("full: cannot be written"))
      var found = stat()
      #expect(lstat(full, &found) == 0 && found.st_mode & S_IFMT == S_IFCHR)
    }
  }

  /// A table and a report without figures, and a warning.
  @Test func withoutGnuplotTheTableIsThere() throws {
    mkdir(workspace.path("bin"), 0o755)
    let outcome = try workspace.run(
      words: ["reproduce", "p-sweep", "--preset", "quick", "--out", "r", "--quiet"],
      environment: ["PATH": workspace.path("bin")])
    #expect(outcome.status == 0 || outcome.status == 3, "\(outcome.errors)")
    #expect(outcome.errors.hasPrefix("warning: gnuplot not found"))
    #expect(outcome.output.contains("median radius") && workspace.exists("r/report.html"))
    #expect(workspace.exists("r/figures/median-radius.csv"))
    #expect(!workspace.exists("r/figures/median-radius.svg"))
  }
}
