import Testing

@testable import Formats

@Suite struct NPZTests {
  static let archives = ["little-C", "little-F", "big-C", "big-F"].flatMap {
    [$0 + ".npz", $0 + "-compressed.npz"]
  }

  @Test(arguments: archives) func readsEveryTypeOfNumpy(name: String) throws {
    let arrays = try NPZ.read(path: fixture(name))
    #expect(
      arrays.keys.sorted()
        == ["b1", "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
    for (type, tensor) in arrays {
      let expected: Tensor.Elements =
        switch type {
        case "f2", "f4": .float32([0, 1, 2, 3, 4, 5])
        case "f8": .float64([0, 1, 2, 3, 4, 5])
        case "b1": .int64([0, 1, 0, 1, 0, 1])
        default: .int64([0, 1, 2, 3, 4, 5])
        }
      #expect(tensor == Tensor(shape: [2, 3], elements: expected), "\(type)")
    }
    #expect(try NPZ.decode(fixtureBytes(name), path: name) == arrays)
    #expect(try NPZ.names(path: fixture(name)).sorted() == arrays.keys.sorted())
  }

  @Test func readsOnlyTheNamedArrays() throws {
    let path = fixture("little-C.npz")
    #expect(try NPZ.read(path: path, names: ["f4"]).keys.sorted() == ["f4"])
    let error = failure { () throws(FormatError) in try NPZ.read(path: path, names: ["X"]) }
    #expect(error?.message.hasPrefix("has no array 'X'; it holds 'b1', 'f2'") == true)
  }

  @Test(arguments: [false, true]) func roundTrips(isCompressed: Bool) throws {
    let arrays = [
      "X": Tensor(shape: [40, 50], elements: .float32((0..<2000).map { Float($0 % 7) })),
      "y": Tensor(shape: [3], elements: .int64([1, -2, 3])),
      "empty": Tensor(shape: [0], elements: .float64([])),
    ]
    let bytes = try NPZ.encode(arrays, path: "a.npz", isCompressed: isCompressed)
    #expect(try NPZ.decode(bytes, path: "a.npz") == arrays)
    #expect(try NPZ.encode(arrays, path: "a.npz", isCompressed: isCompressed) == bytes)
    #expect(isCompressed == (bytes.count < 4000))
    try withTemporaryFolder { folder in
      try NPZ.write(arrays, to: folder + "/a.npz", isCompressed: isCompressed)
      #expect(try FileSource.contents(of: folder + "/a.npz") == bytes)
      #expect(try NPZ.read(path: folder + "/a.npz") == arrays)
    }
  }

  @Test func anArchiveWithoutArraysRoundTrips() throws {
    #expect(try NPZ.decode(NPZ.encode([:], path: "a.npz"), path: "a.npz").isEmpty)
  }

  @Test func truncationAtEveryByteIsAnError() throws {
    let arrays = ["X": Tensor(shape: [4], elements: .float32([1, 2, 3, 4]))]
    for isCompressed in [false, true] {
      let bytes = try NPZ.encode(arrays, path: "a.npz", isCompressed: isCompressed)
      for count in 0..<bytes.count {
        let error = failure { () throws(FormatError) in
          try NPZ.decode(Array(bytes[..<count]), path: "a.npz")
        }
        #expect(error != nil, "cut to \(count)")
      }
    }
  }

  /// A changed byte of the data is caught by the checksum of the archive.
  @Test func damagedDataIsAnError() throws {
    let arrays = ["X": Tensor(shape: [64], elements: .float32((0..<64).map { Float($0) }))]
    var bytes = try NPZ.encode(arrays, path: "a.npz")
    bytes[30 + 5 + 128 + 100] ^= 1
    let error = failure { () throws(FormatError) in try NPZ.decode(bytes, path: "a.npz") }
    #expect(error?.message.contains("damaged") == true, "\(String(describing: error))")
  }

  @Test func aZipBombStopsAtTheLimit() throws {
    let zeros = Tensor(shape: [4 << 20], elements: .float32([Float](repeating: 0, count: 4 << 20)))
    let bytes = try NPZ.encode(["X": zeros], path: "bomb.npz", isCompressed: true)
    #expect(bytes.count < 20_000)
    let error = failure { () throws(FormatError) in
      try NPZ.decode(bytes, path: "bomb.npz", maximumBytes: 1 << 20)
    }
    #expect(
      error?.description
        == "bomb.npz: array 'X' needs 16777216 bytes in memory; at most 1048576 are allowed")
    // Zeros are legitimate data where the limit allows them.
    #expect(try NPZ.decode(bytes, path: "bomb.npz")["X"] == zeros)
  }

  @Test func theLimitHoldsForAllArraysTogether() throws {
    let half = Tensor(shape: [100], elements: .float32([Float](repeating: 0, count: 100)))
    let bytes = try NPZ.encode(["a": half, "b": half], path: "a.npz")
    #expect(try NPZ.decode(bytes, path: "a.npz", maximumBytes: 800).count == 2)
    #expect(
      failure { () throws(FormatError) in
        try NPZ.decode(bytes, path: "a.npz", maximumBytes: 799)
      } != nil)
  }

  @Test func aClaimedSizeThatDeflateCannotReachIsRefused() throws {
    let small = ["X": Tensor(shape: [4], elements: .float32([1, 2, 3, 4]))]
    var bytes = try NPZ.encode(small, path: "a.npz", isCompressed: true)
    // The central directory holds the uncompressed size 24 bytes behind its signature.
    let directory = try #require(
      bytes.indices.first { bytes[$0...].starts(with: [0x50, 0x4B, 1, 2]) })
    for (offset, byte) in [0, 0, 0, 0x70].enumerated() {
      bytes[directory + 24 + offset] = UInt8(byte)
    }
    let error = failure { () throws(FormatError) in try NPZ.decode(bytes, path: "a.npz") }
    #expect(
      error?.message.contains("claims 1879048192 bytes") == true, "\(String(describing: error))")
  }
}
