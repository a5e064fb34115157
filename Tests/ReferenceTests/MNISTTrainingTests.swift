import Datasets
import Foundation
import LinearCore
import Networks
import Testing
import Training

/// Two hundred Adam steps on MNIST against the losses that `Fixtures/make_mnist_adam_fixture.py` recorded
/// from PyTorch, from the same weights and batches.
@Suite struct MNISTTrainingTests {
  static func splitMix(_ x: UInt64) -> UInt64 {
    var z = x &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  static func uniform(_ rows: Int, _ columns: Int, bound: Double, seed: UInt64) -> Matrix<Float> {
    Matrix(
      rows: rows, columns: columns,
      elements: (0..<rows * columns).map { k in
        let u = Double(splitMix((seed << 32) &+ UInt64(k)) >> 11) * 0x1p-53
        return Float(bound * (2 * u - 1))
      })
  }

  @Test(
    .enabled(if: MNIST.isAvailable(), "MNIST is not at hand: set POLYRELU_DATA"),
    arguments: [1.0, 3.0])
  func twoHundredAdamStepsAgreeWithPyTorch(_ p: Double) throws {
    let file = Bundle.module.resourceURL!.appendingPathComponent("Fixtures/mnist-adam.json")
    let recorded = try JSONDecoder().decode(
      [String: [Double]].self, from: Data(contentsOf: file))["p\(Int(p))"]!
    let data = try MNIST.load(split: .paperTrain, labels: .parity)
    let width = 500
    let bound = 1 / Double(width).squareRoot()
    let network = try PReLUNetwork<Float>(
      exponent: p,
      hiddenWeights: Self.uniform(784, width, bound: (6 / Double(width)).squareRoot(), seed: 1)
        .transposed, outputWeights: Self.uniform(2, width, bound: bound, seed: 2),
      outputBias: Self.uniform(1, 2, bound: bound, seed: 3).elements,
      center: data.inputs.columnMeans(), normalizeInput: true)
    var trainer = try Trainer<Float>(
      network: network, inputs: data.inputs, labels: data.labels,
      configuration: TrainingConfiguration(
        loss: .crossEntropy, optimizer: .adam(), epochs: 1, batchSize: 1000))
    for (step, expected) in recorded.enumerated() {
      let batch = (0..<1000).map { (1000 * step + $0) * 7919 % 50_000 }
      let loss = trainer.step(batch).lossSum / 1000
      #expect(abs(loss - expected) < 1e-3 * expected, "step \(step)")
    }
  }
}
