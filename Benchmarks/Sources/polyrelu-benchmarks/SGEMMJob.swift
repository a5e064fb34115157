import LinearCore

/// The rate of the two matrix products of a training step, through ``Matrix``: the yardstick for
/// `sgd-epoch`, which is little more than these products. The peer is `peers/sgemm_rate.py`.
struct SGEMMJob: BenchmarkJob {
  static let name = "sgemm"

  private let dimension: Int
  private let width: Int
  private let batchSize: Int
  private let steps: Int

  init(_ options: inout Options) throws(UsageError) {
    dimension = try options.take("dimension", default: 1_000, atLeast: 1)
    width = try options.take("width", default: 2_000, atLeast: 1)
    batchSize = try options.take("batch-size", default: 100, atLeast: 1)
    steps = try options.take("steps", default: 200, atLeast: 1)
  }

  func run() -> Measurement {
    let stream = RandomStream(seed: 0)
    var weights = Matrix<Float>.gaussian(
      rows: width, columns: dimension, stream: stream.child("weights"))
    let inputs = Matrix<Float>.gaussian(
      rows: batchSize, columns: dimension, stream: stream.child("inputs"))
    var features = Matrix<Float>(rows: width, columns: batchSize)
    let coefficients = Matrix<Float>.gaussian(
      rows: width, columns: batchSize, stream: stream.child("coefficients"))
    // In turn, as training does: neither product finds the weights in a nearer cache than there.
    var forward: [Timing] = []
    var update: [Timing] = []
    for _ in 0..<steps + 3 {
      forward.append(
        .measure { features.accumulate(weights, inputs, transposeB: true, beta: 0) })
      update.append(.measure { weights.accumulate(coefficients, inputs, alpha: 1e-6) })
    }
    let flops = 2 * Double(dimension) * Double(width) * Double(batchSize)
    return [
      "forward": rates(forward.dropFirst(3), flops),
      "weightGradient": rates(update.dropFirst(3), flops),
      "medianGigaflops": .number(
        2 * flops / 1e9 / median(zip(forward, update).dropFirst(3).map { $0.wall + $1.wall })),
    ]
  }

  private func rates(_ timings: ArraySlice<Timing>, _ flops: Double) -> MeasuredValue {
    .object([
      "fastestGigaflops": .number(flops / 1e9 / timings.map(\.wall).min()!),
      "medianGigaflops": .number(flops / 1e9 / median(timings.map(\.wall))),
    ])
  }
}
