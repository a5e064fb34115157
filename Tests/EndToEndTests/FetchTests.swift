import Foundation
import TestSupport
import Testing

/// `data fetch` against a server on loopback that has the real files.
@Suite struct FetchTests {
  private static let names = [
    "t10k-labels-idx1-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
    "train-images-idx3-ubyte.gz",
  ]
  private static let files: [String: [UInt8]] = {
    guard let root = ProcessInfo.processInfo.environment["POLYRELU_DATA"] else { return [:] }
    var files: [String: [UInt8]] = [:]
    for name in names {
      let url = URL(fileURLWithPath: "\(root)/mnist/\(name)")
      if let data = try? Data(contentsOf: url) { files["/\(name)"] = Array(data) }
    }
    return files
  }()

  private func process(_ arguments: [String], _ workspace: Workspace) throws -> Process {
    let process = Process()
    process.executableURL = try Program.located()
    process.arguments = arguments
    process.environment = [
      "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "no_proxy": "*",
      "XDG_CACHE_HOME": workspace.url.path,
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    return process
  }

  @Test(.enabled(if: files.count == 4, "MNIST is not there: set POLYRELU_DATA to its folder"))
  func killedAndResumed() throws {
    let workspace = try Workspace()
    let server = try LoopbackServer { request, earlier in
      guard let bytes = Self.files[request.path] else { return .status(404) }
      return earlier < 4 ? .slow(bytes, piece: 100_000, pause: 0.02) : .bytes(bytes)
    }
    defer { server.stop() }
    let arguments = ["data", "fetch", "mnist", "--mirror", server.address]
    let images = "polyrelu/mnist/\(Self.names[3])"
    let killed = try process(arguments, workspace)
    try killed.run()
    func partSize() -> Int {
      let path = workspace.path(images + ".part")
      return (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int ?? 0
    }
    let deadline = Date().addingTimeInterval(60)
    while partSize() < 1_000_000, killed.isRunning, Date() < deadline {
      Thread.sleep(forTimeInterval: 0.005)
    }
    kill(killed.processIdentifier, SIGKILL)
    killed.waitUntilExit()
    #expect(killed.terminationReason == .uncaughtSignal)
    #expect(!workspace.exists(images), "killed too late to test anything")
    let info = try process(["data", "info", "mnist", "--split", "train"], workspace)
    try info.run()
    info.waitUntilExit()
    #expect(info.terminationStatus == 2, "half a file was taken for data")

    let kept = partSize()
    let resumed = try process(arguments, workspace)
    try resumed.run()
    resumed.waitUntilExit()
    #expect(resumed.terminationStatus == 0)
    #expect(server.requests.map(\.offset) == [0, 0, 0, 0, kept] && kept >= 1_000_000)
    for name in Self.names {
      #expect(try Array(workspace.bytes("polyrelu/mnist/\(name)")) == Self.files["/\(name)"])
    }
    #expect(try workspace.files().filter { $0.hasSuffix(".part") }.isEmpty)
    let loaded = try process(["data", "info", "mnist", "--split", "train"], workspace)
    try loaded.run()
    loaded.waitUntilExit()
    #expect(loaded.terminationStatus == 0)
  }

  @Test func aMirrorThatFailsIsStatusOne() throws {
    let workspace = try Workspace()
    let server = try LoopbackServer { _, _ in .status(404) }
    defer { server.stop() }
    let failing = try process(["data", "fetch", "mnist", "--mirror", server.address], workspace)
    try failing.run()
    failing.waitUntilExit()
    #expect(failing.terminationStatus == 1)
  }
}
