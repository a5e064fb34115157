#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Bytes that are read once, from first to last.
protocol ByteSource {
  /// Fills `buffer` from the source; fewer bytes than asked for are returned only at the end.
  mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(FormatError) -> Int
}

/// A source over bytes in memory, which must outlive it.
struct MemorySource: ByteSource {
  private var bytes: Slice<UnsafeRawBufferPointer>

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes[...] }

  mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(FormatError) -> Int {
    let taken = min(buffer.count, bytes.count)
    if taken > 0 {
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.prefix(taken)))
    }
    bytes = bytes.dropFirst(taken)
    return taken
  }
}

/// A regular file open for reading; closes when the last reference goes.
final class FileSource: ByteSource {
  /// The file as the caller named it.
  let path: String

  /// The size when the file was opened.
  let size: Int

  private let descriptor: Int32

  init(path: String) throws(FormatError) {
    // Without O_NONBLOCK, a FIFO would be waited for until somebody writes into it.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw FormatError(path: path, "cannot be opened: \(systemMessage())")
    }
    var information = stat()
    let status = fstat(descriptor, &information)
    guard status == 0, information.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      let isDirectory = status == 0 && information.st_mode & S_IFMT == S_IFDIR
      throw FormatError(
        path: path,
        isDirectory
          ? "is a directory; expected a file"
          : "is not a regular file, but a pipe, a device or alike; copy its contents into a file first"
      )
    }
    self.path = path
    self.descriptor = descriptor
    size = Int(information.st_size)
  }

  deinit { close(descriptor) }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(FormatError) -> Int {
    guard let start = buffer.baseAddress else { return 0 }
    var filled = 0
    while filled < buffer.count {
      // Linux moves at most 2^31 bytes a call; a smaller request also works everywhere else.
      let request = min(buffer.count - filled, 1 << 30)
      let got = posixRead(descriptor, start + filled, request)
      if got == 0 { break }
      if got < 0 {
        if errno == EINTR { continue }
        throw FormatError(path: path, "cannot be read: \(systemMessage())")
      }
      filled += got
    }
    return filled
  }

  /// Continues reading at byte `position` from the start.
  func seek(to position: Int) throws(FormatError) {
    guard lseek(descriptor, off_t(position), SEEK_SET) == off_t(position) else {
      throw FormatError(path: path, "cannot be read: \(systemMessage())")
    }
  }

  /// The whole file.
  ///
  /// - Parameter maximumBytes: the most bytes that it may have.
  static func contents(of path: String, maximumBytes: Int = .max) throws(FormatError) -> [UInt8] {
    let source = try FileSource(path: path)
    guard source.size <= maximumBytes else {
      throw FormatError(
        path: path, "has \(source.size) bytes; expected at most \(maximumBytes)")
    }
    try MemoryBudget.check(source.size, for: "it", path: path)
    return try collect(source.size, path) { (buffer) throws(FormatError) in
      try source.read(into: buffer)
    }
  }
}

/// `read(2)` under a name that the methods called `read` do not shadow.
private func posixRead(_ descriptor: Int32, _ start: UnsafeMutableRawPointer, _ count: Int) -> Int {
  read(descriptor, start, count)
}

/// The text of the current `errno`.
func systemMessage() -> String { String(cString: strerror(errno)) }

/// An array of at most `capacity` bytes, as many as `fill` reports.
func collect(
  _ capacity: Int, _ path: String,
  _ fill: (UnsafeMutableRawBufferPointer) throws(FormatError) -> Int
) throws(FormatError) -> [UInt8] {
  var failure: FormatError?
  let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
    do throws(FormatError) {
      count = try fill(
        UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: capacity))
    } catch {
      failure = error
    }
  }
  if let failure { throw failure }
  return bytes
}

extension [UInt8] {
  /// `withUnsafeBytes` for bodies that throw a `FormatError`.
  func withRawBytes<Value>(
    _ body: (UnsafeRawBufferPointer) throws(FormatError) -> Value
  ) throws(FormatError) -> Value {
    let result = withUnsafeBytes { bytes -> Result<Value, FormatError> in
      do throws(FormatError) { return .success(try body(bytes)) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
