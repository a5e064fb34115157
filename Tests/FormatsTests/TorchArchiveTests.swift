import Testing

@testable import Formats

/// The fixtures are written by `Fixtures/make_torch_fixtures.py`.
@Suite struct TorchArchiveTests {
  private func read(_ name: String) throws -> [String: Tensor] {
    try TorchArchive(path: fixture(name)).read()
  }

  @Test(arguments: [2, 3, 4, 5]) func readsEveryKindOfTensor(pickleProtocol: Int) throws {
    func floats(_ shape: [Int], _ values: [Float]) -> Tensor {
      Tensor(shape: shape, elements: .float32(values))
    }
    func integers(_ values: [Int64]) -> Tensor {
      Tensor(shape: [values.count], elements: .int64(values))
    }
    let base: [Float] = [0, 1, 2, 3, 4, 5]
    let expected = [
      "contiguous": floats([2, 3], base),
      "transposed": floats([3, 2], [0, 3, 1, 4, 2, 5]),
      "view": floats([2, 2], [1, 2, 4, 5]),
      "step": floats([3], [1, 4, 7]),
      "scalar": floats([], [2.5]),
      "empty": floats([0, 3], []),
      "half": floats([2, 3], base),
      "bfloat16": floats([2, 3], base),
      "float64": Tensor(shape: [2, 3], elements: .float64(base.map { Double($0) / 3 })),
      "parameter": floats([2, 3], base.map { $0 + 1 }),
      "int64": integers([1 << 40, -1]),
      "int32": integers([7, -7]), "int16": integers([7, -7]), "int8": integers([7, -7]),
      "uint8": integers([7, 255]), "bool": integers([1, 0]),
    ]
    #expect(try read("good-protocol\(pickleProtocol).pt") == expected)
  }

  @Test(arguments: ["module", "state_dict", "model_state_dict"])
  func findsTheStateDict(_ name: String) throws {
    let expected = [
      "weight": Tensor(shape: [1, 2], elements: .float32([1, 2])),
      "bias": Tensor(shape: [1], elements: .float32([3])),
    ]
    #expect(try read("good-\(name).pt") == expected)
  }

  @Test func readsBigEndianStorages() throws {
    let tensor = Tensor(shape: [2, 3], elements: .float32([0, 1, 2, 3, 4, 5]))
    #expect(try read("good-big-endian.pt") == ["w": tensor])
  }

  private static func foreign(_ name: String) -> String {
    "holds an object of '\(name)', of which nothing is read: expected a dictionary of tensors, such as "
      + "model.state_dict() gives"
  }

  static let refusals = [
    ("global", foreign("os.system")), ("global-stack", foreign("builtins.eval")),
    ("module", foreign("torch.nn.modules.linear.Linear")),
    ("new-object", "does not hold a state dict: expected a dictionary of tensors"),
    ("protocol0", "data.pkl is no pickle of protocol 2 to 5"),
    ("empty-stack", "data.pkl is malformed at byte 3: its stack is empty"),
    ("call", "data.pkl is malformed at byte 6: a call of something that is not a name"),
    (
      "state",
      "data.pkl is malformed at byte 21: it sets the state of something that is not a state dict"
    ),
    ("list", "does not hold a state dict: expected a dictionary of tensors"),
    ("depth", "does not hold a state dict: expected a dictionary of tensors"),
    ("cycle", "does not hold a state dict: expected a dictionary of tensors"),
    ("doubling", "does not hold a state dict: expected a dictionary of tensors"),
    ("marks", "data.pkl is malformed at byte 1048579: too many open marks"),
    ("values", "data.pkl makes more than 1048576 values; a state dict needs far fewer"),
    ("memo", "data.pkl is malformed at byte 8: memo number 4294967295 is too large"),
    ("memo-unset", "data.pkl is malformed at byte 4: memo 7 was never set"),
    ("length", "data.pkl is malformed at byte 11: a length beyond 64 bits"),
    ("stride", "tensor 'w' has offset 0 and strides (3, -1); expected numbers >= 0"),
    ("offset", "tensor 'w' has offset -1 and strides (3, 1); expected numbers >= 0"),
    ("extent", "tensor 'w' has the impossible shape (-2, 3)"),
    ("view", "tensor 'w' reaches element 6 of storage '0', which has 6"),
    ("overflow", "tensor 'w' has strides beyond 64 bits"),
    ("shape", "tensor 'w' has the impossible shape (1099511627776, 1099511627776)"),
    (
      "expanded",
      "tensor 'w' of shape (1048576, 1048576) takes the file beyond 1057008 bytes in memory, "
        + "more than it can honestly need"
    ),
    ("negative-count", "data.pkl is malformed at byte 103: "),
    (
      "short",
      "storage '0' of tensor 'w' holds 20 bytes; data.pkl says 6 numbers of 4 bytes"
    ),
    ("missing", "tensor 'w' needs storage '../0', which is missing"),
    ("byteorder", "has an unreadable byteorder; expected 'little' or 'big'"),
    ("truncated", "is not a zip archive, or is truncated or damaged: "),
    ("text", "is not a zip archive, or is truncated or damaged: "),
    ("count", "data.pkl is malformed at byte 103: "),
  ]

  @Test(arguments: refusals) func refuses(_ name: String, _ message: String) {
    let path = fixture("bad-\(name).pt")
    let error = failure { () throws(FormatError) in try TorchArchive(path: path).read() }
    #expect(error?.path == path)
    if message.hasSuffix(": ") {
      #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "")")
    } else {
      #expect(error?.message == message)
    }
    #expect(error?.message.contains("\n") == false)
  }

  @Test func aTensorThatIsNotReadIsRefusedByName() throws {
    let error = failure { () throws(FormatError) in
      try TorchArchive(path: fixture("bad-complex.pt")).read(names: ["w"])
    }
    #expect(
      error?.message
        == "'w' is an object of 'torch.ComplexFloatStorage', which is not read: expected a tensor of "
        + "plain numbers")
  }

  @Test func namesWhatIsMissing() throws {
    let archive = try TorchArchive(path: fixture("good-module.pt"))
    let error = failure { () throws(FormatError) in try archive.read(names: ["center"]) }
    #expect(error?.message == "has no tensor 'center'; it holds 'bias', 'weight'")
    let limit = failure { () throws(FormatError) in
      try archive.read(maximumBytes: 8)
    }
    #expect(limit?.message.contains("beyond 8 bytes in memory") == true)
  }
}
