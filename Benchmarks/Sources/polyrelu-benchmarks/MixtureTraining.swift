import Datasets
import LinearCore
import Networks
import Training

/// Trains networks on the mixture by SGD from weights of 1e-7, as in Section 5.1 of the paper.
enum MixtureTraining {
  /// A network of one output after so many epochs.
  static func network(
    _ train: Dataset, exponent: Double, width: Int, epochs: Int, seed: UInt64
  ) throws -> PReLUNetwork<Float> {
    let network = try PReLUNetwork<Float>(
      inputDimension: train.dimension, hiddenWidth: width, outputCount: 1, exponent: exponent,
      initialization: .gaussian(scale: 1e-7), stream: RandomStream(seed: seed).child("network"))
    var trainer = try Trainer(
      network: network, inputs: train.inputs, labels: train.labels,
      configuration: TrainingConfiguration(epochs: epochs, batchSize: 100, seed: seed))
    for _ in 0..<epochs { _ = try trainer.runEpoch() }
    return trainer.network
  }
}
