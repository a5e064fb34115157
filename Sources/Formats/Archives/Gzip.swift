import CZlib

/// Gzip compression (RFC 1952) through zlib.
package enum Gzip {
  /// The default of the most bytes that decompression may produce: 4 GiB.
  package static let defaultMaximumBytes = 4 << 30

  /// Enough of the contents to see the header of any format.
  fileprivate static let startLength = 2048

  /// Deflate never expands a byte to more than this many.
  static let maximumExpansion = 1032

  /// Whether `bytes` start as a gzip file does.
  package static func isCompressed(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B
  }

  /// The contents of the file `path`, decompressed if it is a gzip file and as it is otherwise.
  ///
  /// - Parameter maximumBytes: the most bytes that the contents may have; a file that holds more is refused as soon as
  ///   that is known.
  package static func contents(
    of path: String, maximumBytes: Int = defaultMaximumBytes
  ) throws(FormatError) -> [UInt8] {
    try contents(of: path, maximumBytes: maximumBytes) { (_, _) throws(FormatError) in nil }
  }

  /// The contents of the file `path`, of which `promised` says how many bytes there are to be.
  ///
  /// - Parameter promised: is given the start of the contents, as many bytes as have been decompressed so far, at
  ///   least 2,048 of them or all, and whether it is all; nil promises nothing.
  static func contents(
    of path: String, maximumBytes: Int = defaultMaximumBytes,
    promised: (_ start: [UInt8], _ isAll: Bool) throws(FormatError) -> Int?
  ) throws(FormatError) -> [UInt8] {
    // Bytes without any pattern grow a little when they are compressed.
    let (slack, overflow) = maximumBytes.addingReportingOverflow(maximumBytes / 1000 + 1024)
    let bytes = try FileSource.contents(of: path, maximumBytes: overflow ? .max : slack)
    guard isCompressed(bytes) else {
      guard bytes.count <= maximumBytes else {
        throw FormatError(
          path: path, "has \(bytes.count) bytes; expected at most \(maximumBytes)")
      }
      return bytes
    }
    return try bytes.withRawBytes { (raw) throws(FormatError) in
      var inflater = try Inflater(raw, path: path, maximumBytes: maximumBytes)
      return try inflater.run(promised: promised)
    }
  }

  /// Decompresses a whole gzip file of one or more members; errors name `path`.
  package static func decompress(
    _ bytes: [UInt8], path: String, maximumBytes: Int = defaultMaximumBytes
  ) throws(FormatError) -> [UInt8] {
    try bytes.withRawBytes { (raw) throws(FormatError) in
      var inflater = try Inflater(raw, path: path, maximumBytes: maximumBytes)
      return try inflater.run { (_, _) throws(FormatError) in nil }
    }
  }

  /// Compresses `bytes` into one gzip member without name and time: equal input, equal output.
  ///
  /// - Parameter level: 0 (stored) to 9 (smallest).
  package static func compress(_ bytes: [UInt8], level: Int = 6) -> [UInt8] {
    precondition((0...9).contains(level), "the level of gzip lies in 0...9")
    var stream = z_stream()
    let status = deflateInit2_(
      &stream, Int32(level), Z_DEFLATED, gzipWindowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    precondition(status == Z_OK, "zlib cannot start: out of memory")
    defer { deflateEnd(&stream) }
    return bytes.withUnsafeBytes { input in
      pump(&stream, input, step: deflate)
    }
  }

  /// 15 bits of window, plus 16 for a gzip wrapper instead of zlib's own.
  fileprivate static let gzipWindowBits: Int32 = 15 + 16

  /// Feeds all of `input` to a compressor and collects its output.
  private static func pump(
    _ stream: inout z_stream, _ input: UnsafeRawBufferPointer,
    step: (UnsafeMutablePointer<z_stream>, Int32) -> Int32
  ) -> [UInt8] {
    var output: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    var position = 0
    var status = Z_OK
    while status != Z_STREAM_END {
      if stream.avail_in == 0, position < input.count {
        let count = min(input.count - position, 1 << 30)
        stream.next_in = inputPointer(input, position)
        stream.avail_in = uInt(count)
        position += count
      }
      let blockCount = block.count
      let produced = block.withUnsafeMutableBufferPointer { buffer in
        stream.next_out = buffer.baseAddress
        stream.avail_out = uInt(blockCount)
        status = step(&stream, position == input.count ? Z_FINISH : Z_NO_FLUSH)
        return blockCount - Int(stream.avail_out)
      }
      precondition(status == Z_OK || status == Z_STREAM_END, "zlib cannot compress")
      output.append(contentsOf: block[..<produced])
    }
    return output
  }
}

/// zlib declares its input pointer mutable but does not write through it.
private func inputPointer(
  _ input: UnsafeRawBufferPointer, _ offset: Int
) -> UnsafeMutablePointer<Bytef>? {
  input.baseAddress.map {
    UnsafeMutableRawPointer(mutating: $0 + offset).assumingMemoryBound(to: Bytef.self)
  }
}

/// One decompression from start to end.
private struct Inflater {
  private let input: UnsafeRawBufferPointer
  private let path: String
  private var maximumBytes: Int
  private var position = 0
  private var output: [UInt8] = []
  private var isFirstBlock = true

  init(
    _ input: UnsafeRawBufferPointer, path: String, maximumBytes: Int
  ) throws(FormatError) {
    self.input = input
    self.path = path
    self.maximumBytes = maximumBytes
    guard input.count >= 18, input[0] == 0x1F, input[1] == 0x8B else {
      throw FormatError(path: path, "is not a gzip file, or is truncated inside its header")
    }
  }

  mutating func run(
    promised: (_ start: [UInt8], _ isAll: Bool) throws(FormatError) -> Int?
  ) throws(FormatError) -> [UInt8] {
    repeat { try inflateMember(promised) } while nextMemberFollows()
    // Padding with zeros, as tapes and some tools leave it, is allowed; anything else is not.
    guard input[position...].allSatisfy({ $0 == 0 }) else {
      throw FormatError(path: path, "has bytes after its gzip data that are not gzip data")
    }
    return output
  }

  private func nextMemberFollows() -> Bool {
    position + 1 < input.count && input[position] == 0x1F && input[position + 1] == 0x8B
  }

  /// Makes room once it is known how much is to come.
  private mutating func reserve(
    _ promised: (_ start: [UInt8], _ isAll: Bool) throws(FormatError) -> Int?, isAll: Bool
  ) throws(FormatError) {
    isFirstBlock = false
    if let total = try promised(output, isAll) { maximumBytes = min(maximumBytes, total) }
    // The last four bytes hold the size modulo 2^32: a hint for the allocation, not trusted.
    let trailer = input.loadUnaligned(fromByteOffset: input.count - 4, as: UInt32.self)
    let expansion = input.count.multipliedReportingOverflow(by: Gzip.maximumExpansion)
    let ceiling = expansion.overflow ? maximumBytes : min(maximumBytes, expansion.partialValue)
    let size = max(output.count, min(Int(UInt32(littleEndian: trailer)), ceiling))
    try MemoryBudget.check(size, for: "it", path: path)
    output.reserveCapacity(size)
  }

  private mutating func inflateMember(
    _ promised: (_ start: [UInt8], _ isAll: Bool) throws(FormatError) -> Int?
  ) throws(FormatError) {
    var stream = z_stream()
    guard
      inflateInit2_(
        &stream, Gzip.gzipWindowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw FormatError(path: path, "cannot be decompressed: out of memory") }
    defer { inflateEnd(&stream) }
    var block = [UInt8](repeating: 0, count: 1 << 18)
    var status = Z_OK
    while status != Z_STREAM_END {
      let offered = min(input.count - position, 1 << 30)
      stream.next_in = inputPointer(input, position)
      stream.avail_in = uInt(offered)
      // A short block first: the header in it may say how much is to come.
      let blockCount = isFirstBlock ? min(block.count, 2 * Gzip.startLength) : block.count
      let produced = block.withUnsafeMutableBufferPointer { buffer in
        stream.next_out = buffer.baseAddress
        stream.avail_out = uInt(blockCount)
        status = inflate(&stream, Z_NO_FLUSH)
        return blockCount - Int(stream.avail_out)
      }
      position += offered - Int(stream.avail_in)
      guard output.count + produced <= maximumBytes else {
        throw FormatError(
          path: path, "decompresses to more than the \(maximumBytes) bytes allowed")
      }
      output.append(contentsOf: block[..<produced])
      if status == Z_BUF_ERROR || (status == Z_OK && position == input.count && produced == 0) {
        throw FormatError(
          path: path,
          "is truncated: its gzip data ends after \(output.count) decompressed bytes")
      }
      guard status == Z_OK || status == Z_STREAM_END else {
        let detail = stream.msg.map { String(cString: $0) } ?? "zlib status \(status)"
        throw FormatError(path: path, "has corrupt gzip data: \(detail)")
      }
      let isAll = status == Z_STREAM_END && !nextMemberFollows()
      if isFirstBlock, isAll || output.count >= Gzip.startLength {
        try reserve(promised, isAll: isAll)
      }
    }
  }
}
