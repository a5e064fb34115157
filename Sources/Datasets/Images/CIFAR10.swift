import Formats
import Foundation

/// CIFAR-10: 60,000 colour images of 32x32 in ten categories, in the binary version of its author.
///
/// The categories are 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship,
/// 9 truck. Pixels are byte/255, channels (red, green, blue) last. The files `data_batch_1.bin` to
/// `data_batch_5.bin` and `test_batch.bin`, compressed by gzip or not, or the archive
/// `cifar-10-binary.tar.gz` as published, are looked for in `$POLYRELU_DATA/cifar10`, `$POLYRELU_DATA`
/// and the user's cache. Where only `test_batch_first_1000.bin` is there, the test images are those.
/// Source: A. Krizhevsky, *Learning multiple layers of features from tiny images*, 2009.
public enum CIFAR10 {
  /// A part of the data. No image belongs to two of them.
  public enum Split: String, Sendable, Equatable, Codable, CaseIterable {
    /// Batches 1 to 4: 40,000 images to train on.
    case train
    /// The first 1,000 images of batch 5, to choose settings by.
    case validation
    /// The other 9,000 images of batch 5, to report on.
    case heldOut = "heldout"
    /// The data set's own test batch, or its first 1,000 images.
    case test
  }

  static let files = CIFARBatches(
    name: "cifar10", archive: "cifar-10-binary.tar.gz", archiveFolder: "cifar-10-batches-bin",
    imagesPerBatch: 10_000, imagesOfShortTest: 1000,
    // Of the files whose contents have the published MD5 sums, computed with zlib.
    prefixChecksums: ["2d7df5d8", "c09c806d", "1cb468de", "966570ed", "2c15899f", "613b2dc6"])

  /// Loads a part of the data: subclasses are the categories.
  ///
  /// - Parameter environment: the environment in which `POLYRELU_DATA` is looked up.
  public static func load(
    split: Split = .train, labels rule: LabelRule = .category,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(DatasetError) -> Dataset {
    try files.load(split, rule, environment)
  }

  /// Whether all files, of the test images at least the short one, are where they are looked for.
  public static func isAvailable(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> Bool {
    files.isAvailable(environment)
  }
}

extension CIFAR10: NamedDataset {
  package static let name = "cifar10"
  package static let summary = "60,000 colour images, 32x32 (A. Krizhevsky)"
  package static let splits = Split.allCases.map(\.rawValue)

  package static func load(_ request: DatasetRequest, environment: [String: String])
    throws(DatasetError) -> Dataset
  {
    try load(
      split: request.part(default: .train), labels: request.labels ?? .category,
      environment: environment)
  }
}
