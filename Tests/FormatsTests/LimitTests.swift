import Foundation
import Testing

@testable import Formats

/// Small files that ask for much: they are refused before memory is taken.
@Suite struct LimitTests {
  private func message(_ body: () throws(FormatError) -> Void) -> String? {
    failure(body)?.message
  }

  /// 100 MB of zeros as an array, deflated to 100 kB.
  private func expandingArchive() throws -> [UInt8] {
    let zeros = Tensor(
      shape: [1, 25_000_000], elements: .float32(.init(repeating: 0, count: 25_000_000)))
    return try NPZ.encode(["X": zeros], path: "z.npz", isCompressed: true)
  }

  @Test func arraysThatExpandTooFarAreRefused() throws {
    let bytes = try expandingArchive()
    #expect(bytes.count < 120_000)
    let error = message { () throws(FormatError) in _ = try NPZ.decode(bytes, path: "z.npz") }
    #expect(error?.hasPrefix("entry 'X.npy' expands ") == true)
    #expect(
      error?.hasSuffix(
        " bytes to 100000128; expected at most 250 times as many: store it without compression")
        == true)
  }

  /// A gzip file that says by its header how long it is, and holds 200 times as much.
  @Test func noMoreIsDecompressedThanTheHeaderPromises() throws {
    var contents = IDX.encode([UInt8](repeating: 3, count: 1000), shape: [1000])
    contents += [UInt8](repeating: 0, count: 300 << 20)
    try withTemporaryFolder { folder in
      let path = "\(folder)/labels.gz"
      try AtomicFile.write(Gzip.compress(contents, level: 1), to: path)
      contents = []
      let expected =
        "has bytes after its array: its IDX header promises 1000 bytes, at least 4088 found"
      #expect(message { () throws(FormatError) in _ = try IDX.readBytes(path: path) } == expected)
      #expect(message { () throws(FormatError) in _ = try IDX.read(path: path) } == expected)
      // A header that promises what the caller does not expect.
      let limit = message { () throws(FormatError) in
        _ = try IDX.readBytes(path: path, maximumBytes: 500)
      }
      #expect(limit != nil)
    }
  }

  @Test func aHeaderThatPromisesTooMuchIsRefusedFirst() throws {
    let contents: [UInt8] = [0, 0, 8, 1, 0x59, 0x68, 0x2F, 0] + .init(repeating: 1, count: 300_000)
    try withTemporaryFolder { folder in
      let path = "\(folder)/labels.gz"
      try AtomicFile.write(Gzip.compress(contents), to: path)
      #expect(
        message { () throws(FormatError) in
          _ = try IDX.readBytes(path: path, maximumBytes: 60_008)
        } == "promises 1500000008 bytes in its IDX header; expected at most 60008")
    }
  }

  /// Several members, of which the first ends inside the header, are still one file.
  @Test func membersOfAGzipFileBelongTogether() throws {
    let contents = IDX.encode((0..<200).map { UInt8($0) }, shape: [200])
    try withTemporaryFolder { folder in
      let path = "\(folder)/bytes.gz"
      let parts = [contents[..<3], contents[3..<100], contents[100...]]
      try AtomicFile.write(parts.flatMap { Gzip.compress(Array($0)) }, to: path)
      #expect(try IDX.readBytes(path: path).bytes == (0..<200).map { UInt8($0) })
    }
  }

  /// A FIFO that nobody writes into would be waited for forever.
  @Test func pipesAndDevicesAreRefused() throws {
    let expected =
      "is not a regular file, but a pipe, a device or alike; copy its contents into a file first"
    try withTemporaryFolder { folder in
      let path = "\(folder)/fifo"
      try #require(mkfifo(path, 0o600) == 0)
      for path in [path, "/dev/null"] {
        #expect(message { () throws(FormatError) in _ = try TensorFile(path: path) } == expected)
        #expect(message { () throws(FormatError) in _ = try NPY.read(path: path) } == expected)
        #expect(message { () throws(FormatError) in _ = try NPZ.read(path: path) } == expected)
        #expect(message { () throws(FormatError) in _ = try Safetensors(path: path) } == expected)
        #expect(message { () throws(FormatError) in _ = try TorchArchive(path: path) } == expected)
        #expect(message { () throws(FormatError) in _ = try Gzip.contents(of: path) } == expected)
        #expect(message { () throws(FormatError) in _ = try IDX.read(path: path) } == expected)
      }
    }
  }

  @Test func bfloat16OfOtherProgramsSaysHowToConvert() {
    let bytes = "{'descr': '|V2', 'fortran_order': False, 'shape': (1,), }\n".npy(payload: [0, 0])
    #expect(
      message { () throws(FormatError) in _ = try NPY.decode(bytes, path: "f") }
        == "array has the element type '|V2', as which numpy stores bfloat16 of JAX; convert it with "
        + ".astype('float32') before it is saved")
  }

  @Test func memoryThatTheMachineHasNotIsRefused() {
    #expect(MemoryBudget.problem(1 << 20) == nil)
    #expect(MemoryBudget.available > 1 << 26)
    let problem = MemoryBudget.problem(1 << 60)
    #expect(
      problem?.hasPrefix("needs about ") == true && problem?.hasSuffix(" MiB are free") == true)
    #expect(MemoryBudget.problem(.max) != nil)
  }

  @Test func namesInErrorsAreShort() throws {
    let name = String(repeating: "x", count: 1_000_000)
    #expect("abc".shortened == "abc" && String(repeating: "é", count: 80).shortened.count == 80)
    #expect(name.shortened == String(repeating: "x", count: 80) + "…")
    let file = Safetensors(tensors: [name: Tensor(shape: [0], elements: .int64([]))])
    try withTemporaryFolder { folder in
      let path = "\(folder)/f"
      try file.write(to: path)
      let missing = message { () throws(FormatError) in
        _ = try TensorFile(path: path).tensor("X")
      }
      #expect(
        missing == "has no tensor 'X'; it holds '\(String(repeating: "x", count: 80))…'")
      #expect(
        message { () throws(FormatError) in _ = try file.tensor(name + "y", path: path) }!.count
          < 300)
    }
    let header = #"{"\#(name)":{"dtype":"F32","shape":[1],"data_offsets":[0,9]}}"#
    let bytes = header.safetensors(payload: [UInt8](repeating: 0, count: 9))
    let error = message { () throws(FormatError) in _ = try Safetensors(bytes: bytes, path: "f") }
    #expect(error?.hasSuffix("of shape (1,) needs 4 bytes, 9 given") == true)
    #expect(FormatError(path: "f", name).message.count == 1001)
  }

  /// What is not asked for is not read, however damaged, encrypted or of whatever type it is.
  @Test func entriesThatAreNotAskedForAreLeftAlone() throws {
    var bytes = try NPZ.encode(
      [
        "a": Tensor(shape: [1], elements: .int64([7])),
        "b": Tensor(shape: [1], elements: .int64([8])),
      ],
      path: "f.npz")
    // The compression method of b in the directory at the end: 12 is bzip2.
    let names = bytes.indices.filter { bytes[$0...].starts(with: "b.npy".utf8) }
    bytes[try #require(names.last) - 36] = 12
    #expect(try NPZ.decode(bytes, path: "f.npz", names: ["a"])["a"]?.elements == .int64([7]))
    #expect(
      message { () throws(FormatError) in _ = try NPZ.decode(bytes, path: "f.npz", names: ["b"]) }
        == "entry 'b.npy' uses zip method 12; expected stored or deflated")
  }
}
