import Foundation
import Testing

/// The default number of threads, as a run notes it.
@Suite struct ThreadTests {
  let workspace: Workspace

  init() throws { workspace = try Workspace() }

  /// Trains one epoch with a command in front of the program; returns the threads that the run notes.
  private func threads(
    _ prefix: [String] = [], environment: [String: String] = [:], options: String = ""
  ) throws -> Int {
    let out = "run-\(UUID().uuidString)"
    let line = "\(Tiny.train) --epochs 1 --out \(out) --quiet \(options)"
    let process = Process()
    let words = prefix + [try Program.located().path] + line.split(separator: " ").map(String.init)
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    process.currentDirectoryURL = workspace.url
    process.environment = ProcessInfo.processInfo.environment
      .filter { $0.key != "SLURM_CPUS_PER_TASK" }.merging(environment) { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    for name in ["timing.json", "environment.json"] where workspace.exists("\(out)/\(name)") {
      let value = try JSONSerialization.jsonObject(with: workspace.bytes("\(out)/\(name)"))
      if let threads = (value as? [String: Any])?["threads"] as? Int { return threads }
    }
    Issue.record("the run does not say how many threads it had")
    return 0
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/taskset")))
  func affinityDecides() throws {
    let all = try threads()
    #expect(all >= 1 && all <= ProcessInfo.processInfo.processorCount)
    #expect(try threads(["taskset", "-c", Self.firstProcessor()]) == 1)
    // What is asked for is taken.
    #expect(try threads(["taskset", "-c", Self.firstProcessor()], options: "--threads 3") == 3)
  }

  @Test func slurmDecides() throws {
    #expect(try threads(environment: ["SLURM_CPUS_PER_TASK": "1"]) == 1)
    #expect(try threads(environment: ["SLURM_CPUS_PER_TASK": "none"]) == threads())
  }

  /// A processor that this process may use: the first may belong to others.
  private static func firstProcessor() throws -> String {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(
      status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") })
    return String(
      try #require(line.split(separator: "\t").last?.split { $0 == "-" || $0 == "," }.first))
  }
}
