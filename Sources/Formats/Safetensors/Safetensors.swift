/// The safetensors format: a JSON header and one buffer that holds the tensors without gaps.
///
/// Reads F16, BF16, F32, F64, BOOL and all integers of 8 to 64 bits; 16-bit floats widen to F32
/// and integers to I64, see `Tensor`. Tensors of other types are left out, and refused by name where one is asked
/// for. Source: huggingface/safetensors, README, "Format".
public struct Safetensors: Sendable, Equatable {
  /// The tensors by name.
  public var tensors: [String: Tensor]

  /// Free text by key, the header's `__metadata__`.
  public var metadata: [String: String]

  /// The types of tensors that were left out, by name.
  var unread: [String: String] = [:]

  /// The names of the tensors, those included that are of a type that is not read.
  public var names: Set<String> { Set(tensors.keys).union(unread.keys) }

  /// Creates the contents of a file.
  public init(tensors: [String: Tensor] = [:], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// Reads the file `path`.
  public init(path: String) throws(FormatError) {
    let file = try SafetensorsFile(path: path)
    self = try file.contents(of: Set(file.header.entries.keys))
  }

  /// Reads the contents of a file; errors name `path`.
  public init(bytes: [UInt8], path: String) throws(FormatError) {
    self = try bytes.withRawBytes { (raw) throws(FormatError) in
      var start = MemorySource(raw)
      let (header, length) = try SafetensorsHeader.read(
        from: &start, size: bytes.count, path: path)
      return try header.contents(of: Set(header.entries.keys), path: path) {
        (entry, name) throws(FormatError) in
        let range = (length + entry.begin)..<(length + entry.end)
        var source = MemorySource(UnsafeRawBufferPointer(rebasing: raw[range]))
        return try entry.read(from: &source, name: name, path: path)
      }
    }
  }

  /// The tensor `name`.
  ///
  /// - Throws: `FormatError` naming `path` if there is no such tensor, or one of a type that is not read.
  public func tensor(_ name: String, path: String) throws(FormatError) -> Tensor {
    if let tensor = tensors[name] { return tensor }
    if let code = unread[name] { throw SafetensorsHeader.unreadable(name, code, path) }
    throw FormatError(
      path: path,
      "has no tensor '\(name.shortened)'; it holds \(listing(tensors.keys.sorted(), "tensors"))")
  }
}

/// A safetensors file that is open, of which so far only the header is in memory.
struct SafetensorsFile {
  let header: SafetensorsHeader
  private let source: FileSource
  private let length: Int

  init(path: String) throws(FormatError) {
    var source = try FileSource(path: path)
    (header, length) = try SafetensorsHeader.read(from: &source, size: source.size, path: path)
    self.source = source
  }

  /// The tensors of these names, and the metadata.
  ///
  /// - Parameter maximumBytes: the most bytes that the tensors may take in memory.
  func contents(
    of names: Set<String>, maximumBytes: Int = .max
  ) throws(FormatError) -> Safetensors {
    try header.contents(of: names, path: source.path, maximumBytes: maximumBytes) {
      (entry, name) throws(FormatError) in
      try source.seek(to: length + entry.begin)
      var source = source
      return try entry.read(from: &source, name: name, path: source.path)
    }
  }
}

extension SafetensorsHeader {
  /// The format's own limit on the header: 100 MB.
  private static let maximumLength = 100_000_000

  /// Reads and checks the header at the start of a file of `size` bytes; the length includes the eight bytes in
  /// front of it.
  static func read<Source: ByteSource>(
    from source: inout Source, size: Int, path: String
  ) throws(FormatError) -> (SafetensorsHeader, length: Int) {
    let start = try collect(8, path) { (buffer) throws(FormatError) in
      try source.read(into: buffer)
    }
    guard start.count == 8 else {
      throw FormatError(
        path: path,
        "is truncated: \(start.count) bytes found, a safetensors file needs at least 8")
    }
    let claimed = start.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard claimed <= UInt64(max(0, size - 8)), claimed <= UInt64(maximumLength),
      let count = Int(exactly: claimed)
    else {
      throw FormatError(
        path: path,
        "is truncated or no safetensors file: its header claims \(claimed) bytes, "
          + "\(size - 8) found")
    }
    let bytes = try collect(count, path) { (buffer) throws(FormatError) in
      try source.read(into: buffer)
    }
    guard bytes.count == count else {
      throw FormatError(path: path, "is truncated inside its safetensors header")
    }
    var scanner = SafetensorsHeaderScanner(bytes[...])
    let header: SafetensorsHeader
    do throws(SafetensorsHeaderScanner.Failure) {
      header = try scanner.scan()
    } catch {
      throw FormatError(path: path, "has a bad safetensors header: \(error.text)")
    }
    try header.check(bufferCount: size - 8 - count, path)
    return (header, 8 + count)
  }

  /// Checks that the tensors tile the buffer: every byte belongs to exactly one of them.
  private func check(bufferCount: Int, _ path: String) throws(FormatError) {
    var position = 0
    let sorted = entries.sorted {
      ($0.value.begin, $0.value.end, $0.key) < ($1.value.begin, $1.value.end, $1.key)
    }
    for (name, entry) in sorted {
      let range = "\(entry.begin)..<\(entry.end)"
      func failure(_ text: String) -> FormatError {
        FormatError(path: path, "tensor '\(name.shortened)' \(text)")
      }
      // How many bytes elements of a type take that is not read is unknown.
      let size: Int?
      if let type = entry.type {
        guard let count = Tensor.count(of: entry.shape), let bytes = type.byteCount(count),
          !count.multipliedReportingOverflow(by: type.widthInMemory).overflow
        else { throw failure("has the impossible shape \(shapeText(entry.shape))") }
        size = bytes
      } else {
        size = nil
      }
      guard entry.end <= bufferCount else {
        throw failure("is truncated: it lies at \(range) of \(bufferCount) bytes")
      }
      guard entry.begin == position, entry.end >= entry.begin else {
        throw failure(
          "lies at \(range); expected it to start at \(position), without overlap or gap")
      }
      if let size, entry.end - entry.begin != size {
        throw failure(
          "of shape \(shapeText(entry.shape)) needs \(size) bytes, \(entry.end - entry.begin) given"
        )
      }
      position = entry.end
    }
    guard position == bufferCount else {
      throw FormatError(
        path: path, "has \(bufferCount - position) bytes that belong to no tensor")
    }
  }

  /// The tensors of these names, which `read` fetches after it is known that they fit into memory.
  func contents(
    of names: Set<String>, path: String, maximumBytes: Int = .max,
    read: (Entry, String) throws(FormatError) -> Tensor
  ) throws(FormatError) -> Safetensors {
    var result = Safetensors(metadata: metadata)
    result.unread = entries.compactMapValues { $0.type == nil ? $0.code : nil }
    var wanted: [(name: String, entry: Entry)] = []
    var bytes = 0
    for (name, entry) in entries where names.contains(name) {
      guard let type = entry.type else { continue }
      // A tensor's bytes were found in the file, and widen eightfold at most.
      bytes += (Tensor.count(of: entry.shape) ?? 0) * type.widthInMemory
      wanted.append((name, entry))
    }
    guard bytes <= maximumBytes else {
      throw FormatError(
        path: path, "has tensors of \(bytes) bytes in memory; at most \(maximumBytes) are allowed")
    }
    try MemoryBudget.check(bytes, for: "it", path: path)
    for (name, entry) in wanted { result.tensors[name] = try read(entry, name) }
    return result
  }

  /// A tensor is asked for whose elements are not read.
  static func unreadable(_ name: String, _ code: String, _ path: String) -> FormatError {
    FormatError(
      path: path,
      "tensor '\(name.shortened)' has the unsupported dtype '\(code.shortened)'; expected F16, BF16, F32, "
        + "F64, BOOL or integers: convert it first")
  }
}

extension SafetensorsHeader.Entry {
  /// The tensor, whose bytes `source` is at; of a type that is read.
  fileprivate func read<Source: ByteSource>(
    from source: inout Source, name: String, path: String
  ) throws(FormatError) -> Tensor {
    guard let type else { throw SafetensorsHeader.unreadable(name, code, path) }
    let elements = try type.read(
      count: Tensor.count(of: shape) ?? 0, swapped: false, from: &source,
      what: "tensor '\(name.shortened)'", path: path)
    return Tensor(shape: shape, elements: elements)
  }
}
