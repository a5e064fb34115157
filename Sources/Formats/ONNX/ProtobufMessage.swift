/// Writes a protocol buffers message field by field.
///
/// Written by hand because ONNX needs five message types and three wire types, in one direction; the
/// generated code of `onnx.proto` and its runtime would be a dependency a hundred times this size.
/// Source: Protocol Buffers, "Encoding".
struct ProtobufMessage {
  private(set) var bytes: [UInt8] = []

  /// An integer, as a varint; negative numbers take ten bytes.
  mutating func append(_ field: Int, _ value: Int) {
    appendVarint(UInt64(field) << 3)
    appendVarint(UInt64(bitPattern: Int64(value)))
  }

  /// A number in single precision, as four bytes.
  mutating func append(_ field: Int, _ value: Float) {
    appendVarint(UInt64(field) << 3 | 5)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
  }

  mutating func append(_ field: Int, _ text: String) { append(field, Array(text.utf8)) }

  mutating func append(_ field: Int, _ content: [UInt8]) {
    appendVarint(UInt64(field) << 3 | 2)
    appendVarint(UInt64(content.count))
    bytes += content
  }

  /// A message inside this one.
  mutating func append(_ field: Int, _ write: (inout ProtobufMessage) -> Void) {
    var message = ProtobufMessage()
    write(&message)
    append(field, message.bytes)
  }

  private mutating func appendVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
