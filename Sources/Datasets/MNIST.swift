import Formats
import Foundation
import LinearCore

/// The MNIST digits, read from the standard IDX files, compressed or not.
///
/// The files are looked for in `$POLYRELU_DATA/mnist`, `$POLYRELU_DATA` and the user's cache.
/// Source: Y. LeCun, C. Cortes, C. Burges, CC BY-SA 3.0.
public enum MNIST {
  /// A part of the data.
  public enum Split: String, Sendable, Equatable, Codable, CaseIterable {
    /// Rows 0..<50000 of the 60,000: what the paper trains on.
    case paperTrain = "paper-train"
    /// Rows 50000..<60000 of the 60,000: what the paper tests on.
    case paperTest = "paper-test"
    /// The 60,000 training images.
    case train
    /// The 10,000 test images.
    case test

    fileprivate var filePrefix: String { self == .test ? "t10k" : "train" }

    fileprivate func rows(of count: Int) -> Range<Int> {
      switch self {
      case .paperTrain: 0..<50_000
      case .paperTest: 50_000..<60_000
      case .train, .test: 0..<count
      }
    }
  }

  /// Loads a part of the data: pixels are byte/256, subclasses are the digits.
  ///
  /// - Parameter environment: the environment in which `POLYRELU_DATA` is looked up.
  public static func load(
    split: Split = .paperTrain, labels rule: LabelRule = .category,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(DatasetError) -> Dataset {
    let imagePath = try path(split, "images", axes: 3, environment)
    let labelPath = try path(split, "labels", axes: 1, environment)
    let images = try reading { () throws(FormatError) in try IDX.readBytes(path: imagePath) }
    let digits = try reading { () throws(FormatError) in try IDX.readBytes(path: labelPath) }
    let expected = split == .test ? 10_000 : 60_000
    guard images.shape == [expected, 28, 28] else {
      throw .invalid(
        source: imagePath,
        problem: "has shape \(images.shape); expected [\(expected), 28, 28]")
    }
    guard digits.shape == [expected] else {
      throw .invalid(
        source: labelPath, problem: "has shape \(digits.shape); expected [\(expected)]")
    }
    if let row = digits.bytes.firstIndex(where: { $0 > 9 }) {
      throw .invalid(
        source: labelPath, problem: "holds \(digits.bytes[row]) in row \(row); expected 0...9")
    }
    let rows = split.rows(of: expected)
    let categories = digits.bytes[rows].map { Int($0) }
    return Dataset(
      name: "mnist", inputs: pixels(images.bytes, rows), labels: categories.map(rule.label),
      classCount: rule.classCount(categoryCount: 10), groups: categories,
      groupLabels: (0..<10).map(rule.label), imageShape: ImageShape(rows: 28, columns: 28),
      valueRange: 0...1)
  }

  /// Whether the files of both parts are where they are looked for.
  public static func isAvailable(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> Bool {
    [Split.train, .test].allSatisfy { split in
      (try? path(split, "images", axes: 3, environment)) != nil
        && (try? path(split, "labels", axes: 1, environment)) != nil
    }
  }

  private static func path(
    _ split: Split, _ kind: String, axes: Int, _ environment: [String: String]
  ) throws(DatasetError) -> String {
    let folders = DataFolders.search("mnist", environment)
    // Some mirrors have a dot before idx.
    let names = ["-", "."].map { "\(split.filePrefix)-\(kind)\($0)idx\(axes)-ubyte" }
    let candidates = names.flatMap { [$0, $0 + ".gz"] }
    if let path = DataFolders.find(candidates, in: folders) { return path }
    throw .notFound(name: "mnist", file: candidates[1], searched: folders)
  }

  private static func pixels(_ bytes: [UInt8], _ rows: Range<Int>) -> Matrix<Float> {
    var result = Matrix<Float>(uninitializedRows: rows.count, columns: 784)
    result.withMutablePointer { target in
      bytes.withUnsafeBufferPointer { source in
        let first = rows.lowerBound * 784
        for index in 0..<rows.count * 784 { target[index] = Float(source[first + index]) / 256 }
      }
    }
    return result
  }
}
