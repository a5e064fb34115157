import Datasets
import Foundation
import LinearCore
import Networks
import Testing

/// The networks that the authors of the paper trained on MNIST digits and published, with the number of
/// samples they get right, counted by PyTorch.
@Suite(
  .enabled(
    if: ProcessInfo.processInfo.environment["POLYRELU_DATA"] != nil,
    "set POLYRELU_DATA to a folder with mnist and pretrained"))
struct PretrainedNetworkTests {
  private func path(_ p: Int) -> String {
    let root = ProcessInfo.processInfo.environment["POLYRELU_DATA"] ?? ""
    return "\(root)/pretrained/mnist-digits-p\(p).safetensors"
  }

  private func predictions(_ network: PReLUNetwork<Float>, _ inputs: Matrix<Float>) -> [Int] {
    let logits = network.logits(inputs)
    return (0..<logits.rows).map { i in
      (0..<logits.columns).reduce(0) { logits[i, $1] > logits[i, $0] ? $1 : $0 }
    }
  }

  @Test(
    arguments: [
      (1, MNIST.Split.paperTest, 9817), (1, .test, 9809), (3, .paperTest, 9811), (3, .test, 9829),
    ]) func classifiesAsPublished(p: Int, split: MNIST.Split, correct: Int) throws
  {
    let network: PReLUNetwork<Float> = try ModelFile.read(
      path(p), exponent: Double(p), normalizeInput: true)
    let data = try MNIST.load(split: split)
    let found = zip(predictions(network, data.inputs), data.labels).count { $0 == $1 }
    #expect(abs(found - correct) <= 1, "\(found) correct, expected \(correct)")
  }

  @Test(arguments: [1, 3], ["npz", "safetensors"])
  func convertedNetworksPredictTheSame(p: Int, type: String) throws {
    let network: PReLUNetwork<Float> = try ModelFile.read(
      path(p), exponent: Double(p), normalizeInput: true)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let converted = folder.appendingPathComponent("network.\(type)").path
    try ModelFile.write(network, to: converted)
    let inputs = try MNIST.load(split: .test).inputs
    let again: PReLUNetwork<Float> = try ModelFile.read(converted)
    #expect(again.logits(inputs) == network.logits(inputs))
  }
}
