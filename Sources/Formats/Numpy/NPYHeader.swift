/// The header of a `.npy` array: magic, version, and a Python dictionary literal.
///
/// Source: numpy, `numpy.lib.format` (versions 1.0, 2.0 and 3.0).
struct NPYHeader: Equatable {
  var type: ScalarType
  var isBigEndian: Bool
  var isFortranOrder: Bool
  var shape: [Int]

  /// The number of elements; the shape was checked when the header was made.
  var count: Int { Tensor.count(of: shape) ?? 0 }

  /// Bytes of the array behind the header.
  var byteCount: Int { type.byteCount(count) ?? 0 }

  /// No numpy array has more axes.
  static let maximumAxes = 64

  /// Far above what any plain array needs; bounds what a lying length can make us read.
  static let maximumLength = 1 << 16

  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// Reads what the header at the start of `source` says, of whatever element type.
  ///
  /// - Parameter available: bytes the source is known to hold.
  /// - Returns: the dictionary and the number of bytes that the header took.
  static func readDictionary<Source: ByteSource>(
    from source: inout Source, available: Int, what: String, path: String
  ) throws(FormatError) -> (dictionary: PythonLiteralScanner.Dictionary, length: Int) {
    func failure(_ text: String) -> FormatError { FormatError(path: path, "\(what) \(text)") }

    func take(_ count: Int) throws(FormatError) -> [UInt8] {
      let bytes = try collect(count, path) { (buffer) throws(FormatError) in
        try source.read(into: buffer)
      }
      guard bytes.count == count else { throw failure("is truncated inside its header") }
      return bytes
    }

    guard available >= 10 else {
      throw failure("is truncated: \(available) bytes found, a .npy header needs at least 10")
    }
    let start = try take(8)
    guard start.starts(with: magic) else {
      throw failure("is not a .npy array: it does not start with \\x93NUMPY")
    }
    let version = start[6]
    guard (1...3).contains(version), start[7] == 0 else {
      throw failure("has .npy version \(version).\(start[7]); expected 1.0, 2.0 or 3.0")
    }
    let lengthBytes = try take(version == 1 ? 2 : 4)
    let length = lengthBytes.reversed().reduce(0) { $0 << 8 | Int($1) }
    let prefix = 8 + lengthBytes.count
    guard length <= available - prefix else {
      throw failure(
        "is truncated: its header claims \(length) bytes, \(available - prefix) found")
    }
    guard length <= maximumLength else {
      throw failure("has a header of \(length) bytes; expected at most \(maximumLength)")
    }
    var scanner = PythonLiteralScanner(try take(length))
    guard let dictionary = scanner.headerDictionary() else {
      throw failure(
        "has a malformed header; expected {'descr': '<f4', 'fortran_order': False, "
          + "'shape': (2, 3)} alike")
    }
    return (dictionary, prefix + length)
  }

  /// Reads the header of an array of numbers from the start of `source`.
  ///
  /// - Parameter available: bytes the source is known to hold.
  /// - Returns: the header and the number of bytes it took.
  static func read<Source: ByteSource>(
    from source: inout Source, available: Int, what: String, path: String
  ) throws(FormatError) -> (header: NPYHeader, length: Int) {
    let (dictionary, length) = try readDictionary(
      from: &source, available: available, what: what, path: path)
    let (type, isBigEndian) = try parse(dictionary.description, what, path)
    guard dictionary.shape.count <= maximumAxes, let count = Tensor.count(of: dictionary.shape),
      type.byteCount(count) != nil, count.multipliedReportingOverflow(by: 8).overflow == false
    else {
      throw FormatError(
        path: path, "\(what) has the impossible shape \(shapeText(dictionary.shape))")
    }
    let header = NPYHeader(
      type: type, isBigEndian: isBigEndian, isFortranOrder: dictionary.isFortranOrder,
      shape: dictionary.shape)
    return (header, length)
  }

  /// The bytes of a version 1.0 header in front of row-major little-endian data.
  func encoded() -> [UInt8] {
    let code = type == .float32 ? "f4" : type == .float64 ? "f8" : "i8"
    return Self.encoded(description: "<\(code)", shape: shape)
  }

  /// The same for any element type.
  static func encoded(description: String, shape: [Int]) -> [UInt8] {
    var text =
      "{'descr': '\(description)', 'fortran_order': False, 'shape': \(shapeText(shape)), }"
    // numpy starts the data at a multiple of 64 bytes and ends the header with a newline.
    let unpadded = 10 + text.utf8.count + 1
    text += String(repeating: " ", count: (64 - unpadded % 64) % 64) + "\n"
    let length = text.utf8.count
    precondition(length < 1 << 16, "too many axes for a version 1.0 header")
    return NPYHeader.magic + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + Array(text.utf8)
  }

  private static func parse(
    _ description: String, _ what: String, _ path: String
  ) throws(FormatError) -> (ScalarType, isBigEndian: Bool) {
    let order = description.first ?? " "
    let types: [String: ScalarType] = [
      "f2": .float16, "f4": .float32, "f8": .float64, "b1": .bool,
      "i1": .int8, "i2": .int16, "i4": .int32, "i8": .int64,
      "u1": .uint8, "u2": .uint16, "u4": .uint32, "u8": .uint64,
    ]
    let hasOrder = "<>|=".contains(order)
    guard let type = types[String(hasOrder ? description.dropFirst() : description[...])] else {
      let shown = String(description.prefix(32))
      if description.hasSuffix("V2") {
        throw FormatError(
          path: path,
          "\(what) has the element type '\(shown)', as which numpy stores bfloat16 of JAX; convert it "
            + "with .astype('float32') before it is saved")
      }
      throw FormatError(
        path: path,
        "\(what) has the element type '\(shown)'; expected a float of 2, 4 or 8 bytes, "
          + "an integer or a bool")
    }
    return (type, isBigEndian: order == ">")
  }
}

/// A shape as Python prints it: `()`, `(3,)`, `(2, 3)`.
func shapeText(_ shape: [Int]) -> String {
  if shape.count == 1 { return "(\(shape[0]),)" }
  return "(" + shape.map(String.init).joined(separator: ", ") + ")"
}
