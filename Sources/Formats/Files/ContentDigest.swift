/// A running SHA-256 (FIPS 180-4), which tells data, models and checkpoints from any others.
///
/// Written here rather than taken from a library: this one digest is all that is needed of cryptography, and
/// a library of it takes longer to build than the rest of the package. `ContentDigestTests` compares it with
/// the vectors of the standard and with the `sha256sum` of the system.
package struct ContentDigest: Sendable {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
    0x5be0_cd19,
  ]
  /// Bytes of a block that is not full yet.
  private var rest: [UInt8] = []
  private var byteCount: UInt64 = 0

  private static let blockSize = 64

  /// The digest of nothing.
  package init() {}

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    byteCount &+= UInt64(bytes.count)
    var position = 0
    if !rest.isEmpty {
      position = min(Self.blockSize - rest.count, bytes.count)
      rest.append(contentsOf: UnsafeRawBufferPointer(start: start, count: position))
      guard rest.count == Self.blockSize else { return }
      let block = rest
      block.withUnsafeBytes { Self.mix(&state, $0.baseAddress!, blocks: 1) }
      rest.removeAll(keepingCapacity: true)
    }
    let blocks = (bytes.count - position) / Self.blockSize
    Self.mix(&state, start + position, blocks: blocks)
    position += blocks * Self.blockSize
    rest.append(contentsOf: bytes[position...])
  }

  /// Adds integers, as 64 little-endian bits each.
  package mutating func update(_ integers: [Int]) {
    integers.map { Int64($0).littleEndian }.withUnsafeBytes { update($0) }
  }

  /// Adds text: its length in bytes, then its UTF-8.
  package mutating func update(_ text: String) {
    let bytes = Array(text.utf8)
    update([bytes.count])
    bytes.withUnsafeBytes { update($0) }
  }

  /// The 32 bytes of the digest of everything added so far.
  package var bytes: [UInt8] {
    var last = rest
    last.append(0x80)
    let zeros = (2 * Self.blockSize - 8 - last.count) % Self.blockSize
    last += [UInt8](repeating: 0, count: zeros)
    let bits = byteCount &* 8
    last += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * $0)) }
    var state = state
    last.withUnsafeBytes {
      Self.mix(&state, $0.baseAddress!, blocks: last.count / Self.blockSize)
    }
    return state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) }
    }
  }

  /// The digest as 64 hexadecimal digits.
  package var hexadecimal: String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }

  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
    0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
    0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
    0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
    0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
    0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
    0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
    0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
    0xc671_78f2,
  ]

  /// The compression function on consecutive blocks.
  private static func mix(_ state: inout [UInt32], _ bytes: UnsafeRawPointer, blocks: Int) {
    func turned(_ x: UInt32, _ by: UInt32) -> UInt32 { x >> by | x << (32 &- by) }
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { schedule in
      constants.withUnsafeBufferPointer { constants in
        for block in 0..<blocks {
          for t in 0..<16 {
            let word = bytes.loadUnaligned(
              fromByteOffset: block * blockSize + 4 * t, as: UInt32.self)
            schedule[t] = UInt32(bigEndian: word)
          }
          for t in 16..<64 {
            let (x, y) = (schedule[t - 15], schedule[t - 2])
            let low = turned(x, 7) ^ turned(x, 18) ^ x >> 3
            let high = turned(y, 17) ^ turned(y, 19) ^ y >> 10
            schedule[t] = schedule[t - 16] &+ low &+ schedule[t - 7] &+ high
          }
          var (a, b, c, d) = (state[0], state[1], state[2], state[3])
          var (e, f, g, h) = (state[4], state[5], state[6], state[7])
          for t in 0..<64 {
            let choice = (e & f) ^ (~e & g)
            let majority = (a & b) ^ (a & c) ^ (b & c)
            let first =
              h &+ (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) &+ choice &+ constants[t]
              &+ schedule[t]
            let second = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) &+ majority
            (h, g, f, e) = (g, f, e, d &+ first)
            (d, c, b, a) = (c, b, a, first &+ second)
          }
          for (i, value) in [a, b, c, d, e, f, g, h].enumerated() { state[i] = state[i] &+ value }
        }
      }
    }
  }
}

extension ContentDigest {
  /// Adds named tensors: names in order, shapes, types and numbers.
  package mutating func update(_ tensors: [String: Tensor]) {
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      update(name)
      update([tensor.shape.count] + tensor.shape + [tensor.elements.scalarType.width])
      tensor.elements.withBytes { bytes in update(UnsafeRawBufferPointer(bytes)) }
    }
  }
}
