import TestSupport
import Testing

@testable import Formats

@Suite struct IDXTests {
  @Test(arguments: ["bytes.idx", "bytes.idx.gz"]) func readsBytes(name: String) throws {
    let array = try IDX.readBytes(path: fixture(name))
    #expect(array.shape == [2, 2, 3])
    #expect(array.bytes == Array(244...255))
    #expect(try IDX.read(path: fixture(name)).elements == .int64(Array(244...255)))
    #expect(try IDX.encode(array.bytes, shape: array.shape) == fixtureBytes("bytes.idx"))
  }

  @Test(arguments: ["i1", "i2", "i4", "f4", "f8"]) func readsEveryType(name: String) throws {
    let tensor = try IDX.read(path: fixture(name + ".idx"))
    #expect(tensor.shape == [3])
    #expect(tensor.doubles == [-1, 0, 100])
    let error = failure { () throws(FormatError) in
      try IDX.readBytes(path: fixture(name + ".idx"))
    }
    #expect(error?.message.contains("expected uint8") == true)
  }

  @Test func truncationAtEveryByteIsAnError() throws {
    let plain = try fixtureBytes("bytes.idx")
    for count in 0..<plain.count {
      #expect(
        failure { () throws(FormatError) in
          try IDX.decode(Array(plain[..<count]), path: "t")
        }?.message.contains("truncated") == true)
    }
    let packed = try fixtureBytes("bytes.idx.gz")
    for count in 0..<packed.count {
      #expect(
        failure { () throws(FormatError) in
          try IDX.decode(Gzip.decompress(Array(packed[..<count]), path: "t"), path: "t")
        }?.message.contains("truncated") == true, "cut to \(count)")
    }
  }

  @Test(
    arguments: [
      [0, 0, 8, 4, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255],
      [0, 0, 8, 1, 255, 255, 255, 255, 1], [0, 0, 7, 1, 0, 0, 0, 1, 1],
      [1, 0, 8, 1, 0, 0, 0, 1, 1],
      [0, 0, 8, 255, 0, 0], [0, 0, 8, 1, 0, 0, 0, 1, 1, 2],
    ] as [[UInt8]])
  func refusesLyingHeaders(bytes: [UInt8]) {
    #expect(failure { () throws(FormatError) in try IDX.decode(bytes, path: "t") } != nil)
    #expect(failure { () throws(FormatError) in try IDX.decodeBytes(bytes, path: "t") } != nil)
  }
}

@Suite struct GzipTests {
  @Test(arguments: [0, 1, 1000, 1 << 18, 1_000_003]) func roundTrips(count: Int) throws {
    var random = SplitMix64(state: 1)
    let bytes = (0..<count).map { _ in UInt8(random.next() & 15) }
    let packed = Gzip.compress(bytes)
    #expect(packed == Gzip.compress(bytes))
    #expect(try Gzip.decompress(packed, path: "t.gz") == bytes)
    // Two members one after the other, and padding, decompress to both.
    let twice = packed + packed + [0, 0, 0]
    #expect(try Gzip.decompress(twice, path: "t.gz") == bytes + bytes)
  }

  @Test func refusesDamage() throws {
    let packed = Gzip.compress(Array("some text, some text".utf8))
    var damaged = packed
    damaged[packed.count - 6] ^= 1
    let error = failure { () throws(FormatError) in try Gzip.decompress(damaged, path: "t.gz") }
    #expect(error?.description == "t.gz: has corrupt gzip data: incorrect data check")
    let trailing = failure { () throws(FormatError) in
      try Gzip.decompress(packed + [1], path: "t.gz")
    }
    #expect(trailing?.message.contains("not gzip data") == true)
    #expect(failure { () throws(FormatError) in try Gzip.decompress([], path: "t") } != nil)
  }

  @Test func stopsAtTheLimit() {
    let packed = Gzip.compress([UInt8](repeating: 0, count: 8 << 20))
    let error = failure { () throws(FormatError) in
      try Gzip.decompress(packed, path: "bomb.gz", maximumBytes: 1 << 20)
    }
    #expect(
      error?.description == "bomb.gz: decompresses to more than the 1048576 bytes allowed")
  }
}
