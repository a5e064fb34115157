import Foundation
import TestSupport
import Testing

@testable import Formats

/// Labels in files: numbers, and numpy's fixed-width text.
@Suite struct LabelArrayTests {
  private func load(_ bytes: [UInt8]) throws -> LabelArray {
    try withTemporaryFolder { folder in
      try Data(bytes).write(to: URL(fileURLWithPath: folder + "/y.npy"))
      return try NPY.labels(path: folder + "/y.npy")
    }
  }

  private func message(_ bytes: [UInt8]) -> String {
    do {
      return "loaded \(try load(bytes))"
    } catch {
      return "\(error)"
    }
  }

  private func header(_ type: String, _ shape: String = "(2,)") -> String {
    "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }"
  }

  /// "ab" and "é" as numpy writes them.
  @Test func readsTextInEitherByteOrder() throws {
    let little: [UInt8] = [0x61, 0, 0, 0, 0x62, 0, 0, 0, 0xE9, 0, 0, 0, 0, 0, 0, 0]
    let big: [UInt8] = [0, 0, 0, 0x61, 0, 0, 0, 0x62, 0, 0, 0, 0xE9, 0, 0, 0, 0]
    let expected = LabelArray.names(shape: [2], ["ab", "é"])
    #expect(try load(header("<U2").npy(payload: little)) == expected)
    #expect(try load(header(">U2").npy(payload: big)) == expected)
    let bytes: [UInt8] = [0x61, 0x62, 0, 0xC3, 0xA9, 0]
    #expect(try load(header("|S3").npy(payload: bytes)) == expected)
    #expect(try load(header("S3", "(2, 1)").npy(payload: bytes)).shape == [2, 1])
    #expect(
      try load(header("<i2").npy(payload: [7, 0, 255, 255]))
        == .numbers(Tensor(shape: [2], elements: .int64([7, -1]))))
  }

  @Test func refusesWhatIsNoText() throws {
    #expect(
      message(header("|O").npy(payload: [1, 2])).contains("y.npy: array holds Python objects"))
    let surrogate: [UInt8] = [0, 0xD8, 0, 0, 0x62, 0, 0, 0]
    #expect(message(header("<U1").npy(payload: surrogate)).contains("index 0 that is no valid Uni"))
    #expect(
      message(header("|S1").npy(payload: [0x61, 0xFF])).contains("index 1 that is no valid UTF"))
    #expect(
      message(header("<U2").npy(payload: [0x61, 0, 0, 0])).contains("promises 16 bytes, 4 found"))
    #expect(message(header("<U999999999999").npy()).contains("expected at most 4096"))
    #expect(message(header("<U99999999999999999999").npy()).contains("element type"))
    #expect(message(header("<U4096", "(9223372036854775807,)").npy()).contains("impossible shape"))
    #expect(message(header("<U0", "(100000000,)").npy()).contains("impossible shape"))
    #expect(message(header("<U0", "(1000,)").npy()).contains("without any characters"))
    #expect(message(header("|V2").npy(payload: [0, 0, 0, 0])).contains("V2"))
  }

  @Test func comesBackFromAnArchive() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/f.npz"
      let names: [ClassLabel] = [.name("cat"), .name("a much longer name"), .name("日本"), .name("")]
      let numbers: [ClassLabel] = [.integer(3), .integer(-7)]
      for isCompressed in [false, true] {
        try NPZ.write(
          ["X": Tensor(shape: [1], elements: .float32([1]))],
          labels: ["y": LabelArray(names), "z": LabelArray(numbers)], to: path,
          isCompressed: isCompressed)
        #expect(try NPZ.labels(path: path, name: "y").values(named: "y", path: path) == names)
        #expect(try NPZ.labels(path: path, name: "z").values(named: "z", path: path) == numbers)
        #expect(try NPZ.read(path: path, names: ["X"])["X"]?.floats == [1])
      }
      let missing = failure { () throws(FormatError) in try NPZ.labels(path: path, name: "w") }
      #expect(missing?.message.contains("has no array 'w'; it holds 'X', 'y', 'z'") == true)
    }
  }

  /// 4,000 files with a byte changed, cut or added: read or refused, never more.
  @Test func survivesMutations() throws {
    var random = SplitMix64(state: 16)
    let whole = NPYText.encode(["ant", "bee", "a longer one"], shape: [3])
    var refused = 0
    try withTemporaryFolder { folder in
      let url = URL(fileURLWithPath: folder + "/y.npy")
      for _ in 0..<4000 {
        var bytes = whole
        for _ in 0...Int.random(in: 0..<3, using: &random) {
          let position = Int.random(in: 0..<bytes.count, using: &random)
          switch Int.random(in: 0..<3, using: &random) {
          case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
          case 1: bytes.removeSubrange(position...)
          default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: position)
          }
          if bytes.isEmpty { bytes = [0] }
        }
        try Data(bytes).write(to: url)
        do {
          let array = try NPY.labels(path: url.path)
          #expect(array.shape.reduce(1, *) <= 200)
        } catch {
          refused += 1
          #expect("\(error)".hasPrefix(url.path) && !"\(error)".contains("\n"))
        }
      }
    }
    #expect(refused > 2000)
  }

  @Test func ordersAndListsValues() {
    let labels: [ClassLabel] = [.name("b"), .integer(10), .name("a"), .integer(-1), .name("B")]
    #expect(labels.sorted() == [.integer(-1), .integer(10), .name("B"), .name("a"), .name("b")])
    #expect(ClassLabel(parsing: "-1") == .integer(-1) && ClassLabel(parsing: "1.0") == .name("1.0"))
    #expect(ClassLabel.listing(ClassLabel.numbers(10)) == "0 to 9")
    #expect(ClassLabel.listing([.integer(1), .integer(2), .integer(5)]) == "1, 2 and 5")
    #expect(ClassLabel.listing([.name("cat"), .name("d\ng")]) == "'cat' and 'd g'")
    let many = (0..<20).map { ClassLabel.integer(2 * $0) }
    #expect(ClassLabel.listing(many) == "0, 2, 4, 6, 8, 10, 12, 14 and 12 more")
  }
}
