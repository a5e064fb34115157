import TestSupport
import Testing

@testable import Formats

/// Damaged files either parse or throw `FormatError`; anything else ends the process.
@Suite struct FuzzTests {
  @Test func mutatedFilesNeverCrash() throws {
    let npz = try NPZ.encode(
      ["X": Tensor(shape: [2, 2], elements: .float32([1, 2, 3, 4]))], path: "s.npz",
      isCompressed: true)
    let cases: [(String, [UInt8], ([UInt8]) throws(FormatError) -> Void)] = [
      (
        "npy", try fixtureBytes("fortran3.npy"),
        { (bytes) throws(FormatError) in _ = try NPY.decode(bytes, path: "f.npy") }
      ),
      ("npz", npz, FuzzTests.npz), ("npz of numpy", try fixtureBytes("big-F.npz"), FuzzTests.npz),
      (
        "idx", try fixtureBytes("bytes.idx"),
        { (bytes) throws(FormatError) in
          _ = try IDX.decode(bytes, path: "f.idx")
          _ = try IDX.decodeBytes(bytes, path: "f.idx")
        }
      ),
      (
        "gzip", try fixtureBytes("bytes.idx.gz"),
        { (bytes) throws(FormatError) in
          _ = try Gzip.decompress(bytes, path: "f.gz", maximumBytes: 1 << 20)
        }
      ),
      (
        "safetensors", try fixtureBytes("mixed.safetensors"),
        { (bytes) throws(FormatError) in _ = try Safetensors(bytes: bytes, path: "f") }
      ),
      ("pt", try fixtureBytes("good-protocol4.pt"), FuzzTests.torch),
      ("pt of a module", try fixtureBytes("good-state_dict.pt"), FuzzTests.torch),
      (
        "tar", tarArchive(),
        { (bytes) throws(FormatError) in
          let archive = try TarArchive(bytes: bytes, path: "f.tar")
          for name in archive.names { _ = archive.contents(of: name) }
        }
      ),
    ]
    var random = SplitMix64(state: 20_240_607)
    for (name, valid, parse) in cases {
      var parsed = 0
      for _ in 0..<1500 {
        let bytes = mutated(valid, &random)
        if failure({ () throws(FormatError) in try parse(bytes) }) == nil { parsed += 1 }
      }
      // Both outcomes must occur, or the mutations do not test the parser.
      #expect(parsed > 0 && parsed < 1500, "\(name): \(parsed) of 1500 parsed")
    }
  }

  /// One file of 700 bytes, as tar packs it.
  private func tarArchive() -> [UInt8] {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, at position: Int) {
      for (offset, byte) in text.utf8.enumerated() { header[position + offset] = byte }
    }
    put("folder/file", at: 0)
    put("00000001274\0", at: 124)
    put("0", at: 156)
    put("ustar", at: 257)
    put("        ", at: 148)
    let digits = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
    put(String(repeating: "0", count: 6 - digits.count) + digits + "\0 ", at: 148)
    return header + [UInt8](repeating: 7, count: 1024) + [UInt8](repeating: 0, count: 1024)
  }

  private static func npz(_ bytes: [UInt8]) throws(FormatError) {
    _ = try NPZ.decode(bytes, path: "f.npz", maximumBytes: 1 << 20)
  }

  private static func torch(_ bytes: [UInt8]) throws(FormatError) {
    _ = try TorchArchive(bytes: bytes, path: "f.pt").read(maximumBytes: 1 << 20)
  }

  /// Mutations of the zip layer mostly fail its checksums; these reach the pickle reader itself.
  @Test(arguments: ["good-protocol2.pt", "good-protocol4.pt", "good-state_dict.pt"])
  func mutatedPicklesNeverCrash(_ name: String) throws {
    let archive = try ZipArchive(path: fixture(name))
    let pickle = try #require(archive.entries.first(where: TorchArchive.isPickle))
    let valid = try archive.bytes(of: pickle)
    var random = SplitMix64(state: 20_240_608)
    var parsed = 0
    for _ in 0..<4000 {
      let bytes = mutated(valid, &random)
      let error = failure { () throws(FormatError) in
        var reader = PickleReader(bytes, path: "f.pt")
        for tensor in try reader.readStateDictionary().tensors.values
        where tensor.problem == nil && tensor.storage.count < 1 << 16 && tensor.count < 1 << 16 {
          let storage = [Float](repeating: 1, count: tensor.storage.count)
          #expect(Tensor.Elements.float32(storage).viewed(tensor).count == tensor.count)
        }
      }
      if error == nil { parsed += 1 }
    }
    #expect(parsed > 0 && parsed < 4000, "\(parsed) of 4000 parsed")
  }
}
