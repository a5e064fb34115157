import Foundation

/// The MNIST digits, read from the standard IDX files, compressed or not.
///
/// The files are looked for in `$POLYRELU_DATA/mnist`, `$POLYRELU_DATA` and the user's cache.
/// Source: Y. LeCun, C. Cortes, C. Burges, CC BY-SA 3.0.
public enum MNIST {
  /// A part of the data.
  public typealias Split = ImageSplit

  static let images = IDXImages(
    name: "mnist", labelChecksums: [.train: "e0cb4ad2", .test: "4ab9eff9"], systemFolder: nil)

  /// Loads a part of the data: pixels are byte/256, subclasses are the digits.
  ///
  /// - Parameter environment: the environment in which `POLYRELU_DATA` is looked up.
  public static func load(
    split: Split = .paperTrain, labels rule: LabelRule = .category,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(DatasetError) -> Dataset {
    try images.load(split, rule, environment, refusing: [FashionMNIST.images])
  }

  /// Whether the files of both parts are where they are looked for.
  public static func isAvailable(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> Bool {
    images.isAvailable(environment, refusing: [FashionMNIST.images])
  }
}

extension MNIST: NamedDataset {
  package static let name = "mnist"
  package static let summary = "70,000 handwritten digits, 28x28 (CC BY-SA 3.0)"
  package static let splits = Split.allCases.map(\.rawValue)

  package static func load(_ request: DatasetRequest, environment: [String: String])
    throws(DatasetError) -> Dataset
  {
    try load(
      split: request.part(default: .paperTrain), labels: request.labels ?? .category,
      environment: environment)
  }
}
