import Formats
import Foundation
import LinearCore
import Testing

@testable import Networks

/// The path of a fixture made by `Fixtures/make_model_fixtures.py`.
func modelFixture(_ name: String) -> String {
  Bundle.module.bundleURL.appendingPathComponent("Fixtures").appendingPathComponent(name).path
}

/// Runs `body` with the path of a fresh folder, which is removed afterwards.
func withModelFolder<Value>(_ body: (String) throws -> Value) throws -> Value {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("networks-tests-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

@Suite struct ModelFileTests {
  private func failure(
    _ path: String, p: Double? = 3, normalizeInput: Bool? = true
  ) -> FormatError? {
    do throws(FormatError) {
      _ = try ModelFile.read(path, exponent: p, normalizeInput: normalizeInput, as: Float.self)
      return nil
    } catch {
      return error
    }
  }

  @Test func everyFormatHoldsTheSameStateDict() throws {
    let expected = try ModelFile.read(
      modelFixture("state.pt"), exponent: 3, normalizeInput: true, as: Float.self)
    #expect(expected.hiddenWidth == 5 && expected.inputDimension == 4)
    #expect(expected.outputCount == 3 && expected.center != nil && expected.outputBias != nil)
    for name in [
      "state.safetensors", "state.npz", "state-with-p.npz", "strided.pt", "row-center.pt",
    ] {
      let network = try ModelFile.read(
        modelFixture(name), exponent: 3, normalizeInput: true, as: Float.self)
      #expect(network == expected, "\(name)")
    }
    let own = try ModelFile.read(modelFixture("state-with-p.npz"), as: Float.self)
    #expect(own == expected)
  }

  @Test(arguments: ["npz", "safetensors"]) func comesBackAsItWas(_ type: String) throws {
    for exponent in [1, 2.5, 3] {
      let network = try PReLUNetwork<Double>(
        exponent: exponent, hiddenWeights: Matrix([[1, 2], [3, -4], [0.1, 0]]),
        outputWeights: Matrix([[1, -1, 0.3]]), outputBias: exponent == 1 ? nil : [0.7],
        center: exponent == 3 ? [0.1, 0.2] : nil, normalizeInput: exponent == 3)
      try withModelFolder { folder in
        let path = "\(folder)/network.\(type)"
        try ModelFile.write(network, to: path)
        #expect(try ModelFile.read(path, as: Double.self) == network)
        #expect(
          failure(path, p: 7, normalizeInput: nil)?.message.contains("but p says 7.0") == true)
      }
    }
  }

  static let refusals = [
    (
      "transposed-hidden",
      "tensor 'prelulayer.W' has shape [5, 4] and looks transposed: expected (input, hidden) = "
        + "[4, 5], because 'output_net.weight' reads 5 neurons"
    ),
    (
      "transposed-output",
      "tensor 'output_net.weight' has shape [5, 3] and looks transposed: expected "
        + "(outputs, hidden) = [3, 5], because 'prelulayer.W' has 5 neurons"
    ),
    (
      "center",
      "tensor 'center' has 6 coordinates, but 'prelulayer.W' of shape [4, 5] = (input, hidden) "
        + "reads 4"
    ),
    ("bias", "tensor 'output_net.bias' has 4 numbers for the 3 outputs of 'output_net.weight'"),
    (
      "widths",
      "tensor 'output_net.weight' of shape [3, 9] reads 9 neurons, but 'prelulayer.W' of shape "
        + "[4, 5] = (input, hidden) has 5"
    ),
    ("axes", "tensor 'center' has shape [2, 4], expected one axis"),
    ("integers", "tensor 'prelulayer.W' holds integers; expected floating-point weights"),
    ("nan", "a weight is NaN or infinite"),
    (
      "missing",
      "not a model: expected the tensors hiddenWeights and outputWeights, or prelulayer.W and "
        + "output_net.weight of a PyTorch state dict; it holds 'center', 'output_net.bias', "
        + "'output_net.weight'"
    ),
  ]

  @Test(arguments: refusals) func refuses(_ name: String, _ message: String) {
    #expect(failure(modelFixture("bad-\(name).pt"))?.message == message)
  }

  @Test func asksForHyperParameters() throws {
    for name in ["state.pt", "state.npz", "state.safetensors"] {
      let error = failure(modelFixture(name), p: 3, normalizeInput: nil)
      #expect(error?.message.contains("give p and normalize-input") == true)
    }
    let network = try PReLUNetwork<Float>(
      exponent: 3, hiddenWeights: Matrix([[1]]), outputWeights: Matrix([[1]]))
    #expect(
      throws: FormatError(
        path: "a.pt",
        "unknown model format; expected a name ending in "
          + ".safetensors, .npz or .onnx")
    ) {
      try ModelFile.write(network, to: "a.pt")
    }
    try withModelFolder { folder in
      var arrays = ModelFile.contents(of: network).tensors
      arrays["p"] = Tensor(shape: [2], elements: .float32([3, 3]))
      try NPZ.write(arrays, to: "\(folder)/a.npz")
      #expect(
        failure("\(folder)/a.npz")?.message == "array 'p' has shape [2]; expected a single number")
      arrays["p"] = Tensor(shape: [], elements: .float32([3]))
      arrays["normalizeInput"] = Tensor(shape: [], elements: .float32([2]))
      try NPZ.write(arrays, to: "\(folder)/a.npz")
      #expect(
        failure("\(folder)/a.npz")?.message == "array 'normalizeInput' holds 2.0; expected 0 or 1")
    }
  }

  /// Damaged models give a network or an error.
  @Test(arguments: ["state.pt", "state.npz", "state.safetensors", "state-with-p.npz"])
  func mutatedModelsNeverCrash(_ name: String) throws {
    let valid = [UInt8](try Data(contentsOf: URL(fileURLWithPath: modelFixture(name))))
    var random = RandomStream(seed: 11)
    try withModelFolder { folder in
      let path = "\(folder)/\(name)"
      var networks = 0
      for _ in 0..<1500 {
        var bytes = valid
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          let position = Int.random(in: 0..<bytes.count, using: &random)
          switch Int.random(in: 0..<4, using: &random) {
          case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
          case 1: bytes[position] = UInt8.random(in: 0...255, using: &random)
          case 2: bytes.insert(contentsOf: bytes[position...].prefix(4), at: position)
          default: bytes.removeSubrange(position..<min(position + 3, bytes.count))
          }
        }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        if failure(path) == nil { networks += 1 }
      }
      #expect(networks > 0 && networks < 1500, "\(networks) of 1500 read")
    }
  }
}
