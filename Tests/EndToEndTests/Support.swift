import Formats
import Foundation
import Testing

/// The program in the build directory of the tests.
enum Program {
  private static let url: URL? = {
    var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    // The runner lies in the build directory, or inside a bundle there.
    for _ in 0..<5 {
      folder.deleteLastPathComponent()
      let candidate = folder.appendingPathComponent("polyrelu")
      if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
    }
    return nil
  }()

  static func located() throws -> URL {
    guard let url else { throw CocoaError(.executableNotLoadable) }
    return url
  }

  /// A started process.
  static func start(_ arguments: [String], in folder: URL, standardOutput: FileHandle)
    throws -> Process
  {
    let process = Process()
    process.executableURL = try located()
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.standardOutput = standardOutput
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }
}

/// What a finished process leaves behind.
struct Outcome {
  let status: Int32
  let output: String
  let errors: String

  /// Standard output as exactly one JSON object.
  func json() throws -> [String: Any] {
    let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
    return try #require(value as? [String: Any])
  }
}

/// A directory of its own for a test, gone with it.
final class Workspace {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("polyrelu-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  func bytes(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path(name)))
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: url.appendingPathComponent(name))
  }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  /// Everything in the directory, by relative path.
  func files() throws -> Set<String> {
    Set(try FileManager.default.subpathsOfDirectory(atPath: url.path))
  }

  /// Runs the program here. Words are separated by spaces.
  func run(_ line: String) throws -> Outcome {
    try run(words: line.split(separator: " ").map(String.init))
  }

  /// Runs the program here.
  ///
  /// - Parameter environment: variables with other values than those of the tests.
  func run(words: [String], environment: [String: String] = [:]) throws -> Outcome {
    try run(Program.located(), words, environment: environment)
  }

  /// Runs the program here with 2 GB of address space and 60 seconds, of which status 124 says that they are over.
  func runLimited(_ arguments: [String], environment: [String: String] = [:]) throws -> Outcome {
    let limits = "ulimit -v 2097152; exec timeout -s KILL 60 \"$0\" \"$@\""
    return try run(
      URL(fileURLWithPath: "/bin/sh"), ["-c", limits, Program.located().path] + arguments,
      environment: environment)
  }

  private func run(
    _ program: URL, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.currentDirectoryURL = url
    // Files, not pipes, and outside the workspace: nothing can block, and files() sees only the
    // program's own.
    let streams = url.deletingLastPathComponent().path + "/" + url.lastPathComponent + "-"
    let paths = ["output", "errors"].map { streams + $0 + UUID().uuidString }
    defer { for path in paths { try? FileManager.default.removeItem(atPath: path) } }
    let handles = try paths.map { path in
      try Data().write(to: URL(fileURLWithPath: path))
      return try #require(FileHandle(forWritingAtPath: path))
    }
    process.standardOutput = handles[0]
    process.standardError = handles[1]
    try process.run()
    process.waitUntilExit()
    for handle in handles { try handle.close() }
    let texts = try paths.map { try String(contentsOfFile: $0, encoding: .utf8) }
    #expect(process.terminationReason == .exit, "\(arguments)")
    return Outcome(status: process.terminationStatus, output: texts[0], errors: texts[1])
  }

  /// Starts the program here, with standard error in a file, and leaves it running.
  func begin(_ line: String, errors: String) throws -> Process {
    try Data().write(to: URL(fileURLWithPath: path(errors)))
    let process = Process()
    process.executableURL = try Program.located()
    process.arguments = line.split(separator: " ").map(String.init)
    process.currentDirectoryURL = url
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle(forWritingAtPath: path(errors))
    try process.run()
    return process
  }

  /// Waits until a file is there, or a process has ended.
  func wait(for name: String, while process: Process) {
    let deadline = Date().addingTimeInterval(120)
    while !exists(name), process.isRunning, Date() < deadline {
      Thread.sleep(forTimeInterval: 0.002)
    }
  }

  /// The files below two directories that differ or are in one of them only.
  func differences(_ first: String, _ second: String) throws -> Set<String> {
    let manager = FileManager.default
    let all = Set(try manager.subpathsOfDirectory(atPath: path(first)))
      .union(try manager.subpathsOfDirectory(atPath: path(second)))
    return all.filter { name in
      var isDirectory: ObjCBool = false
      if manager.fileExists(atPath: path("\(first)/\(name)"), isDirectory: &isDirectory),
        isDirectory.boolValue
      {
        return false
      }
      return !manager.contentsEqual(
        atPath: path("\(first)/\(name)"), andPath: path("\(second)/\(name)"))
    }
  }

  /// Runs the program and expects success.
  @discardableResult
  func succeed(_ line: String) throws -> Outcome {
    let outcome = try run(line)
    #expect(outcome.status == 0, "\(line): \(outcome.errors)")
    return outcome
  }

  /// Writes X (n, 6) and y (n) with a linear rule, after changes.
  func writeFeatures(
    _ name: String, change: (inout [Float], inout [Double]) -> Void = { _, _ in }
  ) throws {
    let count = 40
    var inputs: [Float] = (0..<count * 6).map { index in
      let residue = (index * 7919 + 13) % 101
      return Float(residue) / 50 - 1
    }
    var labels: [Double] = (0..<count).map { inputs[$0 * 6] > 0 ? 1 : 0 }
    change(&inputs, &labels)
    try NPZ.write(
      [
        "X": Tensor(shape: [count, 6], elements: .float32(inputs)),
        "y": Tensor(shape: [count], elements: .float64(labels)),
      ], to: path(name))
  }
}

/// Settings that train in well under a second.
enum Tiny {
  static let data = "--data mixture --dimension 20 --subclasses 4 --positive 2 --samples 200"
  static let model = "--p 3 --width 24 --init-scale 1e-3"
  static let train = "train \(data) \(model) --epochs 60"
}
