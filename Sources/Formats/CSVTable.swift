/// A table of named columns, written as CSV (RFC 4180, lines end with a newline).
///
/// The same values give the same bytes: numbers are printed with the fewest digits that read back
/// as the same number, independent of the locale.
package struct CSVTable: Sendable, Equatable {
  /// One column; all columns of a table have the same length.
  package enum Column: Sendable, Equatable {
    case floats([Float])
    case doubles([Double])
    case integers([Int])
    /// Text; quoted where it must be.
    case strings([String])

    /// The number of rows.
    package var count: Int {
      switch self {
      case .floats(let values): values.count
      case .doubles(let values): values.count
      case .integers(let values): values.count
      case .strings(let values): values.count
      }
    }

    fileprivate func cell(_ row: Int) -> String {
      switch self {
      case .floats(let values): CSVTable.text(Double(values[row]), "\(values[row])")
      case .doubles(let values): CSVTable.text(values[row], "\(values[row])")
      case .integers(let values): String(values[row])
      case .strings(let values): CSVTable.quoted(values[row])
      }
    }
  }

  /// The column names, from left to right.
  package private(set) var names: [String] = []

  /// The columns, from left to right.
  package private(set) var columns: [Column] = []

  package init() {}

  /// The number of rows below the header.
  package var rowCount: Int { columns.first?.count ?? 0 }

  /// Adds a column on the right.
  ///
  /// - Precondition: the column has as many rows as those before it.
  package mutating func append(_ name: String, _ column: Column) {
    precondition(columns.isEmpty || column.count == rowCount, "columns differ in length")
    names.append(name)
    columns.append(column)
  }

  /// Adds a column of double precision numbers on the right.
  package mutating func append(_ name: String, _ values: [Double]) {
    append(name, .doubles(values))
  }

  /// Adds a column of single precision numbers on the right.
  package mutating func append(_ name: String, _ values: [Float]) { append(name, .floats(values)) }

  /// Adds a column of integers on the right.
  package mutating func append(_ name: String, _ values: [Int]) { append(name, .integers(values)) }

  /// Adds a column of text on the right.
  package mutating func append(_ name: String, _ values: [String]) {
    append(name, .strings(values))
  }

  /// The whole table as text.
  package var text: String {
    var result = names.map(CSVTable.quoted).joined(separator: ",") + "\n"
    for row in 0..<rowCount {
      for (index, column) in columns.enumerated() {
        if index > 0 { result += "," }
        result += column.cell(row)
      }
      result += "\n"
    }
    return result
  }

  /// Writes the table to the file `path`, atomically.
  package func write(to path: String) throws(FormatError) {
    try AtomicFile.write(text, to: path)
  }

  /// Whole numbers without `.0`, and the spellings of infinity and NaN that other programs read.
  static func text(_ value: Double) -> String { text(value, "\(value)") }

  private static func text(_ value: Double, _ printed: String) -> String {
    if value.isNaN { return "nan" }
    return printed.hasSuffix(".0") ? String(printed.dropLast(2)) : printed
  }

  static func quoted(_ text: String) -> String {
    let needsQuotes = text.utf8.contains { byte in
      byte == 0x22 || byte == 0x2C || byte == 0x0A || byte == 0x0D
    }
    guard needsQuotes else { return text }
    let doubled = text.split(separator: "\"", omittingEmptySubsequences: false)
    return "\"" + doubled.joined(separator: "\"\"") + "\""
  }
}
