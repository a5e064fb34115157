/// Counts the parts of an ONNX file before they are decoded.
///
/// An empty part takes two bytes of a file and a hundred times as many in memory, so that a small file
/// could ask for all there is. Source: Protocol Buffers, "Encoding"; onnx/onnx, `onnx.proto`.
struct ONNXMessageScan {
  /// Far above any network: its operators, constants, names and settings together.
  static let maximumParts = 1 << 18

  private enum Message {
    case model, graph, node, attribute, other

    /// What a field holds; parts of parts are looked at where a file may repeat them at will.
    func part(_ field: UInt64) -> Message? {
      switch (self, field) {
      case (.model, 7): .graph
      case (.model, 20), (.model, 25): .other
      case (.graph, 1): .node
      case (.graph, 5), (.graph, 11), (.graph, 12), (.graph, 13): .other
      case (.node, 5): .attribute
      case (.attribute, 5), (.attribute, 10): .other
      case (.attribute, 6), (.attribute, 11): .graph
      default: nil
      }
    }
  }

  private var parts = 0

  /// - Throws: `FormatError` for a file of too many parts, or one that ends within a part.
  static func check(_ bytes: [UInt8], path: String) throws(FormatError) {
    try bytes.withRawBytes { (bytes) throws(FormatError) in
      var scan = ONNXMessageScan()
      guard scan.walk(bytes[...], .model, depth: 0) else {
        throw FormatError(path: path, "is not an ONNX file: it is damaged or of another format")
      }
      guard scan.parts <= maximumParts else {
        throw FormatError(
          path: path,
          "holds more than \(maximumParts) operators, constants and names; a network needs far fewer"
        )
      }
    }
  }

  /// Whether the fields of a message follow each other to its end.
  private mutating func walk(
    _ bytes: Slice<UnsafeRawBufferPointer>, _ message: Message, depth: Int
  ) -> Bool {
    var rest = bytes
    while !rest.isEmpty, parts <= Self.maximumParts {
      guard let tag = Self.varint(&rest) else { return false }
      switch tag & 7 {
      case 0: guard Self.varint(&rest) != nil else { return false }
      case 1: guard Self.skip(8, &rest) else { return false }
      case 5: guard Self.skip(4, &rest) else { return false }
      case 2:
        guard let value = Self.varint(&rest), let length = Int(exactly: value),
          length <= rest.count
        else { return false }
        parts += 1
        if let part = message.part(tag >> 3), depth < 32 {
          // What is no message of this kind is left to the decoder.
          _ = walk(rest.prefix(length), part, depth: depth + 1)
        }
        rest = rest.dropFirst(length)
      // Groups are not used.
      default: return false
      }
    }
    return true
  }

  private static func skip(_ count: Int, _ rest: inout Slice<UnsafeRawBufferPointer>) -> Bool {
    guard rest.count >= count else { return false }
    rest = rest.dropFirst(count)
    return true
  }

  private static func varint(_ rest: inout Slice<UnsafeRawBufferPointer>) -> UInt64? {
    var (value, shift) = (UInt64(0), UInt64(0))
    while let byte = rest.popFirst() {
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
      if shift > 63 { return nil }
    }
    return nil
  }
}
