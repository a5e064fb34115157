import Formats

/// A few numbers for each coordinate in a file: an array of numpy, an archive of them, or lines of text.
package enum ValueFile {
  /// Reads one list of numbers for each key.
  ///
  /// Archives hold arrays of these names, or a single array. An array without a name and lines of text hold one row
  /// for each key, in this order; for a single key all their numbers are the list. A first line of names is left out.
  package static func read(path: String, keys: [String]) throws(DatasetError) -> [[Double]] {
    if try reading({ () throws(FormatError) in try NPY.isArray(path: path) }) {
      let tensor = try reading { () throws(FormatError) in try NPY.read(path: path) }
      return try rows(tensor, path: path, keys: keys)
    }
    if try reading({ () throws(FormatError) in try TensorFile.isTable(path: path) }) {
      let lines = try table(path)
      if keys.count == 1 { return [lines.flatMap { $0 }] }
      guard lines.count == keys.count else {
        throw .invalid(
          source: path,
          problem: "has \(lines.count) lines of numbers; expected \(expectation(keys))"
        )
      }
      return lines
    }
    let file = try reading { () throws(FormatError) in try TensorFile(path: path) }
    if keys.allSatisfy({ file.names.contains($0) }) {
      var result: [[Double]] = []
      for key in keys {
        result.append(try reading { () throws(FormatError) in try file.tensor(key) }.doubles)
      }
      return result
    }
    guard file.names.count == 1, let name = file.names.first else {
      throw .invalid(
        source: path,
        problem:
          "holds \(listing(file.names.prefix(8), ", ")); expected \(listing(keys[...], " and "))")
    }
    return try rows(
      reading { () throws(FormatError) in try file.tensor(name) }, path: path, keys: keys)
  }

  private static func listing(_ names: ArraySlice<String>, _ separator: String) -> String {
    names.map { "'\($0.shortened)'" }.joined(separator: separator)
  }

  private static func rows(
    _ tensor: Tensor, path: String, keys: [String]
  ) throws(DatasetError) -> [[Double]] {
    let values = tensor.doubles
    if keys.count == 1 { return [values] }
    guard tensor.shape.first == keys.count, tensor.count > 0 else {
      throw .invalid(
        source: path,
        problem: "holds an array of shape \(tensor.shape); expected \(expectation(keys))")
    }
    let width = values.count / keys.count
    return keys.indices.map { Array(values[$0 * width..<($0 + 1) * width]) }
  }

  private static func expectation(_ keys: [String]) -> String {
    "\(keys.count) rows, \(keys.joined(separator: " and ")), of one number, one a channel or one a "
      + "coordinate"
  }

  /// The numbers of every line.
  private static func table(_ path: String) throws(DatasetError) -> [[Double]] {
    try reading { () throws(FormatError) in
      let file = try CSVFile(path: path)
      var lines: [[Double]] = []
      if file.hasNumbersForNames { lines.append(file.header.compactMap { Double($0) }) }
      try file.forEachRow { (row) throws(FormatError) in
        var numbers: [Double] = []
        for column in file.header.indices {
          guard let value = file.number(row, column) else {
            throw FormatError(
              path: path,
              "holds '\(file.text(row, column).shortened)' in \(row.place), column \(column); "
                + "expected a number")
          }
          numbers.append(value)
        }
        lines.append(numbers)
      }
      return lines
    }
  }
}
