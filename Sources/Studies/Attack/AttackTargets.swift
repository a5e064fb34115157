import Datasets
import Formats
import Foundation
import LinearCore
import Runs

/// The class that each sample of a targeted attack is to be predicted as, from `--target`: one class for all,
/// or a file with a label for each sample.
package struct AttackTargets: Sendable, Equatable {
  /// A class number for each sample.
  package let classes: [Int]
  /// The value of the class where it is the same for all, otherwise a digest of all values.
  package let description: String

  /// Reads the value of `--target`.
  ///
  /// A value of a class is that class, also where there is a file of that name.
  ///
  /// - Parameters:
  ///   - text: a class, or the path of a file that ``labels(in:)`` reads.
  ///   - data: the samples, with classes as the model numbers them.
  ///   - total: how many samples the data have in all; a file may hold that many targets where only the first
  ///     samples are attacked.
  /// - Throws: ``ExperimentError/usage(_:)`` naming what is neither class nor file, the target that the model
  ///   does not know, or the number of targets.
  package init(_ text: String, data: Dataset, total: Int) throws(ExperimentError) {
    let known = data.classes
    let numbers = Dictionary(uniqueKeysWithValues: known.enumerated().map { ($1, $0) })
    let flag = SettingName("target")
    let listing = "whose classes are \(ClassLabel.listing(known))"
    if let number = numbers[ClassLabel(parsing: text)] ?? numbers[.name(text)] {
      try self.init(classes: data.labels.map { _ in number }, data)
      return
    }
    guard FileManager.default.fileExists(atPath: text) else {
      throw .usage(
        "\(flag) is \(ClassLabel(parsing: text).quoted), which is unknown to the model, \(listing), and no file"
      )
    }
    let labels: [ClassLabel]
    do throws(FormatError) { labels = try Self.labels(in: text) } catch {
      throw .usage("\(flag) \(error)")
    }
    guard labels.count == data.count || labels.count == total else {
      throw .usage(
        "\(flag) \(text): holds \(labels.count) targets, expected \(total), one a sample"
          + (total == data.count ? "" : ", or \(data.count)"))
    }
    var classes: [Int] = []
    for (row, label) in labels.prefix(data.count).enumerated() {
      guard let number = numbers[label] ?? numbers[.name(label.description)] else {
        throw .usage(
          "\(flag) \(text): target \(label.quoted) of sample \(row) is unknown to the model, \(listing)"
        )
      }
      classes.append(number)
    }
    try self.init(classes: classes, data)
  }

  /// One target a sample.
  ///
  /// - Parameter labels: a class for each sample of the data, by its value.
  /// - Throws: ``ExperimentError/usage(_:)`` naming the target that the model does not know, or their number.
  package init(_ labels: [ClassLabel], data: Dataset) throws(ExperimentError) {
    let known = data.classes
    let numbers = Dictionary(uniqueKeysWithValues: known.enumerated().map { ($1, $0) })
    guard labels.count == data.count else {
      throw .usage(
        "\(SettingName("targets")): \(labels.count) for \(data.count) samples, expected one a sample"
      )
    }
    var classes: [Int] = []
    for (row, label) in labels.enumerated() {
      guard let number = numbers[label] else {
        throw .usage(
          "\(SettingName("targets")): \(label.quoted) of sample \(row) is unknown to the model, whose classes are "
            + ClassLabel.listing(known))
      }
      classes.append(number)
    }
    try self.init(classes: classes, data)
  }

  private init(classes: [Int], _ data: Dataset) throws(ExperimentError) {
    if classes == data.labels {
      throw .usage(
        "\(SettingName("target")): every sample has its target as its label, expected one that does not"
      )
    }
    let known = data.classes
    self.classes = classes
    if let first = classes.first, classes.allSatisfy({ $0 == first }) {
      description = known[first].description
    } else {
      var sum = ContentDigest()
      for number in classes { sum.update(known[number].description) }
      description = "sha256:\(sum.hexadecimal)"
    }
  }
}

extension AttackTargets {
  /// The name of the array or column of targets.
  private static let column = "target"

  /// The labels in a file, one a sample: an `.npy` array; in an `.npz` archive the array `target`, or the only
  /// one; in a text file a label a line, or of a table with a header (CSV) the column `target`.
  static func labels(in path: String) throws(FormatError) -> [ClassLabel] {
    if try NPY.isArray(path: path) {
      return try values(NPY.labels(path: path), named: "array", path)
    }
    if try TensorFile.isArchive(path: path) {
      let names = try TensorFile(path: path).names
      guard let name = names.count == 1 ? names[0] : names.first(where: { $0 == column }) else {
        throw FormatError(path: path, "has no array '\(column)'")
      }
      return try values(NPZ.labels(path: path, name: name), named: "array '\(name)'", path)
    }
    return try textLabels(in: path)
  }

  private static func values(_ array: LabelArray, named name: String, _ path: String)
    throws(FormatError) -> [ClassLabel]
  {
    guard array.shape.count == 1 || (array.shape.count == 2 && array.shape[1] == 1) else {
      throw FormatError(
        path: path, "\(name) has shape \(array.shape); expected one entry a sample")
    }
    return try array.values(named: name, path: path)
  }

  private static func textLabels(in path: String) throws(FormatError) -> [ClassLabel] {
    var rows = try TextTable.rows(path: path)
    var position = 0
    if let header = rows.first, let found = header.firstIndex(of: column) {
      position = found
      rows.removeFirst()
    } else if let first = rows.first, first.count > 1 {
      throw FormatError(
        path: path, "has \(first.count) columns, expected one, or a header with '\(column)'")
    }
    var labels: [ClassLabel] = []
    for (number, row) in rows.enumerated() {
      guard position < row.count, !row[position].isEmpty else {
        throw FormatError(path: path, "has no target for sample \(number)")
      }
      labels.append(ClassLabel(parsing: row[position]))
    }
    return labels
  }
}
