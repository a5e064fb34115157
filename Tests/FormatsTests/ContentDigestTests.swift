import Foundation
import Testing

@testable import Formats

@Suite struct ContentDigestTests {
  private func digest(_ bytes: [UInt8], pieces: Int = 1) -> String {
    var sum = ContentDigest()
    let size = max(1, bytes.count / pieces)
    for start in stride(from: 0, to: bytes.count, by: size) {
      bytes[start..<min(bytes.count, start + size)].withUnsafeBytes { sum.update($0) }
    }
    return sum.hexadecimal
  }

  /// The vectors of FIPS 180-4 and its examples.
  @Test func vectorsOfTheStandard() {
    #expect(
      digest([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      digest(Array("abc".utf8))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      digest(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(
      digest([UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000), pieces: 977)
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  /// The program of the system on lengths around those of blocks, in pieces of all sizes.
  @Test func agreesWithTheProgramOfTheSystem() throws {
    try withTemporaryFolder { folder in
      for count in [1, 55, 56, 63, 64, 65, 119, 120, 127, 128, 1000, 4097] {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ count) }
        let path = "\(folder)/\(count)"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["sha256sum", path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(
          decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        for pieces in [1, 2, 3, 7, count] {
          #expect(text.hasPrefix(digest(bytes, pieces: pieces)), "\(count) bytes, \(pieces) pieces")
        }
      }
    }
  }

  @Test func sealsSeeEveryChange() throws {
    let file = Safetensors(
      tensors: ["a": Tensor(shape: [2, 1], elements: .float32([1, 2]))], metadata: ["k": "v"]
    ).sealed()
    try file.checkSeal(path: "f")
    func isRefused(_ change: (inout Safetensors) -> Void) -> Bool {
      var other = file
      change(&other)
      return failure { () throws(FormatError) in try other.checkSeal(path: "f") }?
        .description.hasPrefix("f: its contents are not those that were written") == true
    }
    #expect(
      isRefused { $0.tensors["a"] = Tensor(shape: [2, 1], elements: .float32([1, .nan])) })
    #expect(isRefused { $0.tensors["a"] = Tensor(shape: [1, 2], elements: .float32([1, 2])) })
    #expect(isRefused { $0.tensors["a"] = Tensor(shape: [2, 1], elements: .float64([1, 2])) })
    #expect(isRefused { $0.tensors["b"] = Tensor(shape: [0], elements: .float32([])) })
    #expect(isRefused { $0.metadata["k"] = "w" })
    #expect(isRefused { $0.metadata["l"] = "" })
    // Files of the first version have none.
    try Safetensors(tensors: file.tensors).checkSeal(path: "f")
  }
}
