import Training

/// One epoch of the paper's MNIST experiments; the peer is `peers/mnist_epoch.py`.
struct MNISTEpochJob: BenchmarkJob {
  static let name = "mnist-epoch"

  private let training: MNISTTraining
  private let warmUpSteps: Int
  private let epochs: Int

  init(_ options: inout Options) throws(UsageError) {
    training = try MNISTTraining(&options)
    warmUpSteps = try options.take("warm-up-steps", default: 10, atLeast: 0)
    epochs = try options.take("epochs", default: 3, atLeast: 1)
  }

  func run() throws -> Measurement {
    let data = try training.trainingData()
    var trainer = try training.trainer(on: data)
    for step in 0..<warmUpSteps {
      let start = step * training.batchSize % data.count
      trainer.step(Array(start..<min(data.count, start + training.batchSize)))
    }
    var timings: [Timing] = []
    var last: EpochRecord?
    for _ in 0..<epochs {
      timings.append(try .measure { last = try trainer.runEpoch() })
    }
    // Forward product and weight gradient of the hidden layer; three products of the output layer.
    let perSample =
      4 * data.dimension * training.width + 6 * training.width * trainer.network.outputCount
    let measured: Measurement = [
      "seconds": .number(timings.map(\.wall).min()!),
      "medianSecondsPerEpoch": .number(median(timings.map(\.wall))),
      "epochSeconds": .numbers(timings.map(\.wall)),
      "processorSeconds": .number(timings.map(\.processor).min()!),
      "productGigaflops": .number(Double(data.count) * Double(perSample) / 1e9),
      "finalLoss": .number(last!.loss), "trainAccuracy": .number(last!.trainAccuracy),
    ]
    return measured.merging(training.description(of: data)) { own, _ in own }
  }
}
