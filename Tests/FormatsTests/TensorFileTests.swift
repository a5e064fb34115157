import Testing

@testable import Formats

@Suite struct TensorFileTests {
  @Test(arguments: ["good-module.pt", "good-protocol4.pt", "mixed.safetensors", "big-F.npz"])
  func readsWhatTheContentIs(_ name: String) throws {
    let file = try TensorFile(path: fixture(name))
    let wanted = try #require(file.names.first)
    let contents = try file.contents(of: [wanted, "absent"], maximumBytes: 1 << 20)
    #expect(contents.tensors[wanted] != nil)
    #expect(contents.tensors["absent"] == nil)
  }

  @Test func contentCountsMoreThanTheExtension() throws {
    let bytes = try fixtureBytes("good-module.pt")
    try withTemporaryFolder { folder in
      try AtomicFile.write(bytes, to: "\(folder)/model.bin")
      #expect(try TensorFile(path: "\(folder)/model.bin").names == ["bias", "weight"])
    }
  }

  @Test func saysWhatWasExpected() throws {
    func message(_ name: String, _ bytes: [UInt8]) throws -> String? {
      try withTemporaryFolder { folder in
        try AtomicFile.write(bytes, to: "\(folder)/\(name)")
        return failure { () throws(FormatError) in try TensorFile(path: "\(folder)/\(name)") }?
          .message
      }
    }
    let text = Array("hello, world".utf8)
    let legacy = try fixtureBytes("bad-legacy.pt")
    #expect(
      try message("a.pt", legacy)
        == "is a bare pickle, such as PyTorch wrote before version 1.6; load it in PyTorch and save "
        + "the state dict again with torch.save")
    #expect(
      try message("a.pth", text)
        == "is not a zip archive; expected a state dict written by torch.save")
    #expect(try message("a.npz", text) == "is not a zip archive; expected an npz file")
    #expect(try message("a.ONNX", text)?.hasPrefix("is an ONNX file") == true)
    #expect(try message("a.safetensors", text)?.hasPrefix("is truncated or no safetensors") == true)
    #expect(try message("a.safetensors", [])?.hasPrefix("is truncated: 0 bytes found") == true)
  }

  @Test func errorsStayOneLine() {
    let error = FormatError(path: "a", "has no tensor 'x\n\u{1B}[31m\u{2028}y'")
    #expect(error.message == "has no tensor 'x\u{FFFD}\u{FFFD}[31m\u{FFFD}y'")
  }
}
