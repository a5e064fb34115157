import LinearCore
import Networks
import Training

/// What the MNIST experiments record after every epoch: loss and accuracy on all training data, accuracy
/// on the test data, stable ranks of the hidden features of all training data and of the hidden weights.
/// The peer is `peers/mnist_metrics.py`.
struct MNISTMetricsJob: BenchmarkJob {
  static let name = "mnist-metrics"

  private let training: MNISTTraining
  private let trainingEpochs: Int
  private let repeats: Int
  private let model: String?

  init(_ options: inout Options) throws(UsageError) {
    training = try MNISTTraining(&options)
    trainingEpochs = try options.take("training-epochs", default: 2, atLeast: 0)
    repeats = try options.take("epochs", default: 3, atLeast: 1)
    model = options.take("model")
  }

  func run() throws -> Measurement {
    let data = try training.trainingData()
    let test = try training.testData()
    let network = try makeNetwork(training.trainer(on: data))
    // A trainer prepares its data once for all epochs.
    let inputs = network.prepare(data.inputs)
    let testInputs = network.prepare(test.inputs)
    var timings: [Timing] = []
    var record: Record?
    for _ in 0..<repeats {
      timings.append(
        .measure {
          let hits = correctPredictions(network.logits(prepared: testInputs), labels: test.labels)
          record = Record(
            training: network.featureStatistics(inputs, labels: data.labels, loss: .crossEntropy),
            testAccuracy: Double(hits) / Double(test.count),
            weightStableRank: network.hiddenWeights.stableRank())
        })
    }
    // The forward products only; what a spectral norm needs is up to its method.
    let perSample = 2 * network.hiddenWidth * (network.inputDimension + network.outputCount)
    let measured: Measurement = [
      "seconds": .number(timings.map(\.wall).min()!),
      "processorSeconds": .number(timings.map(\.processor).min()!),
      "productGigaflops": .number(Double(data.count + test.count) * Double(perSample) / 1e9),
      "trainLoss": .number(record!.training.loss),
      "trainAccuracy": .number(record!.training.accuracy),
      "testAccuracy": .number(record!.testAccuracy),
      "featureStableRank": .number(record!.training.stableRank),
      "weightStableRank": .number(record!.weightStableRank),
    ]
    return measured.merging(training.description(of: data)) { own, _ in own }
  }

  private struct Record {
    let training: FeatureStatistics
    let testAccuracy: Double
    let weightStableRank: Double
  }

  /// The network of `--model`, otherwise one that is trained for a few epochs.
  private func makeNetwork(_ trainer: Trainer<Float>) throws
    -> PReLUNetwork<Float>
  {
    if let model {
      return try ModelFile.read(model, exponent: training.exponent, normalizeInput: true)
    }
    var trainer = trainer
    for _ in 0..<trainingEpochs { try trainer.runEpoch() }
    return trainer.network
  }
}
