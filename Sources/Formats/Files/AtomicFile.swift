#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Files that appear whole or not at all.
package enum AtomicFile {
  /// What the names of files that are not finished start with. A process that is killed leaves at most one.
  package static let temporaryPrefix = ".tmp-"

  /// Writes `bytes` to the file `path`: a temporary sibling is written, synchronised with the disk
  /// and renamed. On failure nothing is left behind and an old file stays as it was.
  ///
  /// Symbolic links are followed: they stay, and what they point to is replaced, which keeps its permissions.
  /// What is no regular file (a device, a pipe, the terminal behind `/dev/stdout`) gets the bytes as they are.
  package static func write(_ bytes: [UInt8], to path: String) throws(FormatError) {
    let target: OutputTarget
    do { target = try OutputTarget(path) } catch {
      if error.message.hasPrefix("cannot be written") { throw error }
      throw FormatError(path: error.path, "cannot be written: it \(error.message)")
    }
    switch target {
    case .file(let target, let mode):
      try replace(target, mode: mode, by: bytes, named: path)
    case .descriptor(let descriptor):
      if let trouble = fill(descriptor, with: bytes) {
        throw FormatError(path: path, "cannot be written: \(trouble)")
      }
    case .special(let target):
      try send(bytes, to: target)
    }
  }

  /// Writes `text` as UTF-8 to the file `path`, atomically.
  package static func write(_ text: String, to path: String) throws(FormatError) {
    try write(Array(text.utf8), to: path)
  }

  private static func replace(
    _ target: String, mode: UInt32?, by bytes: [UInt8], named path: String
  ) throws(FormatError) {
    let directory = OutputTarget.directory(of: target)
    let token = String(UInt64.random(in: 0 ... .max), radix: 36)
    // A file name has at most 255 bytes, so the temporary name must not build on a long one.
    let temporary = directory + temporaryPrefix + token
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw FormatError(
        path: path,
        "cannot be written: \(systemMessage()) in the directory '\(directory)'")
    }
    var trouble = fill(descriptor, with: bytes)
    if trouble == nil, let mode, fchmod(descriptor, mode_t(mode)) != 0 {
      trouble = systemMessage()
    }
    if trouble == nil, fsync(descriptor) != 0 { trouble = systemMessage() }
    if close(descriptor) != 0, trouble == nil { trouble = systemMessage() }
    if trouble == nil, rename(temporary, target) != 0 { trouble = systemMessage() }
    if let trouble {
      unlink(temporary)
      throw FormatError(path: path, "cannot be written: \(trouble)")
    }
    synchronise(directory)
  }

  /// Writes into something that is no regular file. A pipe without a reader waits for one.
  private static func send(_ bytes: [UInt8], to path: String) throws(FormatError) {
    let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else {
      throw FormatError(path: path, "cannot be written: \(systemMessage())")
    }
    var trouble = fill(descriptor, with: bytes)
    if close(descriptor) != 0, trouble == nil { trouble = systemMessage() }
    if let trouble { throw FormatError(path: path, "cannot be written: \(trouble)") }
  }

  /// Writes all bytes; returns the text of the error, if any.
  private static func fill(_ descriptor: Int32, with bytes: [UInt8]) -> String? {
    bytes.withUnsafeBytes { raw in
      var done = 0
      while done < raw.count {
        let start = raw.baseAddress.map { $0 + done }
        let written = posixWrite(descriptor, start, min(raw.count - done, 1 << 30))
        if written < 0 {
          if errno == EINTR { continue }
          return systemMessage()
        }
        done += written
      }
      return nil
    }
  }

  /// Makes the rename itself durable. File systems that cannot do this are no reason to fail.
  private static func synchronise(_ directory: String) {
    let descriptor = open(directory, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}

/// `write(2)` under a name that the methods called `write` do not shadow.
private func posixWrite(_ descriptor: Int32, _ start: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, start, count)
}
