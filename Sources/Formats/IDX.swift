/// The IDX format of the MNIST files: a magic number, big-endian extents, big-endian elements.
///
/// Files may be gzip-compressed, whatever they are called.
/// Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
package enum IDX {
  /// An array of unsigned bytes as the file holds it, without widening.
  package struct ByteArray: Sendable, Equatable {
    /// The extents, outermost first.
    package let shape: [Int]
    /// The elements in row-major order.
    package let bytes: [UInt8]
  }

  /// Reads a file of unsigned bytes, such as images and labels of MNIST.
  package static func readBytes(
    path: String, maximumBytes: Int = Gzip.defaultMaximumBytes
  ) throws(FormatError) -> ByteArray {
    try decodeBytes(contents(of: path, maximumBytes), path: path)
  }

  /// Reads a file of any IDX element type.
  package static func read(
    path: String, maximumBytes: Int = Gzip.defaultMaximumBytes
  ) throws(FormatError) -> Tensor {
    try decode(contents(of: path, maximumBytes), path: path)
  }

  /// A file of which no more is decompressed than its header promises, and one byte, which tells that there is more.
  private static func contents(
    of path: String, _ maximumBytes: Int
  ) throws(FormatError) -> [UInt8] {
    try Gzip.contents(of: path, maximumBytes: maximumBytes) { (start, isAll) throws(FormatError) in
      let header = try Header.read(start, path: path, isAll: isAll)
      let promised = header.length + (header.type.byteCount(header.count) ?? 0)
      guard promised <= maximumBytes else {
        throw FormatError(
          path: path,
          "promises \(promised) bytes in its IDX header; expected at most \(maximumBytes)")
      }
      return promised
    }
  }

  /// Reads unsigned bytes from the contents of an uncompressed file; errors name `path`.
  package static func decodeBytes(
    _ contents: consuming [UInt8], path: String
  ) throws(FormatError) -> ByteArray {
    let header = try Header.read(contents, path: path)
    guard header.type == .uint8 else {
      throw FormatError(
        path: path, "holds IDX elements of type \(header.type.rawValue); expected uint8")
    }
    contents.removeFirst(header.length)
    return ByteArray(shape: header.shape, bytes: contents)
  }

  /// Reads the contents of an uncompressed file; errors name `path`.
  package static func decode(_ contents: [UInt8], path: String) throws(FormatError) -> Tensor {
    let header = try Header.read(contents, path: path)
    let elements = try contents.withRawBytes { (raw) throws(FormatError) in
      var source = MemorySource(UnsafeRawBufferPointer(rebasing: raw[header.length...]))
      return try header.type.read(
        count: header.count, swapped: true, from: &source, what: "IDX array", path: path)
    }
    return Tensor(shape: header.shape, elements: elements)
  }

  /// The contents of an uncompressed IDX file of unsigned bytes.
  ///
  /// - Precondition: `bytes` holds exactly the product of `shape`; extents are below 2^32.
  package static func encode(_ bytes: [UInt8], shape: [Int]) -> [UInt8] {
    precondition(Tensor.count(of: shape) == bytes.count, "shape and element count disagree")
    precondition(shape.count < 256 && shape.allSatisfy { $0 <= UInt32.max }, "shape too large")
    var result: [UInt8] = [0, 0, 0x08, UInt8(shape.count)]
    for extent in shape {
      for shift in [24, 16, 8, 0] { result.append(UInt8(extent >> shift & 255)) }
    }
    return result + bytes
  }

  /// The checked header of a file whose contents are complete.
  private struct Header {
    let type: ScalarType
    let shape: [Int]
    let count: Int
    let length: Int

    private static let types: [UInt8: ScalarType] = [
      0x08: .uint8, 0x09: .int8, 0x0B: .int16, 0x0C: .int32, 0x0D: .float32, 0x0E: .float64,
    ]

    /// - Parameter isAll: whether the contents are complete, and so have to be as long as the header says.
    static func read(
      _ contents: [UInt8], path: String, isAll: Bool = true
    ) throws(FormatError) -> Header {
      guard contents.count >= 4 else {
        throw FormatError(
          path: path, "is truncated: \(contents.count) bytes found, an IDX file needs at least 4")
      }
      guard contents[0] == 0, contents[1] == 0, let type = Header.types[contents[2]] else {
        throw FormatError(
          path: path,
          "is not an IDX file: expected two zero bytes and an element type, found "
            + contents[..<3].map { String($0, radix: 16) }.joined(separator: " "))
      }
      let axes = Int(contents[3])
      let length = 4 + 4 * axes
      guard contents.count >= length else {
        throw FormatError(path: path, "is truncated inside its IDX header of \(length) bytes")
      }
      let shape = (0..<axes).map { axis in
        contents[(4 + 4 * axis)..<(8 + 4 * axis)].reduce(0) { $0 << 8 | Int($1) }
      }
      let found = contents.count - length
      guard let count = Tensor.count(of: shape), let promised = type.byteCount(count),
        promised <= Int.max - length, !count.multipliedReportingOverflow(by: 8).overflow
      else {
        throw FormatError(path: path, "has the impossible IDX shape \(shapeText(shape))")
      }
      guard promised == found || !isAll && promised > found else {
        let trouble = promised > found ? "is truncated" : "has bytes after its array"
        throw FormatError(
          path: path,
          "\(trouble): its IDX header promises \(promised) bytes, \(isAll ? "" : "at least ")"
            + "\(found) found")
      }
      return Header(type: type, shape: shape, count: count, length: length)
    }
  }
}
