extension ScalarType {
  /// Reads `count` elements, widening as `Tensor` documents.
  ///
  /// - Parameters:
  ///   - swapped: whether the file's byte order is the other one.
  ///   - what: how an error calls the array, for example `array 'X'`.
  /// - Throws: `FormatError` if the source ends early, a value exceeds `Int64`, or the machine has not the memory.
  /// - Precondition: `count` elements have fewer than 2^63 bytes, in the file and in memory.
  func read<Source: ByteSource>(
    count: Int, swapped: Bool, from source: inout Source, what: String, path: String
  ) throws(FormatError) -> Tensor.Elements {
    try MemoryBudget.check(count * widthInMemory, for: what, path: path)
    let place = Place(what: what, path: path, promised: count * width)
    switch self {
    case .float32:
      return .float32(
        try direct(count, UInt32.self, swapped: swapped, from: &source, place))
    case .float64:
      return .float64(
        try direct(count, UInt64.self, swapped: swapped, from: &source, place))
    case .int64:
      return .int64(try direct(count, UInt64.self, swapped: swapped, from: &source, place))
    case .uint64:
      let bits: [Int64] = try direct(count, UInt64.self, swapped: swapped, from: &source, place)
      if let index = bits.firstIndex(where: { $0 < 0 }) {
        throw FormatError(
          path: path,
          "\(what) holds \(UInt64(bitPattern: bits[index])) at index \(index); "
            + "expected integers up to \(Int64.max)")
      }
      return .int64(bits)
    case .float16:
      return .float32(
        try widened(count, swapped: swapped, from: &source, place) { (raw: UInt16) in
          Float(Float16(bitPattern: raw))
        })
    case .bfloat16:
      return .float32(
        try widened(count, swapped: swapped, from: &source, place) { (raw: UInt16) in
          Float(bitPattern: UInt32(raw) << 16)
        })
    case .bool:
      return .int64(
        try widened(count, swapped: swapped, from: &source, place) { (raw: UInt8) in
          raw == 0 ? 0 : 1
        })
    case .int8: return .int64(try integers(Int8.self, count, swapped, &source, place))
    case .uint8: return .int64(try integers(UInt8.self, count, swapped, &source, place))
    case .int16: return .int64(try integers(Int16.self, count, swapped, &source, place))
    case .uint16: return .int64(try integers(UInt16.self, count, swapped, &source, place))
    case .int32: return .int64(try integers(Int32.self, count, swapped, &source, place))
    case .uint32: return .int64(try integers(UInt32.self, count, swapped, &source, place))
    }
  }
}

/// Where a value stands, for the text of an error.
private struct Place {
  let what: String
  let path: String
  let promised: Int

  func truncated(found: Int) -> FormatError {
    FormatError(
      path: path, "\(what) is truncated: header promises \(promised) bytes, \(found) found")
  }
}

/// Elements whose bytes in the file are those in memory, up to byte order; `Bits` has their width.
private func direct<Element: BitwiseCopyable, Bits: FixedWidthInteger, Source: ByteSource>(
  _ count: Int, _: Bits.Type, swapped: Bool, from source: inout Source, _ place: Place
) throws(FormatError) -> [Element] {
  var failure: FormatError?
  let elements = [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
    let raw = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: place.promised)
    do throws(FormatError) {
      let found = try source.read(into: raw)
      guard found == raw.count else { throw place.truncated(found: found) }
      if swapped {
        raw.withMemoryRebound(to: Bits.self) { words in
          for index in words.indices { words[index] = words[index].byteSwapped }
        }
      }
      initialized = count
    } catch {
      failure = error
    }
  }
  if let failure { throw failure }
  return elements
}

@inline(__always)
private func integers<Raw: FixedWidthInteger, Source: ByteSource>(
  _: Raw.Type, _ count: Int, _ swapped: Bool, _ source: inout Source, _ place: Place
) throws(FormatError) -> [Int64] {
  try widened(count, swapped: swapped, from: &source, place) { (raw: Raw) in
    Int64(truncatingIfNeeded: raw)
  }
}

/// Elements that widen on reading, a block at a time through a small buffer.
@inline(__always)
private func widened<Raw: FixedWidthInteger, Element: BitwiseCopyable, Source: ByteSource>(
  _ count: Int, swapped: Bool, from source: inout Source, _ place: Place,
  _ convert: (Raw) -> Element
) throws(FormatError) -> [Element] {
  let width = MemoryLayout<Raw>.size
  var block = [Raw](repeating: 0, count: min(count, (1 << 16) / width))
  var failure: FormatError?
  let elements = [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
    do throws(FormatError) {
      var done = 0
      while done < count {
        let wanted = min(count - done, block.count)
        let got = try fill(&block, wanted * width, from: &source)
        guard got == wanted * width else { throw place.truncated(found: done * width + got) }
        block.withUnsafeBufferPointer { block in
          if swapped {
            for index in 0..<wanted {
              buffer.initializeElement(at: done + index, to: convert(block[index].byteSwapped))
            }
          } else {
            for index in 0..<wanted {
              buffer.initializeElement(at: done + index, to: convert(block[index]))
            }
          }
        }
        done += wanted
        initialized = done
      }
    } catch {
      failure = error
    }
  }
  if let failure { throw failure }
  return elements
}

private func fill<Raw: FixedWidthInteger, Source: ByteSource>(
  _ block: inout [Raw], _ byteCount: Int, from source: inout Source
) throws(FormatError) -> Int {
  var result: Result<Int, FormatError> = .success(0)
  block.withUnsafeMutableBytes { bytes in
    do throws(FormatError) {
      result = .success(
        try source.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<byteCount])))
    } catch {
      result = .failure(error)
    }
  }
  return try result.get()
}
