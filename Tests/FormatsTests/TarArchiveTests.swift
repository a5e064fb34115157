import Foundation
import Testing

@testable import Formats

@Suite struct TarArchiveTests {
  /// A member of an archive as ustar writes it: header, contents, padding.
  private func member(_ name: String, _ contents: [UInt8], kind: String = "0") -> [UInt8] {
    var header = [UInt8](repeating: 0, count: 512)
    func write(_ text: String, at offset: Int) {
      header.replaceSubrange(offset..<offset + text.utf8.count, with: Array(text.utf8))
    }
    func octal(_ value: Int, digits: Int) -> String {
      let text = String(value, radix: 8)
      return String(repeating: "0", count: digits - text.count) + text
    }
    write(name, at: 0)
    write(octal(contents.count, digits: 11), at: 124)
    write(kind, at: 156)
    write("ustar", at: 257)
    write("        ", at: 148)
    write(octal(header.reduce(0) { $0 + Int($1) }, digits: 6) + "\0", at: 148)
    let padding = (512 - contents.count % 512) % 512
    return header + contents + [UInt8](repeating: 0, count: padding)
  }

  private let ending = [UInt8](repeating: 0, count: 1024)

  @Test func readsRegularFiles() throws {
    let (long, short) = ([UInt8](repeating: 7, count: 700), Array("abc".utf8))
    let bytes =
      member("folder/", [], kind: "5") + member("folder/long.bin", long) + member("b", short)
      + ending
    let archive = try TarArchive(bytes: bytes, path: "a.tar")
    #expect(archive.names == ["b", "folder/long.bin"])
    #expect(archive.contents(of: "folder/long.bin") == long)
    #expect(archive.contents(of: "b") == short && archive.contents(of: "c") == nil)
  }

  /// "-7" is a number in octal digits as well.
  @Test func refusesNegativeSizes() {
    var bytes = member("a", [1, 2, 3])
    let field = Array("-0000000007".utf8)
    bytes.replaceSubrange(124..<124 + field.count, with: field)
    let sum = bytes[..<512].enumerated().reduce(0) {
      $0 + ((148..<156).contains($1.offset) ? 0x20 : Int($1.element))
    }
    let digits = String(sum, radix: 8)
    bytes.replaceSubrange(
      148..<154, with: Array((String(repeating: "0", count: 6 - digits.count) + digits).utf8))
    let error = failure { () throws(FormatError) in
      try TarArchive(bytes: bytes + ending, path: "a.tar")
    }
    #expect(error?.message == "is no tar archive, or is damaged at byte 0")
  }

  @Test func readsWhatTarWrites() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    let inner = folder.appendingPathComponent("inner")
    try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
    let contents = Data((0..<1000).map { UInt8($0 % 251) })
    try contents.write(to: inner.appendingPathComponent("x.bin"))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["tar", "-czf", "a.tar.gz", "inner"]
    process.currentDirectoryURL = folder
    try process.run()
    process.waitUntilExit()
    let path = folder.appendingPathComponent("a.tar.gz").path
    let archive = try TarArchive(bytes: Gzip.contents(of: path), path: path)
    #expect(archive.contents(of: "inner/x.bin") == [UInt8](contents))
  }

  @Test func refusesDamage() {
    func message(_ bytes: [UInt8]) -> String? {
      do throws(FormatError) {
        _ = try TarArchive(bytes: bytes, path: "a.tar")
        return nil
      } catch { return error.description }
    }
    let whole = member("a", [UInt8](repeating: 1, count: 600))
    var damaged = whole
    damaged[3] = 9
    #expect(message(damaged) == "a.tar: is no tar archive, or is damaged at byte 0")
    #expect(
      message(Array(whole[..<1000]))
        == "a.tar: is truncated: a file of 600 bytes starts at byte 512 of 1000")
    #expect(message([UInt8](repeating: 65, count: 512))?.contains("no tar archive") == true)
    #expect(message([]) == nil)
  }
}
