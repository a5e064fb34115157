import Foundation
import Testing

@testable import Formats

@Suite struct SafetensorsTests {
  @Test func readsEveryType() throws {
    let file = try Safetensors(path: fixture("mixed.safetensors"))
    #expect(file.metadata == ["format": "pt", "note": "café \"quoted\" \u{1D11E}"])
    #expect(
      file.tensors == [
        "a": Tensor(shape: [2, 2], elements: .float32([1, -2, 3.5, 0.25])),
        "half": Tensor(shape: [2], elements: .float32([0.5, -2])),
        "brain": Tensor(shape: [2], elements: .float32([1, -3])),
        "bytes": Tensor(shape: [3], elements: .int64([0, 128, 255])),
        "signed": Tensor(shape: [1], elements: .int64([-7])),
        "flags": Tensor(shape: [2], elements: .int64([1, 0])),
        "double": Tensor(shape: [], elements: .float64([1e300])),
        "none": Tensor(shape: [0, 7], elements: .int64([])),
        "long": Tensor(shape: [1], elements: .int64([-(1 << 40)])),
      ])
  }

  @Test func roundTripsWithDeterministicBytes() throws {
    let file = Safetensors(
      tensors: [
        "w": Tensor(shape: [3], elements: .float32([1, .nan, -0.0])),
        "v": Tensor(shape: [1, 1], elements: .float64([.pi])),
        "ü \"\\\n\u{1}": Tensor(shape: [0], elements: .int64([])),
        "count": Tensor(shape: [], elements: .int64([.min])),
      ], metadata: ["b": "{\"p\": 3}\n\t", "a": ""])
    let bytes = file.encoded()
    let again = try Safetensors(bytes: bytes, path: "m.safetensors")
    #expect(again.metadata == file.metadata)
    #expect(again.tensors.keys.sorted() == file.tensors.keys.sorted())
    #expect(again.encoded() == bytes)
    #expect((8 + Int(bytes[0]) + Int(bytes[1]) << 8) % 8 == 0)
    try withTemporaryFolder { folder in
      try file.write(to: folder + "/m.safetensors")
      #expect(try FileSource.contents(of: folder + "/m.safetensors") == bytes)
    }
    #expect(try Safetensors(bytes: Safetensors().encoded(), path: "e") == Safetensors())
  }

  @Test func truncationAtEveryByteIsAnError() throws {
    let bytes = try fixtureBytes("mixed.safetensors")
    for count in 0..<bytes.count {
      let error = failure { () throws(FormatError) in
        try Safetensors(bytes: Array(bytes[..<count]), path: "t")
      }
      #expect(error != nil, "cut to \(count)")
    }
  }

  @Test(arguments: [UInt64(1) << 63, .max, 1 << 62, 200_000_000, 9])
  func refusesLyingHeaderLengths(claimed: UInt64) {
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: claimed >> (8 * $0)) } + Array("{}".utf8)
    let error = failure { () throws(FormatError) in try Safetensors(bytes: bytes, path: "t") }
    #expect(error?.message.contains("its header claims \(claimed) bytes, 2 found") == true)
  }

  /// Each header stands in front of eight bytes.
  @Test(arguments: [
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, "belong to no tensor"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, "expected it to start at 0"),
    (
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
        + #""b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, "without overlap"
    ),
    (#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"#, "truncated"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#, "needs 4 bytes, 8 given"),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, "start at 0"),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#, "a number >= 0"),
    (
      #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#, "impossible"
    ),
    (#"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}"#, "64 bits"),
    (
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
        + #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, "'a' occurs twice"
    ),
    (#"{"__metadata__":{"k":"1","k":"2"}}"#, "'k' occurs twice"),
    (#"{"__metadata__":{"k":1}}"#, "expected '\"'"),
    (#"{"a":{"dtype":"F64","shape":[1]}}"#, "needs dtype, shape"),
    (#"{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8],"x":1}}"#, "'x'"),
    (#" {"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#, "start with '{'"),
    (#"{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}} x"#, "the end"),
    (#"{"\ud800":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#, "expected"),
    ("{\"\u{1}\":{}}", "control character"), ("", "start with"), ("{", "expected"),
  ])
  func refusesBadHeaders(text: String, part: String) throws {
    let bytes = text.safetensors(payload: [UInt8](repeating: 0, count: 8))
    let error = try #require(
      failure { () throws(FormatError) in try Safetensors(bytes: bytes, path: "t") })
    #expect(error.message.contains(part), "\(error)")
  }

  /// One byte an element, as F8_E4M3 has: no type that is read.
  @Test func passesOverTypesThatAreNotRead() throws {
    let header =
      #"{"__metadata__":{"p":"3"},"scale":{"dtype":"F8_E4M3","shape":[2,2],"data_offsets":[0,4]},"#
      + #""w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#
    let bytes = header.safetensors(payload: [1, 2, 3, 4, 0, 0, 0x80, 0x3F])
    let file = try Safetensors(bytes: bytes, path: "t")
    #expect(file.tensors == ["w": Tensor(shape: [1], elements: .float32([1]))])
    #expect(file.names == ["scale", "w"] && file.metadata == ["p": "3"])
    let error = failure { () throws(FormatError) in try file.tensor("scale", path: "t") }
    #expect(
      error?.message
        == "tensor 'scale' has the unsupported dtype 'F8_E4M3'; expected F16, BF16, F32, F64, BOOL or "
        + "integers: convert it first")
    // Its bytes are still accounted for.
    let gap = header.replacingOccurrences(of: "[0,4]", with: "[0,3]")
    #expect(
      failure { () throws(FormatError) in
        try Safetensors(bytes: gap.safetensors(payload: Array(bytes.suffix(8))), path: "t")
      }?.message.contains("expected it to start at 3") == true)
  }

  @Test func namesAMissingTensor() throws {
    let file = try Safetensors(path: fixture("mixed.safetensors"))
    let error = failure { () throws(FormatError) in try file.tensor("W", path: "m") }
    #expect(error?.message.hasPrefix("has no tensor 'W'; it holds 'a', 'brain'") == true)
  }
}
