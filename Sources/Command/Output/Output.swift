import Experiments
import Formats
import Foundation
import Runs
import Studies

/// Standard output and standard error.
enum Output {
  /// Lets a write to a closed pipe, or beyond the limit of file sizes, fail instead of ending the program by a
  /// signal.
  static func ignoreFailedWrites() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Writes results to standard output. A reader that has gone away (`| head`) is not an error.
  static func write(_ text: String) throws(ExperimentError) {
    if let trouble = send(text, to: STDOUT_FILENO), trouble != EPIPE {
      throw .usage("standard output: cannot be written, \(String(cString: strerror(trouble)))")
    }
  }

  /// Writes a value as the one JSON document of a command.
  static func write(json value: some Encodable) throws(ExperimentError) {
    try write(JSONText.encode(value))
  }

  /// Writes to standard error.
  static func complain(_ text: String) { _ = send(text, to: STDERR_FILENO) }

  /// Writes everything; returns the error number of a failure.
  private static func send(_ text: String, to descriptor: Int32) -> Int32? {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0 {
        if errno == EINTR { continue }
        return errno
      }
      bytes = bytes.dropFirst(written)
    }
    return nil
  }
}

/// Files that a command writes besides its results.
enum OutputFile {
  /// Makes sure, before any work, that a file can be written. Links are followed; what is no regular file, such
  /// as a device or a pipe, has only to be open for writing.
  /// - Parameter flag: the option that names the file, for the error.
  static func check(_ path: String, flag: String) throws(ExperimentError) {
    if path.isEmpty { throw .usage("--\(flag) is empty, expected a file name") }
    let target: OutputTarget
    do { target = try OutputTarget(path) } catch {
      throw .usage("--\(flag) \(error.path): \(error.message)")
    }
    switch target {
    case .descriptor: return
    case .special:
      guard access(path, W_OK) == 0 else {
        throw .usage("--\(flag) \(path): cannot be written, \(String(cString: strerror(errno)))")
      }
    case .file(let final, _): try checkFolder(of: final, "--\(flag) \(path)")
    }
  }

  private static func checkFolder(of file: String, _ name: String) throws(ExperimentError) {
    let manager = FileManager.default
    let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
    var isDirectory: ObjCBool = false
    guard manager.fileExists(atPath: folder, isDirectory: &isDirectory), isDirectory.boolValue
    else {
      throw .usage("\(name): there is no directory \(folder)")
    }
    let probe = "\(folder)/\(AtomicFile.temporaryPrefix)\(UUID().uuidString)"
    guard manager.createFile(atPath: probe, contents: nil) else {
      throw .usage("\(name): the directory \(folder) cannot be written")
    }
    unlink(probe)
  }
}
