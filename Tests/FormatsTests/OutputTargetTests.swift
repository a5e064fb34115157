import Foundation
import Testing

@testable import Formats

/// Writing to what is no plain file. Nodes are made in a folder of the test, never used in /dev.
@Suite struct OutputTargetTests {
  /// Character devices can be made and opened only by root, where the file system allows it.
  static let canMakeDevices: Bool = {
    let path = NSTemporaryDirectory() + "/node-\(UUID().uuidString)"
    defer { unlink(path) }
    guard mknod(path, S_IFCHR | 0o666, 1 << 8 | 3) == 0 else { return false }
    let descriptor = open(path, O_WRONLY)
    if descriptor >= 0 { close(descriptor) }
    return descriptor >= 0
  }()

  private func kind(_ path: String) -> mode_t {
    var found = stat()
    return lstat(path, &found) == 0 ? found.st_mode & S_IFMT : 0
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }

  @Test func linksAreFollowedAndStay() throws {
    try withTemporaryFolder { folder in
      try FileManager.default.createDirectory(
        atPath: folder + "/far", withIntermediateDirectories: true)
      try AtomicFile.write("old", to: folder + "/far/real")
      chmod(folder + "/far/real", 0o640)
      symlink("far/real", folder + "/link")
      symlink("link", folder + "/chain")
      symlink(folder + "/far/new", folder + "/dangling")
      for name in ["link", "chain"] {
        try AtomicFile.write(name, to: folder + "/" + name)
        #expect(try text(folder + "/far/real") == name)
        #expect(kind(folder + "/" + name) == S_IFLNK && kind(folder + "/far/real") == S_IFREG)
      }
      var found = stat()
      #expect(stat(folder + "/far/real", &found) == 0 && found.st_mode & 0o777 == 0o640)
      try AtomicFile.write("made", to: folder + "/dangling")
      #expect(try text(folder + "/far/new") == "made")
      #expect(kind(folder + "/dangling") == S_IFLNK)
      symlink("loop", folder + "/loop")
      let refusal = failure { () throws(FormatError) in
        try AtomicFile.write("x", to: folder + "/loop")
      }
      #expect(refusal?.message.contains("symbolic links") == true)
      let left = try FileManager.default.subpathsOfDirectory(atPath: folder)
      #expect(!left.contains { $0.contains(AtomicFile.temporaryPrefix) })
    }
  }

  @Test func aPipeGetsTheBytes() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/pipe"
      #expect(mkfifo(path, 0o600) == 0)
      let reader = Process()
      reader.executableURL = URL(fileURLWithPath: "/bin/cat")
      reader.arguments = [path]
      let output = Pipe()
      reader.standardOutput = output
      try reader.run()
      let sent = String(repeating: "0123456789", count: 20_000)
      // A thread of its own: tests that block may hold all others.
      let writer = Thread { try? AtomicFile.write(sent, to: path) }
      writer.start()
      let got = output.fileHandleForReading.readDataToEndOfFile()
      reader.waitUntilExit()
      #expect(String(decoding: got, as: UTF8.self) == sent)
      #expect(kind(path) == S_IFIFO)
    }
  }

  @Test(.enabled(if: canMakeDevices)) func devicesStayDevices() throws {
    try withTemporaryFolder { folder in
      let (null, full) = (folder + "/null", folder + "/full")
      #expect(mknod(null, S_IFCHR | 0o666, 1 << 8 | 3) == 0)
      #expect(mknod(full, S_IFCHR | 0o666, 1 << 8 | 7) == 0)
      try AtomicFile.write("x", to: null)
      let refusal = failure { () throws(FormatError) in try AtomicFile.write("x", to: full) }
      #expect(refusal?.description == "\(full): cannot be written: No space left on device")
      symlink("full", folder + "/link")
      #expect(
        failure { () throws(FormatError) in try AtomicFile.write("x", to: folder + "/link") } != nil
      )
      #expect(kind(null) == S_IFCHR && kind(full) == S_IFCHR && kind(folder + "/link") == S_IFLNK)
      #expect(
        Set(try FileManager.default.contentsOfDirectory(atPath: folder)) == [
          "null", "full", "link",
        ])
    }
  }

  @Test func emptyPathsAndDirectoriesAreRefused() throws {
    let empty = failure { () throws(FormatError) in try AtomicFile.write("x", to: "") }
    #expect(empty?.description == "'': cannot be written: it is empty, expected a file name")
    try withTemporaryFolder { folder in
      let taken = failure { () throws(FormatError) in try AtomicFile.write("x", to: folder) }
      #expect(taken?.message == "cannot be written: it is a directory, expected a file name")
    }
  }
}
