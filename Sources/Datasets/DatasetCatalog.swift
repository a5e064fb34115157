import Foundation

/// The one place that turns a data argument into a data set.
package enum DatasetCatalog {
  /// Every data set with a name.
  package static let all: [any NamedDataset.Type] = [
    OrthonormalMixture.self, Digits.self, MNIST.self, FashionMNIST.self, CIFAR10.self,
  ]

  /// A data set as `polyrelu data list` shows it.
  package struct Entry: Sendable, Equatable, Codable {
    package let name: String
    package let summary: String
    package let splits: [String]
    /// Whether its files are on this machine.
    package let isAvailable: Bool
  }

  /// What there is to ask for.
  package static func list(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> [Entry] {
    all.map {
      Entry(
        name: $0.name, summary: $0.summary, splits: $0.splits,
        isAvailable: $0.isAvailable(environment: environment))
    }
  }

  /// Loads or generates the data that `request` names: a data set of `known`, or else a file.
  package static func load(
    _ request: DatasetRequest, of known: [any NamedDataset.Type] = all,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(DatasetError) -> Dataset {
    if let found = known.first(where: { $0.name == request.data }) {
      return try found.load(request, environment: environment)
    }
    guard isFile(request.data) else {
      throw .unknown(name: request.data, known: known.map { $0.name })
    }
    return try FeatureFile.load(
      path: request.data, labels: request.labels ?? .category, split: request.part(default: .all),
      options: request.file ?? FeatureOptions())
  }

  /// The samples of a file without labels, all of one class; nil for data that have labels.
  package static func unlabelled(_ request: DatasetRequest) throws(DatasetError) -> Dataset? {
    guard !all.contains(where: { $0.name == request.data }), isFile(request.data) else {
      return nil
    }
    var options = request.file ?? FeatureOptions()
    options.needsLabels = false
    let data = try FeatureFile.load(path: request.data, options: options)
    return data.isLabelled ? nil : data
  }

  /// Whether the argument means a file rather than a misspelt name.
  private static func isFile(_ data: String) -> Bool {
    [".npz", ".npy", ".safetensors", ".csv"].contains { data.lowercased().hasSuffix($0) }
      || data.contains("/")
      || FileManager.default.fileExists(atPath: data)
  }
}
