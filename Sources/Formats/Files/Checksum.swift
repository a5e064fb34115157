import CZlib

/// A running CRC-32 (zlib's), by which published files are told apart. What data or a model *is* says
/// ``ContentDigest``.
package struct Checksum: Sendable {
  private var value: uLong = 0

  /// The checksum of nothing.
  package init() {}

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    value = crc32_z(value, start.assumingMemoryBound(to: Bytef.self), bytes.count)
  }

  /// Adds integers, as 64 little-endian bits each.
  package mutating func update(_ integers: [Int]) {
    integers.map { Int64($0).littleEndian }.withUnsafeBytes { update($0) }
  }

  /// Eight hexadecimal digits.
  package var hexadecimal: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
