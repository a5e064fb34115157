import Datasets
import Foundation
import Networks
import Runs

/// The folder with `mnist/`, `cifar10/` and `pretrained/`: `--data`, otherwise `$POLYRELU_DATA`.
struct DataFolder {
  private let path: String?

  init(_ options: inout Options) {
    path = options.take("data") ?? ProcessInfo.processInfo.environment["POLYRELU_DATA"]
  }

  /// The first `limit` samples of a part of MNIST.
  func mnist(_ split: MNIST.Split, labels: LabelRule = .category, limit: Int = .max) throws
    -> Dataset
  {
    try MNIST.load(split: split, labels: labels, environment: environment).prefix(limit)
  }

  /// The first `limit` images of a part of CIFAR-10.
  func cifar10(_ split: CIFAR10.Split, limit: Int) throws -> Dataset {
    try CIFAR10.load(split: split, environment: environment).prefix(limit)
  }

  private var environment: [String: String] {
    var environment = ProcessInfo.processInfo.environment
    environment["POLYRELU_DATA"] = path
    return environment
  }

  /// A model file below the folder.
  func model(_ name: String) throws -> StoredModel {
    guard let path else { throw UsageError(message: "--data: expected a folder with \(name)") }
    return try StoredModel(path: "\(path)/\(name)")
  }

  /// The network of ten digits that the paper's authors published for a degree.
  func pretrained(_ p: Int) throws -> PReLUNetwork<Float> {
    guard let path else {
      throw UsageError(message: "--data: expected a folder with mnist/ and pretrained/")
    }
    return try ModelFile.read(
      "\(path)/pretrained/mnist-digits-p\(p).safetensors", exponent: Double(p),
      normalizeInput: true)
  }
}
