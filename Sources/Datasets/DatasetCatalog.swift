import Foundation
import LinearCore

/// The one place that turns a data argument into a data set.
package enum DatasetCatalog {
  /// One data set that can be asked for by name.
  package struct Entry: Sendable, Equatable, Codable {
    /// What to ask for.
    package let name: String
    /// One line for a person.
    package let summary: String
    /// The parts; the first is the default.
    package let splits: [String]
    /// Whether its files are on this machine.
    package let isAvailable: Bool
  }

  /// Every data set with a name.
  package static func list(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> [Entry] {
    [
      Entry(
        name: "mixture", summary: "Gaussian clusters around orthonormal centres, generated",
        splits: ["train", "test"], isAvailable: true),
      Entry(
        name: "digits", summary: "1,797 handwritten digits, 8x8, bundled (UCI, CC BY 4.0)",
        splits: StratifiedSplit.allCases.map(\.rawValue), isAvailable: true),
      Entry(
        name: "mnist", summary: "70,000 handwritten digits, 28x28 (CC BY-SA 3.0)",
        splits: MNIST.Split.allCases.map(\.rawValue),
        isAvailable: MNIST.isAvailable(environment: environment)),
      Entry(
        name: "fashion-mnist", summary: "70,000 articles of clothing, 28x28 (MIT)",
        splits: FashionMNIST.Split.allCases.map(\.rawValue),
        isAvailable: FashionMNIST.isAvailable(environment: environment)),
      Entry(
        name: "cifar10", summary: "60,000 colour images, 32x32 (A. Krizhevsky)",
        splits: CIFAR10.Split.allCases.map(\.rawValue),
        isAvailable: CIFAR10.isAvailable(environment: environment)),
    ]
  }

  /// Loads or generates the data that `request` names.
  package static func load(
    _ request: DatasetRequest,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(DatasetError) -> Dataset {
    let rule = request.labels ?? .category
    switch request.data {
    case "mixture":
      guard request.labels == nil else {
        throw .parameter(
          name: "labels", found: "'\(rule)'", expected: "none, as the mixture has its own labels")
      }
      let part = try mixturePart(request.split)
      return try request.mixture.generate(
        stream: RandomStream(seed: request.seed).child("data"), part: part)
    case "digits":
      return try Digits.load(labels: rule, split: split(request, default: .all))
    case "mnist":
      return try MNIST.load(
        split: split(request, default: .paperTrain), labels: rule, environment: environment)
    case "fashion-mnist":
      return try FashionMNIST.load(
        split: split(request, default: .paperTrain), labels: rule, environment: environment)
    case "cifar10":
      return try CIFAR10.load(
        split: split(request, default: .train), labels: rule, environment: environment)
    default:
      guard isFile(request.data) else {
        throw .unknown(name: request.data, known: list(environment: environment).map(\.name))
      }
      return try FeatureFile.load(
        path: request.data, labels: rule, split: split(request, default: .all))
    }
  }

  /// Whether the argument means a file rather than a misspelt name.
  private static func isFile(_ data: String) -> Bool {
    [".npz", ".npy", ".safetensors"].contains { data.lowercased().hasSuffix($0) }
      || data.contains("/")
      || FileManager.default.fileExists(atPath: data)
  }

  private static func mixturePart(_ split: String?) throws(DatasetError) -> String {
    let split = split ?? "train"
    guard split == "train" || split == "test" else {
      throw unknownSplit(split, "mixture", ["train", "test"])
    }
    return split
  }

  private static func split<Split: RawRepresentable<String> & CaseIterable>(
    _ request: DatasetRequest, default standard: Split
  ) throws(DatasetError) -> Split {
    guard let text = request.split else { return standard }
    guard let split = Split(rawValue: text) else {
      throw unknownSplit(text, request.data, Split.allCases.map(\.rawValue))
    }
    return split
  }

  private static func unknownSplit(
    _ found: String, _ data: String, _ known: [String]
  ) -> DatasetError {
    .parameter(
      name: "split", found: "'\(found)'",
      expected: "\(known.joined(separator: ", ")) for \(data)")
  }
}
