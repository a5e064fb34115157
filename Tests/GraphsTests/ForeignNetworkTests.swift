import Formats
import Foundation
import Graphs
import LinearCore
import Networks
import Testing

/// Networks of the verification competition, whose logits by onnxruntime are stored:
/// `Fixtures/make_foreign.py`.
@Suite struct ForeignNetworkTests {
  static let folder = (ProcessInfo.processInfo.environment["POLYRELU_DATA"] ?? "/none") + "/onnx"

  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: folder), "set POLYRELU_DATA to the folder of data"),
    arguments: [
      ("acasxu-1-1", [1, 1, 1, 5], 5), ("mnist-net_256x2", [1, 784, 1], 10),
      ("cifar-resnet-2b", [1, 3, 32, 32], 10), ("cifar_base_kw", [1, 3, 32, 32], 10),
    ])
  func logitsAreThoseOfOnnxruntime(name: String, shape: [Int], outputs: Int) throws {
    let arrays = try NPZ.read(path: fixture("foreign.npz"))
    let inputs = try Example.matrix(arrays[name + ".inputs"], name)
    let expected = try Example.matrix(arrays[name + ".logits"], name)
    let plan = try ONNXGraphFile.read("\(Self.folder)/\(name).onnx")
    #expect(plan.inputShape == shape)
    #expect(plan.outputCount == outputs)
    let network = GraphNetwork<Float>(plan)
    #expect(relativeError(network.logits(inputs.converted()).converted(), expected) < 1e-5)
    #expect(relativeError(network.referenceLogits(inputs), expected) < 1e-5)
    #expect(gradientError(network.converted(), inputs) < 1e-6)
  }
}
