import Formats
import Foundation

/// Whether a file is what it should be.
///
/// The MD5 sum that is published decides, mostly that of the uncompressed contents, and it guards
/// against damage. It is computed by `md5sum` of GNU coreutils, which every Linux system has: a
/// cryptographic library would add minutes to every build, or a package to install, for this alone.
enum Verification {
  /// What is wrong with the file `path`, nil if nothing is.
  static func problem(
    of path: String, as file: RemoteDataset.File, _ environment: [String: String]
  ) throws(FetchError) -> String? {
    let bytes: [UInt8]
    let expectedCount: Int
    let holder: String
    do throws(FormatError) {
      switch file.measure {
      case .contents(let count):
        bytes = try Gzip.contents(of: path, maximumBytes: count)
        (expectedCount, holder) = (count, "has contents of")
      case .file:
        guard let data = FileManager.default.contents(atPath: path) else { return "cannot be read" }
        bytes = [UInt8](data)
        (expectedCount, holder) = (file.compressedBytes, "has the")
      }
    } catch {
      return error.message
    }
    guard bytes.count == expectedCount else {
      return "holds \(bytes.count) bytes; expected \(expectedCount)"
    }
    let found = try md5(bytes, environment)
    return found == file.md5 ? nil : "\(holder) MD5 sum \(found); expected \(file.md5)"
  }

  /// The MD5 sum of `bytes` in hexadecimal digits.
  static func md5(
    _ bytes: [UInt8], _ environment: [String: String]
  ) throws(FetchError) -> String {
    let process = Process()
    let (input, output) = (Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["md5sum"]
    process.environment = environment
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    do {
      try process.run()
      // md5sum answers only after it has read everything, so neither side waits for the other.
      try input.fileHandleForWriting.write(contentsOf: Data(bytes))
      try input.fileHandleForWriting.close()
    } catch {
      throw .local(path: "md5sum", problem: "cannot be run; expected the program of GNU coreutils")
    }
    let answer = (try? output.fileHandleForReading.readToEnd()) ?? nil
    process.waitUntilExit()
    let text = String(decoding: answer ?? Data(), as: UTF8.self)
    guard process.terminationStatus == 0, text.count > 32 else {
      throw .local(path: "md5sum", problem: "cannot be run; expected the program of GNU coreutils")
    }
    return String(text.prefix(32))
  }
}
