import DeepNetworks
import Training

/// One epoch on images of CIFAR-10; the peer is `peers/cifar_epoch.py`.
struct CIFAREpochJob: BenchmarkJob {
  static let name = "cifar-epoch"

  private let training: CIFARTraining
  private let samples: Int
  private let warmUpSteps: Int
  private let epochs: Int

  init(_ options: inout Options) throws(UsageError) {
    training = try CIFARTraining(&options)
    samples = try options.take("samples", default: 4_000, atLeast: 1)
    warmUpSteps = try options.take("warm-up-steps", default: 5, atLeast: 0)
    epochs = try options.take("epochs", default: 3, atLeast: 1)
  }

  func run() throws -> Measurement {
    let data = try training.folder.cifar10(.train, limit: samples)
    var trainer = try training.trainer(on: data)
    for step in 0..<warmUpSteps {
      let start = step * training.batchSize % data.count
      trainer.step(Array(start..<min(data.count, start + training.batchSize)), epoch: 1)
    }
    var timings: [Timing] = []
    var last: EpochRecord?
    for _ in 0..<epochs {
      timings.append(try .measure { last = try trainer.runEpoch() })
    }
    let forward = CIFARTraining.forwardOperations(trainer.network.architecture)
    let perSample = 3 * forward.reduce(0, +) - forward[0]
    let measured: Measurement = [
      "seconds": .number(timings.map(\.wall).min()!),
      "medianSecondsPerEpoch": .number(median(timings.map(\.wall))),
      "epochSeconds": .numbers(timings.map(\.wall)),
      "processorSeconds": .number(timings.map(\.processor).min()!),
      "productGigaflops": .number(Double(data.count) * perSample / 1e9),
      "finalLoss": .number(last!.loss), "trainAccuracy": .number(last!.trainAccuracy),
    ]
    return measured.merging(training.description(samples: data.count)) { own, _ in own }
  }
}
