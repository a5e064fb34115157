/// A deterministic random generator that hands out independent named child streams.
///
/// A child depends on the parent's identity and the child's name only, never on how much was drawn
/// from the parent or which other children exist: adding one consumer of randomness shifts no other.
/// ```swift
/// let root = RandomStream(seed: 0)
/// var noise = root.child("data").child("noise")
/// let x = noise.nextGaussian()
/// ```
/// The generator is xoshiro256** (Blackman and Vigna, *Scrambled linear pseudorandom number
/// generators*, 2021), its state filled by SplitMix64 from a 64-bit identity.
public struct RandomStream: RandomNumberGenerator, Sendable {
  private let identity: UInt64
  private var s0: UInt64
  private var s1: UInt64
  private var s2: UInt64
  private var s3: UInt64

  /// The root stream of a seed.
  public init(seed: UInt64) {
    self.init(identity: Self.mix(seed &+ 0x9e37_79b9_7f4a_7c15))
  }

  private init(identity: UInt64) {
    self.identity = identity
    var state = identity
    func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      return Self.mix(state)
    }
    s0 = next()
    s1 = next()
    s2 = next()
    s3 = next()
  }

  /// The child stream called `name`.
  public func child(_ name: String) -> RandomStream {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return RandomStream(identity: Self.mix(identity ^ Self.mix(hash)))
  }

  /// The child stream called `name` with a number, for one stream an epoch, a block or a repeat.
  public func child(_ name: String, _ index: Int) -> RandomStream {
    let named = child(name)
    let offset = UInt64(bitPattern: Int64(index)) &* 0xd1b5_4a32_d192_ed03
    return RandomStream(identity: Self.mix(named.identity &+ offset &+ 1))
  }

  /// The next 64 random bits.
  @inline(__always)
  public mutating func next() -> UInt64 {
    let product = s1 &* 5
    let result = ((product << 7) | (product >> 57)) &* 9
    let t = s1 << 17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= t
    s3 = (s3 << 45) | (s3 >> 19)
    return result
  }

  /// A uniform number in [0, 1) with 53 random bits.
  @inline(__always)
  public mutating func nextUniform() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// A random permutation of 0..<count (Fisher-Yates).
  public mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    order.shuffle(using: &self)
    return order
  }

  /// The finaliser of SplitMix64: a bijection of 64-bit words that spreads every bit.
  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
