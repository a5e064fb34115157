import Formats
import Foundation
import LinearCore

/// The 1,797 handwritten digits of 8x8 pixels that come with the package.
///
/// Source: E. Alpaydin, C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI repository,
/// CC BY 4.0.
public enum Digits {
  /// Loads the digits: pixels divided by 16, in the order of the file.
  ///
  /// Subclasses are the digits, whatever the labels.
  ///
  /// - Parameter split: all 1,797, or a part by ``StratifiedSplit``: 1,442 train, 355 test.
  public static func load(
    labels: LabelRule = .category, split: StratifiedSplit = .all
  ) throws(DatasetError) -> Dataset {
    let path = PackageFiles.folder.appendingPathComponent("Resources/digits.csv.gz").path
    let bytes = try reading { () throws(FormatError) in try Gzip.contents(of: path) }
    guard let values = numbers(bytes), values.count == 1797 * 65 else {
      throw .invalid(
        source: path, problem: "is damaged; expected 1797 lines of 65 numbers")
    }
    let digits = (0..<1797).map { values[$0 * 65 + 64] }
    let indices = split.indices(of: digits)
    var pixels: [Float] = []
    pixels.reserveCapacity(indices.count * 64)
    for row in indices {
      for column in 0..<64 { pixels.append(Float(values[row * 65 + column]) / 16) }
    }
    let categories = indices.map { digits[$0] }
    return try Dataset(
      name: "digits", inputs: Matrix(rows: indices.count, columns: 64, elements: pixels),
      labels: categories.map(labels.label),
      classCount: labels.classCount(categoryCount: 10), groups: categories,
      groupLabels: (0..<10).map(labels.label), imageShape: ImageShape(rows: 8, columns: 8),
      valueRange: 0...1
    ).validated()
  }

  /// The natural numbers in a table of commas and newlines, nil if anything else occurs.
  private static func numbers(_ bytes: [UInt8]) -> [Int]? {
    var values: [Int] = []
    var value: Int?
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        value = (value ?? 0) * 10 + Int(byte - 0x30)
        if let value, value > 16 { return nil }
      case UInt8(ascii: ","), UInt8(ascii: "\n"):
        guard let number = value else { return nil }
        values.append(number)
        value = nil
      default: return nil
      }
    }
    return values
  }
}

extension Digits: NamedDataset {
  package static let name = "digits"
  package static let summary = "1,797 handwritten digits, 8x8, bundled (UCI, CC BY 4.0)"
  package static let splits = StratifiedSplit.allCases.map(\.rawValue)

  package static func load(_ request: DatasetRequest, environment: [String: String])
    throws(DatasetError) -> Dataset
  {
    try load(labels: request.labels ?? .category, split: request.part(default: .all))
  }
}
