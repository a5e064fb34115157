import Datasets
import Foundation

/// The folder with `mnist/` and `pretrained/`: `--data`, otherwise `$POLYRELU_DATA`.
struct DataFolder {
  private let path: String?

  init(_ options: inout Options) {
    path = options.take("data") ?? ProcessInfo.processInfo.environment["POLYRELU_DATA"]
  }

  /// The first `limit` samples of a part of MNIST.
  func mnist(_ split: MNIST.Split, labels: LabelRule = .category, limit: Int = .max) throws
    -> Dataset
  {
    var environment = ProcessInfo.processInfo.environment
    environment["POLYRELU_DATA"] = path
    return try MNIST.load(split: split, labels: labels, environment: environment).prefix(limit)
  }

  /// The file of the network that the paper's authors published for a degree.
  func pretrained(_ p: Int) throws(UsageError) -> String {
    guard let path else {
      throw UsageError(message: "--data: expected a folder with mnist/ and pretrained/")
    }
    return "\(path)/pretrained/mnist-digits-p\(p).safetensors"
  }
}
