/// Steele, Lea and Flood's generator: the same mutations in every run.
public struct SplitMix64: RandomNumberGenerator {
  /// Where the sequence stands.
  public var state: UInt64

  /// A generator that starts from `state`.
  public init(state: UInt64) { self.state = state }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// A file with one to four random changes: a bit, a byte, an extreme word, a digit, a cut, a repeat, a removal.
public func mutated(_ valid: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
  var bytes = valid
  for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
    let position = Int.random(in: 0..<bytes.count, using: &random)
    switch Int.random(in: 0..<8, using: &random) {
    case 0, 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 2, 3: bytes[position] = UInt8.random(in: 0...255, using: &random)
    case 4:
      let extreme: UInt8 = Bool.random(using: &random) ? 0xFF : 0
      for offset in 0..<min(8, bytes.count - position) { bytes[position + offset] = extreme }
    case 5:
      // Digits are where text headers keep their sizes.
      let digits = bytes.indices.filter { (0x30...0x39).contains(bytes[$0]) }
      if let digit = digits.randomElement(using: &random) { bytes[digit] = 0x39 }
    case 6: bytes.insert(contentsOf: bytes[position...].prefix(5), at: position)
    default:
      if Bool.random(using: &random) {
        bytes.removeLast(bytes.count - position)
      } else {
        bytes.remove(at: position)
      }
    }
  }
  return bytes
}
