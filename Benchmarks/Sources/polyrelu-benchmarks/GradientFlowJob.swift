import Datasets
import LinearCore
import Networks
import Training

/// Gradient flow of a small network on the mixture by Dormand and Prince's method of order 5; the peer is
/// torchdiffeq's, `peers/gradient_flow.py`, from the same weights on the same samples to the same time.
struct GradientFlowJob: BenchmarkJob {
  static let name = "gradient-flow"

  private let folder: SharedFolder
  private let exponent: Double
  private let samples: Int
  private let dimension: Int
  private let width: Int
  private let scale: Double
  private let endTime: Double
  private let tolerance: Double
  private let repeats: Int
  private let seed: UInt64

  init(_ options: inout Options) throws(UsageError) {
    folder = try SharedFolder(&options)
    exponent = try options.take("p", default: 3, atLeast: 1)
    samples = try options.take("samples", default: 200, atLeast: 1)
    dimension = try options.take("dimension", default: 100, atLeast: 10)
    width = try options.take("width", default: 50, atLeast: 1)
    scale = try options.take("init-scale", default: 1e-3, atLeast: 0)
    endTime = try options.take("end-time", default: 1_000, atLeast: 0)
    tolerance = try options.take("tolerance", default: 1e-5, atLeast: 0)
    repeats = try options.take("epochs", default: 3, atLeast: 1)
    seed = try options.take("seed", default: 0, atLeast: 0)
  }

  func run() throws -> Measurement {
    let stream = RandomStream(seed: seed)
    let data = try OrthonormalMixture(dimension: dimension, alpha: 0.1, samples: samples)
      .generate(stream: stream.child("data"))
    let start = try PReLUNetwork<Float>(
      inputDimension: dimension, hiddenWidth: width, outputCount: 1, exponent: exponent,
      initialization: .gaussian(scale: scale), stream: stream.child("network"))
    try folder.leave(
      start, data, for: Self.name,
      values: ["endTime": .number(endTime), "tolerance": .number(tolerance)])
    let (network, inputs) = (
      start.converted(to: Double.self), data.inputs.converted(to: Double.self)
    )
    var timings: [Timing] = []
    var last: GradientFlow?
    for _ in 0..<repeats {
      timings.append(
        try .measure {
          let flow = try GradientFlow(
            network: network, inputs: inputs, labels: data.labels,
            configuration: FlowConfiguration(
              tolerance: tolerance, endTime: endTime, stopLoss: nil))
          while flow.advance() == nil {}
          last = flow
        })
    }
    let evaluations = last!.statistics.evaluations
    return [
      "seconds": .number(timings.map(\.wall).min()!),
      "processorSeconds": .number(timings.map(\.processor).min()!),
      "finalLoss": .number(last!.observation.loss), "evaluations": .count(evaluations),
      "p": .number(exponent), "samples": .count(samples), "dimension": .count(dimension),
      "width": .count(width), "endTime": .number(endTime), "tolerance": .number(tolerance),
    ]
  }
}
