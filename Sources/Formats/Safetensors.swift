/// The safetensors format: a JSON header and one buffer that holds the tensors without gaps.
///
/// Reads F16, BF16, F32, F64, BOOL and all integers of 8 to 64 bits; 16-bit floats widen to F32
/// and integers to I64, see `Tensor`. Source: huggingface/safetensors, README, "Format".
public struct Safetensors: Sendable, Equatable {
  /// The tensors by name.
  public var tensors: [String: Tensor]

  /// Free text by key, the header's `__metadata__`.
  public var metadata: [String: String]

  /// Creates the contents of a file.
  public init(tensors: [String: Tensor] = [:], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// Reads the file `path`.
  public init(path: String) throws(FormatError) {
    try self.init(bytes: FileSource.contents(of: path), path: path)
  }

  /// Reads the contents of a file; errors name `path`.
  public init(bytes: [UInt8], path: String) throws(FormatError) {
    let (header, length) = try Safetensors.header(bytes, path)
    var tensors: [String: Tensor] = [:]
    try Safetensors.check(header, bufferCount: bytes.count - length, path)
    for (name, entry) in header.entries {
      let elements = try bytes.withRawBytes { (raw) throws(FormatError) in
        let range = (length + entry.begin)..<(length + entry.end)
        var source = MemorySource(UnsafeRawBufferPointer(rebasing: raw[range]))
        return try entry.type.read(
          count: Tensor.count(of: entry.shape) ?? 0, swapped: false, from: &source,
          what: "tensor '\(name)'", path: path)
      }
      tensors[name] = Tensor(shape: entry.shape, elements: elements)
    }
    self.init(tensors: tensors, metadata: header.metadata)
  }

  /// The tensor `name`.
  ///
  /// - Throws: `FormatError` naming `path` if there is no such tensor.
  public func tensor(_ name: String, path: String) throws(FormatError) -> Tensor {
    if let tensor = tensors[name] { return tensor }
    let found = tensors.keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
    throw FormatError(
      path: path, "has no tensor '\(name)'; it holds \(found.isEmpty ? "no tensors" : found)")
  }

  /// The format's own limit on the header: 100 MB.
  static let maximumHeaderLength = 100_000_000

  /// Parses the header; `length` includes the eight bytes in front of it.
  static func header(
    _ bytes: [UInt8], _ path: String
  ) throws(FormatError) -> (SafetensorsHeader, length: Int) {
    guard bytes.count >= 8 else {
      throw FormatError(
        path: path,
        "is truncated: \(bytes.count) bytes found, a safetensors file needs at least 8")
    }
    let claimed = bytes[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard claimed <= UInt64(bytes.count - 8), claimed <= UInt64(maximumHeaderLength) else {
      throw FormatError(
        path: path,
        "is truncated or no safetensors file: its header claims \(claimed) bytes, "
          + "\(bytes.count - 8) found")
    }
    let length = 8 + Int(claimed)
    var scanner = SafetensorsHeaderScanner(bytes[8..<length])
    do throws(SafetensorsHeaderScanner.Failure) {
      return (try scanner.scan(), length)
    } catch {
      throw FormatError(path: path, "has a bad safetensors header: \(error.text)")
    }
  }

  /// Checks that the tensors tile the buffer: every byte belongs to exactly one of them.
  private static func check(
    _ header: SafetensorsHeader, bufferCount: Int, _ path: String
  ) throws(FormatError) {
    var position = 0
    let sorted = header.entries.sorted {
      ($0.value.begin, $0.value.end, $0.key) < ($1.value.begin, $1.value.end, $1.key)
    }
    for (name, entry) in sorted {
      let range = "\(entry.begin)..<\(entry.end)"
      guard let count = Tensor.count(of: entry.shape), let size = entry.type.byteCount(count)
      else {
        throw FormatError(
          path: path, "tensor '\(name)' has the impossible shape \(shapeText(entry.shape))")
      }
      guard entry.end <= bufferCount else {
        throw FormatError(
          path: path,
          "tensor '\(name)' is truncated: it lies at \(range) of \(bufferCount) bytes")
      }
      guard entry.begin == position, entry.end >= entry.begin else {
        throw FormatError(
          path: path,
          "tensor '\(name)' lies at \(range); expected it to start at \(position), "
            + "without overlap or gap")
      }
      guard entry.end - entry.begin == size else {
        throw FormatError(
          path: path,
          "tensor '\(name)' of shape \(shapeText(entry.shape)) needs \(size) bytes, "
            + "\(entry.end - entry.begin) given")
      }
      position = entry.end
    }
    guard position == bufferCount else {
      throw FormatError(
        path: path, "has \(bufferCount - position) bytes that belong to no tensor")
    }
  }
}
