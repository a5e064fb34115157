import Experiments
import Foundation

/// Standard output and standard error.
enum Output {
  /// Lets a write to a closed pipe fail instead of ending the program by a signal.
  static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

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
  /// Makes sure, before any work, that a file can be written.
  /// - Parameter flag: the flag that names the file, for the error.
  static func check(_ path: String, flag: String) throws(ExperimentError) {
    let manager = FileManager.default
    var isDirectory: ObjCBool = false
    if manager.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue {
      throw .usage("--\(flag) \(path): is a directory, expected a file name")
    }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    guard manager.fileExists(atPath: folder, isDirectory: &isDirectory), isDirectory.boolValue
    else {
      throw .usage("--\(flag) \(path): there is no directory \(folder)")
    }
    let probe = "\(folder)/.polyrelu-\(UUID().uuidString)"
    guard manager.createFile(atPath: probe, contents: nil) else {
      throw .usage("--\(flag) \(path): the directory \(folder) cannot be written")
    }
    try? manager.removeItem(atPath: probe)
  }
}
