import Foundation
import Testing

@testable import Experiments
@testable import Runs
@testable import Studies

/// Directories of runs: what is kept, what is computed again, what is taken back.
@Suite struct RunDirectoryTests {
  private struct Settings: Codable, Equatable {
    var number = 1
  }

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "/run-directory-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  private func open(_ path: String, _ number: Int = 1, resume: Bool = false) throws
    -> RunDirectory
  {
    try RunDirectory(path, configuration: Settings(number: number), resume: resume)
  }

  @Test func damagedPartsAreComputedAgain() throws {
    try withFolder { path in
      let directory = try open(path)
      var computed = 0
      func part() throws -> [Int] {
        try directory.cached("results/part.json") { () throws(ExperimentError) in
          computed += 1
          return [1, 2, 3]
        }
      }
      #expect(try part() == [1, 2, 3] && part() == [1, 2, 3] && computed == 1)
      for text in ["", "[1, 2", "{}", "[1.5]"] {
        try Data(text.utf8).write(to: URL(fileURLWithPath: directory.path("results/part.json")))
        let before = computed
        #expect(try part() == [1, 2, 3] && computed == before + 1, "\(text)")
      }
    }
  }

  @Test func aDirectoryMayBeOpenedTwiceByOneProcess() throws {
    try withFolder { path in
      let first = try open(path)
      let second = try open(path, resume: true)
      #expect(FileManager.default.fileExists(atPath: path + "/.lock"))
      _ = (first, second)
    }
    try withFolder { path in
      _ = try open(path)
      #expect(!FileManager.default.fileExists(atPath: path + "/.lock"))
      _ = try open(path, resume: true)
      #expect(throws: ExperimentError.self) { try open(path, 2, resume: true) }
      #expect(throws: ExperimentError.self) { try open(path) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["config.json"])
    }
  }

  @Test func onlyEmptyRunsAreTakenBack() throws {
    try withFolder { path in
      let directory = try open(path)
      _ = try directory.folder("checkpoints")
      try directory.writeTiming(since: Date())
      directory.abandonIfNothingWasDone()
      #expect(!FileManager.default.fileExists(atPath: path))
    }
    try withFolder { path in
      let directory = try open(path)
      try directory.write(text: "x", to: "checkpoints/x")
      directory.abandonIfNothingWasDone()
      #expect(directory.exists("config.json") && directory.exists("checkpoints/x"))
    }
    // What an earlier process has begun is not this one's to take back.
    try withFolder { path in
      _ = try open(path)
      let directory = try open(path, resume: true)
      directory.abandonIfNothingWasDone()
      #expect(directory.exists("config.json"))
    }
  }

  @Test func unfinishedFilesGoButNotThoseOfOtherRuns() throws {
    try withFolder { path in
      let directory = try open(path)
      try directory.write(text: "x", to: "results/.tmp-1")
      try directory.write(text: "{}", to: "networks/inner/config.json")
      try directory.write(text: "x", to: "networks/inner/.tmp-2")
      Leftovers.remove(below: directory.url)
      #expect(!directory.exists("results/.tmp-1") && directory.exists("networks/inner/.tmp-2"))
    }
  }

  @Test func secondsOfPartsAreKeptApart() throws {
    try withFolder { path in
      let directory = try open(path)
      _ = try directory.timed("results/a.json", part: "a") { () throws(ExperimentError) in 1 }
      _ = try directory.timed("results/b.json", part: "b") { () throws(ExperimentError) in 2 }
      _ = try directory.timed("results/b.json", part: "c") { () throws(ExperimentError) in 3 }
      let timing = try #require(directory.timing())
      #expect(Set(timing.parts.keys) == ["a", "b"])
      #expect(timing.parts.values.allSatisfy { (0..<60).contains($0) })
      try Data("?".utf8).write(to: URL(fileURLWithPath: directory.path("timing.json")))
      #expect(directory.timing() == nil)
    }
  }
}
