import Formats
import Foundation

/// Whether a file is what it should be.
///
/// The MD5 sum of the uncompressed contents decides, since that is what is published, and it guards
/// against damage. It is computed by `md5sum` of GNU coreutils, which every Linux system has: a
/// cryptographic library would add minutes to every build, or a package to install, for this alone.
enum Verification {
  /// What is wrong with the gzip file `path`, nil if nothing is.
  static func problem(
    of path: String, as file: RemoteDataset.File, _ environment: [String: String]
  ) throws(FetchError) -> String? {
    let contents: [UInt8]
    do throws(FormatError) {
      contents = try Gzip.contents(of: path, maximumBytes: file.contentBytes)
    } catch {
      return error.message
    }
    guard contents.count == file.contentBytes else {
      return "holds \(contents.count) bytes; expected \(file.contentBytes)"
    }
    let found = try md5(contents, environment)
    return found == file.contentMD5
      ? nil : "has contents of MD5 sum \(found); expected \(file.contentMD5)"
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
