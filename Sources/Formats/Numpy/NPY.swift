/// The `.npy` format of numpy: one array, versions 1.0 to 3.0.
///
/// Reads floats of 2, 4 and 8 bytes, all integers and booleans, in either byte order and in C or
/// Fortran order. Writes version 1.0, little-endian, C order.
public enum NPY {
  /// Whether the file `path` starts as an array does; throws where it cannot be read.
  public static func isArray(path: String) throws(FormatError) -> Bool {
    let source = try FileSource(path: path)
    let start = try collect(NPYHeader.magic.count, path) { (buffer) throws(FormatError) in
      try source.read(into: buffer)
    }
    return start == NPYHeader.magic
  }

  /// Reads the array in the file `path`.
  public static func read(path: String) throws(FormatError) -> Tensor {
    var source = try FileSource(path: path)
    return try decode(from: &source, size: source.size, what: "array", path: path)
  }

  /// Reads the array in `bytes`; errors name `path`.
  public static func decode(_ bytes: [UInt8], path: String) throws(FormatError) -> Tensor {
    try bytes.withRawBytes { (raw) throws(FormatError) in
      var source = MemorySource(raw)
      return try decode(from: &source, size: raw.count, what: "array", path: path)
    }
  }

  /// The bytes of a `.npy` file that holds `tensor`.
  public static func encode(_ tensor: Tensor) -> [UInt8] {
    let header = NPYHeader(
      type: tensor.elements.scalarType, isBigEndian: false, isFortranOrder: false,
      shape: tensor.shape)
    var bytes = header.encoded()
    bytes.reserveCapacity(bytes.count + header.byteCount)
    tensor.elements.withBytes { bytes.append(contentsOf: $0) }
    return bytes
  }

  /// Writes `tensor` to the file `path`, atomically.
  public static func write(_ tensor: Tensor, to path: String) throws(FormatError) {
    try AtomicFile.write(encode(tensor), to: path)
  }

  /// Reads one array from `source`, which claims to hold `size` bytes and must end with the array.
  ///
  /// - Parameter maximumBytes: the most bytes that the array may take in memory.
  static func decode<Source: ByteSource>(
    from source: inout Source, size: Int, what: String, path: String,
    maximumBytes: Int = .max
  ) throws(FormatError) -> Tensor {
    let (header, length) = try NPYHeader.read(
      from: &source, available: size, what: what, path: path)
    guard header.byteCount == size - length else {
      let found = size - length
      let trouble =
        header.byteCount > found ? "is truncated" : "is followed by bytes that do not belong to it"
      throw FormatError(
        path: path, "\(what) \(trouble): header promises \(header.byteCount) bytes, \(found) found")
    }
    guard header.count * header.type.widthInMemory <= maximumBytes else {
      throw FormatError(
        path: path,
        "\(what) needs \(header.count * header.type.widthInMemory) bytes in memory; "
          + "at most \(maximumBytes) are allowed")
    }
    let elements = try header.type.read(
      count: header.count, swapped: header.isBigEndian, from: &source, what: what, path: path)
    let isRowMajor = !header.isFortranOrder || header.shape.count < 2
    return Tensor(
      shape: header.shape,
      elements: isRowMajor ? elements : elements.rowMajor(fromFortranOrder: header.shape))
  }
}
