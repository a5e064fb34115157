import LinearCore
import Networks
import Training

/// The elementwise part of an Adam step on the hidden weights of the paper's MNIST network.
struct AdamJob: BenchmarkJob {
  static let name = "adam"

  private let count: Int
  private let steps: Int

  init(_ options: inout Options) throws(UsageError) {
    count = try options.take("count", default: 500 * 784, atLeast: 1)
    steps = try options.take("steps", default: 300, atLeast: 1)
  }

  func run() -> Measurement {
    let stream = RandomStream(seed: 0)
    var values = Matrix<Float>.gaussian(rows: 1, columns: count, stream: stream.child("values"))
    let gradient = Matrix<Float>.gaussian(rows: 1, columns: count, stream: stream.child("gradient"))
    let adam = Adam<Float>(
      learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0,
      sizes: [.hiddenWeights: count])
    var timings: [Timing] = []
    for _ in 0..<steps {
      timings.append(
        .measure {
          adam.beginStep()
          values.withMutablePointer { values in
            gradient.withPointer {
              adam.update(.hiddenWeights, offset: 0, count: count, values: values, gradient: $0)
            }
          }
        })
    }
    return [
      "seconds": .number(timings.map(\.wall).min()!),
      "medianSecondsPerStep": .number(median(timings.map(\.wall))),
      "count": .count(count),
    ]
  }
}
