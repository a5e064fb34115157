import Formats
import Foundation
import Graphs
import LinearCore
import Networks
import Testing

/// Files of PyTorch, whose logits are stored: `Fixtures/make_state_dicts.py`.
@Suite struct PlainStateDictTests {
  struct Case: Sendable {
    let file: String
    let record: String
    let activation: String
    var inputShape: [Int]?
  }

  private static let cases = [
    Case(file: "mlp.pt", record: "mlp", activation: "relu"),
    Case(file: "checkpoint.pth", record: "checkpoint", activation: "relu"),
    Case(file: "wrapped.pt", record: "checkpoint", activation: "relu"),
    Case(file: "named.pt", record: "named", activation: "tanh"),
    Case(file: "named.npz", record: "named", activation: "tanh"),
    Case(file: "many.safetensors", record: "many", activation: "relu"),
    Case(file: "valid.pt", record: "valid", activation: "relu", inputShape: [2, 8, 8]),
    Case(file: "same.pt", record: "same", activation: "relu", inputShape: [2, 8, 8]),
    Case(file: "powers.pt", record: "powers", activation: "prelu:3"),
  ]

  @Test(arguments: cases) func logitsAreThoseOfPyTorch(example: Case) throws {
    let records = try NPZ.read(path: fixture("plain.npz"))
    let inputs = try Example.matrix(records[example.record + ".inputs"], example.file)
    let expected = try Example.matrix(records[example.record + ".logits"], example.file)
    let activation = try #require(PlainActivation(example.activation))
    let plan = try PlainStateDict.read(
      fixture(example.file), activation: activation, inputShape: example.inputShape)
    let network = GraphNetwork<Float>(plan)
    #expect(relativeError(network.logits(inputs.converted()).converted(), expected) < 1e-5)
    #expect(gradientError(network.converted(), inputs) < 1e-6)
  }

  @Test func activationsAreText() {
    #expect(PlainActivation("prelu:2.5") == .prelu(2.5))
    for text in ["", "Relu", "prelu", "prelu:", "prelu:0.5", "prelu:nan", "prelu:1e9", "gelu"] {
      #expect(PlainActivation(text) == nil)
    }
    for text in ["relu", "tanh", "prelu:3.0"] {
      #expect(PlainActivation(text)?.description == text)
    }
  }

  private func refusal(_ file: String, _ activation: PlainActivation, _ shape: [Int]? = nil)
    -> String
  {
    do throws(FormatError) {
      _ = try PlainStateDict.read(fixture(file), activation: activation, inputShape: shape)
      return "read"
    } catch { return error.message }
  }

  @Test func whatAStateDictDoesNotSayIsRefused() {
    #expect(refusal("valid.pt", .relu).hasPrefix("starts with a convolution: give --input-shape"))
    #expect(
      refusal("valid.pt", .relu, [3, 8, 8]).hasPrefix("starts with a convolution of 2 channels"))
    #expect(
      refusal("pooled.pt", .relu, [2, 8, 8]).hasPrefix(
        "its convolutions make 144 or 256 numbers of such images without stride and pooling, but the layer "
          + "behind them reads 36"))
    #expect(
      refusal("normalized.pt", .relu).hasPrefix("tensor '1.weight' has shape [3]; expected that of")
    )
    #expect(
      refusal("mlp.pt", .prelu(3))
        == "layer '0.weight': has a bias, for which pReLU neurons have no place; expected none")
    #expect(refusal("mlp.pt", .relu, [7]) == "takes 6 numbers, but --input-shape says 7")
  }

  @Test func layersThatAreNoChainAreRefused() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(
      "chain-\(UUID().uuidString).npz"
    ).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    func zeros(_ shape: [Int]) -> Tensor {
      Tensor(
        shape: shape,
        elements: .float32([Float](repeating: 0, count: shape.reduce(1, *))))
    }
    func message(_ tensors: [String: Tensor]) throws -> String {
      try NPZ.write(tensors, to: path)
      do throws(FormatError) {
        _ = try PlainStateDict.read(path, activation: .relu)
        return "read"
      } catch { return error.message }
    }
    #expect(
      try message(["a.weight": zeros([3, 2]), "b.weight": zeros([2, 4])]).hasPrefix(
        "layer 'b.weight' of shape [2, 4] does not take what 'a.weight' of shape [3, 2] makes"))
    #expect(
      try message(["a.weight": zeros([3, 2]), "a.bias": zeros([2])])
        == "tensor 'a.bias' has shape [2]; expected [3]")
    #expect(
      try message(["a.weight": zeros([3, 2]), "mean": zeros([2])]).hasPrefix(
        "tensor 'mean' is no weight or bias"))
    #expect(try message(["mean": zeros([2])]).hasPrefix("tensor 'mean' is no weight or bias"))
    #expect(
      try message(["a.weight": zeros([0, 2])]).hasPrefix("tensor 'a.weight' has shape [0, 2]"))
  }
}
