import Foundation

/// One request by `curl` whose answer is appended to a partial file.
///
/// curl rather than the URL loading of Foundation, because it resumes, follows redirects, gives up
/// on stalled servers and honours proxy settings as people expect. The bytes come through a pipe:
/// only this process, which holds the lock, writes the file, and curl ends when it does.
struct Transfer {
  /// How a request ended.
  enum Outcome: Equatable {
    /// The server sent all it had promised, or has nothing beyond the partial file.
    case finished
    /// The connection was cut after at least one byte: resuming can help.
    case interrupted(String)
    /// The server does not continue a partial file.
    case cannotResume
    /// Nothing more is to be had from this server.
    case failed(String)
  }

  let url: String
  let partialPath: String
  let maximumBytes: Int
  let limits: DataFetcher.Limits
  let environment: [String: String]

  /// Runs the request from the end of the partial file on.
  ///
  /// - Parameter progress: receives the size of the partial file as it grows.
  func run(progress: (Int) -> Void) throws(FetchError) -> Outcome {
    let file = open(partialPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw writeFailure() }
    defer { close(file) }
    let offset = Int(lseek(file, 0, SEEK_END))
    guard offset >= 0 else { throw writeFailure() }
    let process = Process()
    let (output, errors) = (Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["curl"] + arguments(offset: offset)
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    do { try process.run() } catch { throw curlMissing }
    var size = offset
    var block = [UInt8](repeating: 0, count: 1 << 16)
    let source = output.fileHandleForReading.fileDescriptor
    while true {
      let count = read(source, &block, block.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { break }
      size += count
      guard size <= maximumBytes, append(block[..<count], to: file) else {
        // Not a signal that a thread of the caller may have blocked, as children inherit that.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        if size <= maximumBytes { throw writeFailure() }
        guard ftruncate(file, 0) == 0 else { throw writeFailure() }
        return .failed("sends more than the \(maximumBytes) bytes that the file can have")
      }
      progress(size)
    }
    // A line or two: these fit into the pipe.
    let complaint = (try? errors.fileHandleForReading.readToEnd()) ?? nil
    process.waitUntilExit()
    guard fsync(file) == 0 else { throw writeFailure() }
    return try outcome(
      process.terminationStatus, String(decoding: complaint ?? Data(), as: UTF8.self),
      isResuming: offset > 0, hasGrown: size > offset)
  }

  private func arguments(offset: Int) -> [String] {
    var result = [
      "--disable",  // the user's own settings of curl
      "--silent", "--show-error", "--fail", "--globoff", "--location", "--max-redirs", "5",
      "--proto", "=http,https",
      "--connect-timeout", "\(limits.connectSeconds)",
      "--speed-time", "\(limits.stallSeconds)", "--speed-limit", "\(limits.minimumBytesPerSecond)",
    ]
    // With an offset, curl refuses an answer that does not start there.
    if offset > 0 { result += ["--continue-at", "\(offset)"] }
    return result + ["--url", url]
  }

  private func outcome(
    _ status: Int32, _ complaint: String, isResuming: Bool, hasGrown: Bool
  ) throws(FetchError) -> Outcome {
    let line = complaint.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    let text = line.replacing(#/^curl: \(\d+\) /#, with: "")
    // The numbers are listed in curl(1), "Exit codes".
    switch status {
    case 0: return .finished
    case 127: throw curlMissing
    case 33: return .cannotResume
    case 22 where isResuming && text.hasSuffix("416"): return .finished
    case 28 where text.hasPrefix("Operation too slow"):
      return .failed("stalled for \(limits.stallSeconds) s")
    case 18 where hasGrown, 56 where hasGrown: return .interrupted(text)
    default: return .failed(text.isEmpty ? "curl ended with status \(status)" : text)
    }
  }

  private func append(_ bytes: ArraySlice<UInt8>, to file: Int32) -> Bool {
    bytes.withUnsafeBytes { raw in
      var done = 0
      while done < raw.count {
        let written = write(file, raw.baseAddress.map { $0 + done }, raw.count - done)
        if written < 0, errno != EINTR { return false }
        done += max(0, written)
      }
      return true
    }
  }

  private func writeFailure() -> FetchError {
    .local(path: partialPath, problem: "cannot be written: \(String(cString: strerror(errno)))")
  }

  private var curlMissing: FetchError {
    .local(path: "curl", problem: "cannot be run; expected the program of the package curl")
  }
}
