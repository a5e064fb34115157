import Datasets

/// Loading the 60,000 training images of MNIST from compressed IDX files as numbers in [0, 1]; the peer is
/// gzip, numpy and torch, `peers/load_mnist.py`.
struct LoadMNISTJob: BenchmarkJob {
  static let name = "load-mnist"

  private let folder: DataFolder
  private let repeats: Int

  init(_ options: inout Options) throws(UsageError) {
    folder = DataFolder(&options)
    repeats = try options.take("epochs", default: 3, atLeast: 1)
  }

  func run() throws -> Measurement {
    var timings: [Timing] = []
    var data: Dataset?
    for _ in 0..<repeats {
      // Only one copy at a time.
      data = nil
      timings.append(try .measure { data = try folder.mnist(.train) })
    }
    let pixels = data!.inputs.elements
    return [
      "seconds": .number(timings.map(\.wall).min()!),
      "processorSeconds": .number(timings.map(\.processor).min()!),
      "meanPixel": .number(pixels.reduce(0) { $0 + Double($1) } / Double(pixels.count)),
      "meanLabel": .number(Double(data!.labels.reduce(0, +)) / Double(data!.count)),
      "images": .count(data!.count),
    ]
  }
}
