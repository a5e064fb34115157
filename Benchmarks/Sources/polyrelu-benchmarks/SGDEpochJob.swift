import Training

/// One epoch of the paper's mixture experiment (Section 5.1) with every neuron in every step; the peer is
/// `peers/sgd_epoch.py`.
struct SGDEpochJob: BenchmarkJob {
  static let name = "sgd-epoch"

  private let training: MixtureTraining
  private let warmUpSteps: Int
  private let epochs: Int

  init(_ options: inout Options) throws(UsageError) {
    training = try MixtureTraining(&options)
    warmUpSteps = try options.take("warm-up-steps", default: 10, atLeast: 0)
    epochs = try options.take("epochs", default: 3, atLeast: 1)
  }

  func run() throws -> Measurement {
    let data = try training.trainingData()
    var trainer = try training.trainer(on: data, epochs: epochs, thinning: nil)
    for step in 0..<warmUpSteps {
      let start = step * training.batchSize % data.count
      trainer.step(Array(start..<min(data.count, start + training.batchSize)))
    }
    var timings: [Timing] = []
    var finalLoss = 0.0
    for _ in 0..<epochs {
      timings.append(try Timing.measure { finalLoss = try trainer.runEpoch().loss })
    }
    let measured: Measurement = [
      "seconds": .number(timings.map(\.wall).min()!),
      "medianSecondsPerEpoch": .number(median(timings.map(\.wall))),
      "epochSeconds": .numbers(timings.map(\.wall)),
      "processorSeconds": .number(timings.map(\.processor).min()!),
      "productGigaflops": .number(training.productGigaflops), "finalLoss": .number(finalLoss),
    ]
    return measured.merging(training.description) { own, _ in own }
  }
}
