import Foundation

/// Fashion-MNIST: articles of clothing in ten categories, in files of the same form as MNIST.
///
/// The categories are 0 T-shirt, 1 trousers, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt,
/// 7 sneaker, 8 bag, 9 ankle boot. The files are looked for in `$POLYRELU_DATA/fashion-mnist`,
/// `$POLYRELU_DATA`, the user's cache, and where Debian's package `dataset-fashion-mnist` puts them.
/// Source: H. Xiao, K. Rasul, R. Vollgraf, *Fashion-MNIST*, 2017, MIT licence.
public enum FashionMNIST {
  /// A part of the data.
  public typealias Split = ImageSplit

  static let images = IDXImages(
    name: "fashion-mnist", labelChecksums: [.train: "741a4657", .test: "80142c1f"],
    systemFolder: "/usr/share/datasets/fashion-mnist")

  /// Loads a part of the data: pixels are byte/256, subclasses are the categories.
  ///
  /// - Parameter environment: the environment in which `POLYRELU_DATA` is looked up.
  public static func load(
    split: Split = .paperTrain, labels rule: LabelRule = .category,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(DatasetError) -> Dataset {
    try images.load(split, rule, environment, refusing: [MNIST.images])
  }

  /// Whether the files of both parts are where they are looked for.
  public static func isAvailable(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> Bool {
    images.isAvailable(environment, refusing: [MNIST.images])
  }
}

extension FashionMNIST: NamedDataset {
  package static let name = "fashion-mnist"
  package static let summary = "70,000 articles of clothing, 28x28 (MIT)"
  package static let splits = Split.allCases.map(\.rawValue)

  package static func load(_ request: DatasetRequest, environment: [String: String])
    throws(DatasetError) -> Dataset
  {
    try load(
      split: request.part(default: .paperTrain), labels: request.labels ?? .category,
      environment: environment)
  }
}
