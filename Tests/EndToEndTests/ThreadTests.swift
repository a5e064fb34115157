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

  /// The kernels decide the last digits, so a run says which it had.
  @Test func theEnvironmentNamesTheBLAS() throws {
    func environment(_ variables: [String: String], _ out: String) throws -> [String: Any] {
      let process = Process()
      process.executableURL = try Program.located()
      process.arguments = "\(Tiny.train) --epochs 1 --out \(out) --quiet"
        .split(separator: " ").map(String.init)
      process.currentDirectoryURL = workspace.url
      process.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      let bytes = try workspace.bytes("\(out)/environment.json")
      return try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
    }
    let own = try environment([:], "own")
    let kernels = try #require(own["blasKernels"] as? String)
    let library = try #require(own["blasLibrary"] as? String)
    #expect(!kernels.isEmpty && library.contains("OpenBLAS") && !library.contains(kernels))
    #if os(Linux) && arch(x86_64)
      let flags = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
      guard flags.contains(" avx2 "), library.contains("DYNAMIC_ARCH") else { return }
      let chosen = try environment(["OPENBLAS_CORETYPE": "Haswell"], "haswell")
      #expect(chosen["blasKernels"] as? String == "Haswell")
      #expect(chosen["blasLibrary"] as? String == library)
    #endif
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
