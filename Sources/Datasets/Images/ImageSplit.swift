/// A part of MNIST or Fashion-MNIST.
public enum ImageSplit: String, Sendable, Equatable, Codable, CaseIterable {
  /// Rows 0..<50000 of the 60,000: what the paper trains on.
  case paperTrain = "paper-train"
  /// Rows 50000..<60000 of the 60,000: what the paper tests on.
  case paperTest = "paper-test"
  /// The 60,000 training images.
  case train
  /// The 10,000 test images.
  case test

  /// How the names of the files of this part start.
  var filePrefix: String { self == .test ? "t10k" : "train" }

  /// The images in the files of this part.
  var fileCount: Int { self == .test ? 10_000 : 60_000 }

  /// The rows of the files that belong to this part.
  var rows: Range<Int> {
    switch self {
    case .paperTrain: 0..<50_000
    case .paperTest: 50_000..<60_000
    case .train, .test: 0..<fileCount
    }
  }
}
