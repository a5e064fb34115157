import Formats
import Foundation
import LinearCore
import TestSupport
import Testing

@testable import Datasets

/// Downloads from a real HTTP server on the loopback interface, with all that can go wrong.
@Suite struct DataFetcherTests {
  /// Contents that do not compress, so that positions in the file mean something.
  private static let contents: [UInt8] = {
    var random = RandomStream(seed: 3)
    return (0..<200_000).map { _ in UInt8.random(in: 0...255, using: &random) }
  }()
  private static let whole = Gzip.compress(contents)
  private static let path = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"]

  /// The outcome of one fetch, and what it leaves behind.
  private struct Result {
    var summary: DataFetcher.Summary?
    var error: String?
    var warnings: [String]
    var files: [String]
    var isRight: Bool
  }

  private static func dataset(_ mirrors: [String]) throws -> RemoteDataset {
    let md5 = try Verification.md5(contents, path)
    let file = RemoteDataset.File(
      name: "a.gz", contentMD5: md5, contentBytes: contents.count, compressedBytes: whole.count)
    return RemoteDataset(name: "toy", mirrors: mirrors, files: [file])
  }

  /// Fetches from `mirrors` into a fresh or given cache.
  private func fetch(
    _ mirrors: [String], cache: String, mirror: String? = nil, stall: Int = 1
  ) throws -> Result {
    var environment = Self.path
    environment["XDG_CACHE_HOME"] = cache
    environment["no_proxy"] = "*"
    var fetcher = DataFetcher(environment: environment, datasets: [try Self.dataset(mirrors)])
    fetcher.limits.stallSeconds = stall
    var result = Result(warnings: [], files: [], isRight: false)
    do throws(FetchError) {
      result.summary = try fetcher.fetch("toy", mirror: mirror) { event in
        if case .warning(let text) = event { result.warnings.append(text) }
      }
    } catch {
      result.error = error.description
      #expect(!error.description.contains("\n") && !error.isUsage)
    }
    let folder = cache + "/polyrelu/toy"
    result.files = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0 != ".lock" }.sorted()
    // Whatever happens: under the name of the file there is the file, or nothing.
    if result.files.contains("a.gz") {
      result.isRight = try Gzip.contents(of: folder + "/a.gz") == Self.contents
      #expect(result.isRight)
    }
    #expect((result.summary != nil) == result.isRight)
    return result
  }

  private func withServer<Value>(
    _ answer: @escaping @Sendable (LoopbackServer.Request, Int) -> LoopbackServer.Answer,
    _ body: (LoopbackServer, _ cache: String) throws -> Value
  ) throws -> Value {
    let server = try LoopbackServer(answer)
    defer { server.stop() }
    return try withTemporaryFolder { try body(server, $0) }
  }

  @Test func complete() throws {
    try withServer({ _, _ in .bytes(Self.whole) }) { server, cache in
      let first = try fetch([server.address], cache: cache)
      #expect(first.isRight && first.files == ["a.gz"] && first.warnings.isEmpty)
      #expect(first.summary?.downloaded == ["a.gz"] && first.summary?.present == [])
      let second = try fetch([server.address], cache: cache)
      #expect(second.summary?.downloaded == [] && second.summary?.present == ["a.gz"])
      #expect(server.requests == [.init(path: "/a.gz", offset: 0)])
    }
  }

  @Test func truncatedIsResumed() throws {
    try withServer({ _, earlier in
      earlier < 2 ? .cut(Self.whole, after: 70_000) : .bytes(Self.whole)
    }) { server, cache in
      let result = try fetch([server.address], cache: cache)
      #expect(result.isRight)
      #expect(server.requests.map(\.offset) == [0, 70_000, 140_000])
    }
  }

  @Test func alwaysTruncatedIsGivenUp() throws {
    try withServer({ _, _ in .cut(Self.whole, after: 10) }) { server, cache in
      let result = try fetch([server.address], cache: cache)
      #expect(result.error?.contains("no mirror delivered 'a.gz': \(server.address): ") == true)
      #expect(result.files == ["a.gz.part"] && server.requests.count == 6)
    }
  }

  @Test func aRangeThatIsIgnoredMeansStartingOver() throws {
    try withServer({ _, earlier in
      earlier == 0 ? .cut(Self.whole, after: 70_000) : .ignoringRange(Self.whole)
    }) { server, cache in
      let result = try fetch([server.address], cache: cache)
      #expect(result.isRight)
      #expect(server.requests.map(\.offset) == [0, 70_000, 0])
    }
  }

  @Test func corruptedIsRefusedAndTheNextMirrorAsked() throws {
    var damaged = Self.whole
    damaged[100_000] ^= 4
    let other = Gzip.compress(Array(Self.contents.reversed()))
    for bad in [damaged, other, Array("<html>Log in</html>".utf8), Array(Self.whole.dropLast(9))] {
      try withServer({ request, _ in .bytes(request.path == "/bad/a.gz" ? bad : Self.whole) }) {
        server, cache in
        let alone = try fetch([server.address + "bad/"], cache: cache)
        #expect(alone.files.isEmpty && alone.error?.contains("/bad/: ") == true)
        let both = try fetch([server.address + "bad/", server.address], cache: cache)
        #expect(both.isRight && both.warnings.count == 1)
        #expect(both.warnings[0].contains("trying the next mirror"))
      }
    }
  }

  @Test func aWrongPartIsDroppedAndAWrongFileNamed() throws {
    try withServer({ _, _ in .bytes(Self.whole) }) { server, cache in
      let folder = cache + "/polyrelu/toy"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try AtomicFile.write([UInt8](repeating: 7, count: 5000), to: folder + "/a.gz.part")
      let resumed = try fetch([server.address], cache: cache)
      #expect(resumed.isRight && resumed.files == ["a.gz"])
      #expect(server.requests.map(\.offset) == [5000, 0])
      #expect(resumed.warnings.first?.contains("starting over") == true)

      try AtomicFile.write(Array(Self.whole.dropLast(50_000)), to: folder + "/a.gz")
      let repaired = try fetch([server.address], cache: cache)
      #expect(repaired.isRight && repaired.warnings.count == 1)
      #expect(repaired.warnings[0].hasPrefix("\(folder)/a.gz: is truncated"))
      #expect(repaired.warnings[0].hasSuffix("; removed"))
    }
  }

  @Test func aPartThatIsWholeOrTooLong() throws {
    for extra in [0, 10] {
      try withServer({ _, _ in .bytes(Self.whole) }) { server, cache in
        let folder = cache + "/polyrelu/toy"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try AtomicFile.write(
          Self.whole + [UInt8](repeating: 1, count: extra), to: folder + "/a.gz.part")
        #expect(try fetch([server.address], cache: cache).isRight)
        #expect(server.requests.count == (extra == 0 ? 1 : 2))
      }
    }
  }

  @Test func slowButSteadyIsWaitedFor() throws {
    try withServer({ _, _ in .slow(Self.whole, piece: 20_000, pause: 0.15) }) { server, cache in
      let result = try fetch([server.address], cache: cache)
      #expect(result.isRight && server.requests.count == 1)
    }
  }

  @Test func stalledIsNamedAndContinuedElsewhere() throws {
    try withServer({ request, _ in
      request.path == "/stalls/a.gz" ? .stalled(Self.whole, after: 50_000) : .bytes(Self.whole)
    }) { server, cache in
      let result = try fetch([server.address + "stalls/", server.address], cache: cache)
      #expect(result.isRight && server.requests.map(\.offset) == [0, 50_000])
      #expect(
        result.warnings
          == ["\(server.address)stalls/a.gz: stalled for 1 s; trying the next mirror"])
    }
    try withServer({ _, _ in .silence }) { server, cache in
      let result = try fetch([server.address], cache: cache)
      #expect(result.error?.hasSuffix("\(server.address): stalled for 1 s") == true)
    }
  }

  @Test func missingMovedAndUnreachable() throws {
    try withServer({ request, _ in
      switch request.path {
      case "/old/a.gz": .redirect("/new/a.gz")
      case "/new/a.gz": .bytes(Self.whole)
      case "/loop/a.gz": .redirect("/loop/a.gz")
      case "/local/a.gz": .redirect("file:///etc/hostname")
      default: .status(404)
      }
    }) { server, cache in
      let missing = try fetch([server.address], cache: cache)
      #expect(
        missing.error == "data set 'toy': no mirror delivered 'a.gz': \(server.address): "
          + "The requested URL returned error: 404")
      #expect(missing.files.isEmpty)
      for name in ["loop", "local"] {
        #expect(try fetch([server.address + name + "/"], cache: cache).files.isEmpty)
      }
      // Nothing listens on port 1.
      let dead = "http://127.0.0.1:1/"
      #expect(try fetch([dead], cache: cache).error?.contains("\(dead): ") == true)
      // Only the mirror that is given is used, with or without a slash at its end.
      #expect(try fetch([dead], cache: cache, mirror: server.address + "old").isRight)
    }
  }

  @Test func anEndlessAnswerIsCutOff() throws {
    let huge = [UInt8](repeating: 1, count: 2_000_000)
    try withServer({ _, _ in .bytes(huge) }) { server, cache in
      let result = try fetch([server.address], cache: cache)
      #expect(result.error?.contains("sends more than the 204296 bytes") == true)
      #expect(result.files.isEmpty)
    }
  }

  @Test func twoAtOnceDownloadOnce() async throws {
    let server = try LoopbackServer { _, _ in .slow(Self.whole, piece: 30_000, pause: 0.1) }
    defer { server.stop() }
    let cache = FileManager.default.temporaryDirectory.path + "/fetch-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: cache) }
    // The second waits for the lock on its thread; neither needs the other's.
    let downloads = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<2 {
        group.addTask {
          try fetch([server.address], cache: cache).summary?.downloaded.count ?? -1
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(downloads.sorted() == [0, 1] && server.requests.count == 1)
  }

  @Test func refusesWhatCannotBeFetched() {
    func message(_ name: String, _ mirror: String?, _ environment: [String: String]) -> String? {
      do throws(FetchError) {
        _ = try DataFetcher(environment: environment).fetch(name, mirror: mirror)
        return nil
      } catch { return error.description }
    }
    #expect(
      message("digits", nil, [:])
        == "no data set called 'digits' can be fetched; expected one of mnist, fashion-mnist, "
        + "cifar10")
    for mirror in ["", "ftp://host/", "file:///etc/", "--output=x", "http://", "http://a b/"] {
      #expect(message("mnist", mirror, [:])?.hasPrefix("mirror is '\(mirror)'") == true)
    }
    #expect(message("mnist", nil, [:])?.contains("HOME or XDG_CACHE_HOME") == true)
    let blocked = message("mnist", nil, ["XDG_CACHE_HOME": "/proc/none"])
    #expect(blocked?.hasPrefix("/proc/none/polyrelu/mnist: cannot be created") == true)
  }

  /// The pinned sums fit real files, wherever these come from.
  @Test(arguments: RemoteDataset.all.map(\.name))
  func publishedSumsOfTheRealData(name: String) throws {
    let dataset = try #require(RemoteDataset.all.first { $0.name == name })
    let environment = ProcessInfo.processInfo.environment
    let folders =
      DataFolders.search(name, environment).filter { $0.hasSuffix(name) }
      + (name == "fashion-mnist" ? [FashionMNIST.images.systemFolder].compactMap { $0 } : [])
    for file in dataset.files {
      guard let path = DataFolders.find([file.name], in: folders) else { continue }
      #expect(try Verification.problem(of: path, as: file, environment) == nil)
      #expect(file.maximumBytes >= file.compressedBytes)
    }
  }

  /// Of an archive the sum of the file itself is published: another compression is another file.
  @Test func sumsOfWholeFiles() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/a.tar.gz"
      let bytes = Gzip.compress(Self.contents, level: 6)
      try AtomicFile.write(bytes, to: path)
      let md5 = try Verification.md5(bytes, Self.path)
      func problem(_ md5: String, _ count: Int) throws -> String? {
        let file = RemoteDataset.File(name: "a.tar.gz", fileMD5: md5, fileBytes: count)
        return try Verification.problem(of: path, as: file, Self.path)
      }
      #expect(try problem(md5, bytes.count) == nil)
      #expect(try problem(md5, 7) == "holds \(bytes.count) bytes; expected 7")
      let other = String(repeating: "0", count: 32)
      #expect(try problem(other, bytes.count) == "has the MD5 sum \(md5); expected \(other)")
    }
  }
}
