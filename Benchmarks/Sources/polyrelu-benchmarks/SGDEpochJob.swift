import Datasets
import LinearCore
import Networks
import Training

/// One epoch of the paper's mixture experiment (Section 5.1); the peer is `peers/sgd_epoch.py`.
struct SGDEpochJob: BenchmarkJob {
  static let name = "sgd-epoch"

  private let exponent: Double
  private let samples: Int
  private let dimension: Int
  private let width: Int
  private let batchSize: Int
  private let alpha: Double
  private let warmUpSteps: Int
  private let epochs: Int
  private let seed: UInt64

  init(_ options: inout Options) throws(UsageError) {
    exponent = try options.take("p", default: 3, atLeast: 1)
    samples = try options.take("samples", default: 20_000, atLeast: 1)
    dimension = try options.take("dimension", default: 1_000, atLeast: 10)
    width = try options.take("width", default: 2_000, atLeast: 1)
    batchSize = try options.take("batch-size", default: 100, atLeast: 1)
    alpha = try options.take("alpha", default: 0.1, atLeast: 0)
    warmUpSteps = try options.take("warm-up-steps", default: 10, atLeast: 0)
    epochs = try options.take("epochs", default: 3, atLeast: 1)
    seed = try options.take("seed", default: 0, atLeast: 0)
  }

  func run() throws -> Measurement {
    let stream = RandomStream(seed: seed)
    let data = try OrthonormalMixture(dimension: dimension, alpha: alpha, samples: samples)
      .generate(stream: stream.child("data"))
    let network = try PReLUNetwork<Float>(
      inputDimension: dimension, hiddenWidth: width, outputCount: 1, exponent: exponent,
      initialization: .gaussian(scale: 1e-7), stream: stream.child("network"))
    var trainer = try Trainer(
      network: network, inputs: data.inputs, labels: data.labels,
      configuration: TrainingConfiguration(epochs: epochs, batchSize: batchSize, seed: seed))

    for step in 0..<warmUpSteps {
      let start = step * batchSize % samples
      trainer.step(Array(start..<min(samples, start + batchSize)))
    }
    var timings: [Timing] = []
    var finalLoss = 0.0
    for _ in 0..<epochs {
      timings.append(try Timing.measure { finalLoss = try trainer.runEpoch().loss })
    }
    let products = 4 * Double(samples) * Double(dimension) * Double(width)
    return [
      "p": .number(exponent),
      "seconds": .number(timings.map(\.wall).min()!),
      "medianSecondsPerEpoch": .number(median(timings.map(\.wall))),
      "epochSeconds": .numbers(timings.map(\.wall)),
      "processorSeconds": .number(timings.map(\.processor).min()!),
      // The dense forward product and the dense product of the weight gradient.
      "productGigaflops": .number(products / 1e9),
      "samples": .count(samples), "dimension": .count(dimension), "width": .count(width),
      "batchSize": .count(batchSize), "finalLoss": .number(finalLoss),
    ]
  }
}
