import Formats
import LinearCore

/// Samples from a table of text with a header: a column of labels, perhaps a column `group`, and a feature in every
/// other column.
enum CSVFeatures {
  private static let labelNames = ["y", "label", "target", "class"]
  private static let largestCount = 1 << 29

  /// Reads a table.
  ///
  /// - Throws: `DatasetError.invalid` at the first cell that is missing or no number, naming line and column.
  static func arrays(
    path: String, _ options: FeatureOptions
  ) throws(DatasetError) -> FeatureArrays {
    let file = try reading { () throws(FormatError) in try CSVFile(path: path) }
    if options.xKey != nil {
      throw .invalid(
        source: path,
        problem: "is a table; expected no \(SettingName("x-key")): every column but the label is a "
          + "feature")
    }
    let label = try labelColumn(file, path, options)
    if file.hasNumbersForNames && options.yKey == nil {
      throw .invalid(
        source: path,
        problem: "has no header: its first line holds numbers only; expected names of columns, one "
          + "of them y, label, target or class")
    }
    let group = file.header.firstIndex(of: "group").flatMap { $0 == label ? nil : $0 }
    let others = [label, group]
    let features = file.header.indices.filter { !others.contains($0) }
    let contents = try read(file, path, label: label, group: group, features: features)
    let named = file.header
    // pandas writes the numbers of rows into a first column without a name.
    let hasIndex = features.first == 0 && named[0].isEmpty && features.count > 1
    let columns = hasIndex ? Array(features.dropFirst()) : features
    if hasIndex, !contents.isCounting(features.count) {
      throw .invalid(
        source: path, problem: "has a first column without a name; expected a name for every column"
      )
    }
    if columns.isEmpty {
      throw .invalid(source: path, problem: "has no columns of features beside the labels")
    }
    let values = hasIndex ? contents.withoutFirst(features.count) : contents.features
    let rows = values.count / columns.count
    let lines = contents.lines
    var result = FeatureArrays(
      inputs: FeatureArray(
        tensor: Tensor(shape: [rows, columns.count], elements: .float64(values)), path: path,
        name: "X",
        place: { "line \(lines[$0]), column '\(named[columns[$1]].shortened)'" }))
    func labels(_ texts: [String], _ column: Int) -> FeatureLabels {
      FeatureLabels(array: LabelArray(Self.classes(texts)), path: path, name: named[column])
    }
    if let label { result.labels = labels(contents.labels, label) }
    if let group { result.groups = labels(contents.groups, group) }
    if let label, options.yKey == nil, named[label] != "y" {
      result.notes.append("labels are column '\(named[label].shortened)'")
    }
    if hasIndex { result.notes.append("the first column numbers the rows and is no feature") }
    return result
  }

  private static func labelColumn(
    _ file: CSVFile, _ path: String, _ options: FeatureOptions
  ) throws(DatasetError) -> Int? {
    let header = file.header
    func listing() -> String {
      let shown = header.prefix(8).map { "'\($0.shortened)'" }.joined(separator: ", ")
      return header.count > 8 ? "\(shown) and \(header.count - 8) more" : shown
    }
    let candidates = header.indices.filter { column in
      options.yKey.map { header[column] == $0 }
        ?? labelNames.contains(header[column].lowercased())
    }
    if candidates.count == 1 { return candidates[0] }
    if candidates.isEmpty && options.yKey == nil && !options.needsLabels { return nil }
    if file.hasNumbersForNames && options.yKey == nil { return nil }
    let key = SettingName("y-key")
    if candidates.isEmpty {
      let wanted = options.yKey.map { "column '\($0.shortened)', as \(key) says" }
      let expected = wanted ?? "column y, label, target or class"
      throw .invalid(
        source: path,
        problem: "has no \(expected); it holds \(listing()), and \(key) names the labels")
    }
    let names = candidates.map { "'\(header[$0].shortened)'" }.joined(separator: " and ")
    throw .invalid(
      source: path,
      problem:
        "has \(candidates.count) columns for labels, \(names); \(key) names one, and each may "
        + "stand once")
  }

  /// The cells of a table.
  private struct Contents {
    /// Row by row.
    var features: [Double] = []
    var labels: [String] = []
    var groups: [String] = []
    /// The line of every row in the file.
    var lines: [Int] = []

    /// Whether the first of `width` columns is 0, 1, 2, ...
    func isCounting(_ width: Int) -> Bool {
      lines.indices.allSatisfy { features[$0 * width] == Double($0) }
    }

    func withoutFirst(_ width: Int) -> [Double] {
      features.enumerated().filter { $0.offset % width != 0 }.map(\.element)
    }
  }

  private static func read(
    _ file: CSVFile, _ path: String, label: Int?, group: Int?, features: [Int]
  ) throws(DatasetError) -> Contents {
    var result = Contents()
    try reading { () throws(FormatError) in
      try file.forEachRow { (row) throws(FormatError) in
        result.lines.append(row.line)
        func missing(_ column: Int, _ text: String, _ expected: String) -> FormatError {
          FormatError(
            path: path,
            "holds \(text.isEmpty ? "nothing" : "'\(text.shortened)'") in \(row.place) (row "
              + "\(row.index)), column '\(file.header[column].shortened)'; expected \(expected)")
        }
        for column in features {
          guard let value = file.number(row, column) else {
            throw missing(column, file.text(row, column), "a number")
          }
          result.features.append(value)
        }
        guard result.features.count <= Self.largestCount else {
          throw FormatError(path: path, "holds more than \(Self.largestCount) numbers")
        }
        for (column, isLabel) in [(label, true), (group, false)] {
          guard let column else { continue }
          let text = file.text(row, column)
          if text.isEmpty { throw missing(column, text, "a label") }
          if isLabel { result.labels.append(text) } else { result.groups.append(text) }
        }
      }
    }
    guard !result.lines.isEmpty else {
      throw .invalid(source: path, problem: "holds a header and no rows; expected a sample a line")
    }
    return result
  }

  /// Integers where all texts are whole numbers, otherwise names.
  private static func classes(_ texts: [String]) -> [ClassLabel] {
    var integers: [ClassLabel] = []
    integers.reserveCapacity(texts.count)
    for text in texts {
      guard let value = Int(text) ?? Double(text).flatMap({ Int(exactly: $0) }) else {
        return texts.map { .name($0) }
      }
      integers.append(.integer(value))
    }
    return integers
  }
}
