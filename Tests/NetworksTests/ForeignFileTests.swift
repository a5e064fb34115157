import Formats
import Foundation
import LinearCore
import Testing

@testable import Networks

/// Models as other programs write them; `Fixtures/make_foreign_fixtures.py` made the files.
@Suite struct ForeignFileTests {
  private func read(_ name: String) throws -> PReLUNetwork<Float> {
    try ModelFile.read(modelFixture(name), exponent: 3, normalizeInput: true)
  }

  /// Prefixes of wrappers, dictionaries of checkpoints, objects of any class beside the tensors.
  @Test(arguments: [
    "foreign-module.pt", "foreign-model.pt", "foreign-ema.pt", "foreign-nested.pt",
    "foreign-beside-2.pt", "foreign-beside-4.pt", "foreign-beside-5.pt",
    "foreign-compiled.safetensors", "foreign-float8.safetensors", "foreign-net.NPZ",
  ])
  func holdTheSameNetwork(_ name: String) throws {
    let expected = try read("state.pt")
    #expect(expected.outputBias != nil && expected.center != nil)
    #expect(try read(name) == expected)
    // Some hold a command, which must not have run.
    #expect(!FileManager.default.fileExists(atPath: "ran-code-of-a-file"))
  }

  @Test(arguments: [
    (
      "refused-two.pt",
      "holds 2 dictionaries of tensors: 'first', 'second'; save the one that is meant by itself"
    ),
    (
      "refused-two.safetensors",
      "holds 2 networks: 'a.prelulayer.W', 'b.prelulayer.W'; save the one that is meant by itself"
    ),
    (
      "refused-sparse.pt",
      "'prelulayer.W' is an object of 'torch._utils._rebuild_sparse_tensor', which is not read: expected a "
        + "tensor of plain numbers"
    ),
    (
      "refused-float8.safetensors",
      "tensor 'output_net.bias' has the unsupported dtype 'F8_E5M2'; expected F16, BF16, F32, F64, BOOL or "
        + "integers: convert it first"
    ),
    (
      "refused-bfloat16.npz",
      "array 'center' has the element type '<V2', as which numpy stores bfloat16 of JAX; convert it with "
        + ".astype('float32') before it is saved"
    ),
  ])
  func areRefusedWithTheReason(_ name: String, _ message: String) {
    #expect(throws: FormatError(path: modelFixture(name), message)) { try read(name) }
  }

  /// Hyper-parameters stand behind the prefix as well, or alone.
  @Test func readsHyperParametersBehindAPrefix() throws {
    let network = try PReLUNetwork<Float>(
      exponent: 2.5, hiddenWeights: Matrix([[1, 2], [3, 4], [5, 6]]),
      outputWeights: Matrix([[1, 0, -1]]), normalizeInput: true)
    try withModelFolder { folder in
      for prefix in ["", "module.", "a.b."] {
        var arrays = Dictionary(
          uniqueKeysWithValues: ModelFile.contents(of: network).tensors.map {
            (prefix + $0.key, $0.value)
          })
        arrays[prefix + "p"] = Tensor(shape: [], elements: .float64([2.5]))
        arrays["normalizeInput"] = Tensor(shape: [], elements: .int64([1]))
        try NPZ.write(arrays, to: "\(folder)/m.npz")
        #expect(try ModelFile.read("\(folder)/m.npz", as: Float.self) == network)
      }
    }
  }

  /// A degree beyond the limit is refused wherever it stands.
  @Test(arguments: [1e15, 1e19, 1e300, 1000.5, .infinity, .nan, 0.5])
  func refusesDegreesOutOfRange(_ degree: Double) throws {
    let network = try PReLUNetwork<Float>(
      exponent: 1000, hiddenWeights: .identity(2), outputWeights: Matrix([[1, -1]]))
    let message = "p is \(degree); expected a number from 1 to 1000"
    try withModelFolder { folder in
      let path = "\(folder)/m"
      var arrays = ModelFile.contents(of: network).tensors
      arrays["p"] = Tensor(shape: [], elements: .float64([degree]))
      arrays["normalizeInput"] = Tensor(shape: [], elements: .int64([0]))
      try NPZ.write(arrays, to: path)
      #expect(throws: FormatError(path: path, message)) {
        try ModelFile.read(path, as: Float.self)
      }
      var file = ModelFile.contents(of: network)
      file.metadata["p"] = "\(degree)"
      try file.write(to: path)
      #expect(throws: FormatError(path: path, message)) {
        try ModelFile.read(path, as: Float.self)
      }
      file.metadata["p"] = "1000"
      try file.write(to: path)
      #expect(try ModelFile.read(path, as: Float.self) == network)
      try file.write(to: path)
      file.metadata["p"] = nil
      try file.write(to: path)
      #expect(throws: FormatError(path: path, message)) {
        try ModelFile.read(path, exponent: degree, normalizeInput: false, as: Float.self)
      }
    }
  }
}
