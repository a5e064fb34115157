import Foundation

/// A table of text and numbers, written as RFC 4180 comma-separated values with `\n` line ends.
package struct CSVTable: Hashable, Sendable {
  /// Column names.
  package var header: [String]
  /// Cells, row by row; every row is as long as the header.
  package private(set) var rows: [[Cell]] = []

  package enum Cell: Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByFloatLiteral {
    /// Text, quoted where needed.
    case text(String)
    /// A number, written with the fewest digits that read back to the same value.
    case number(Double)
    case integer(Int)
    case empty

    package init(stringLiteral value: String) { self = .text(value) }

    package init(floatLiteral value: Double) { self = .number(value) }
  }

  /// An empty table with these columns.
  package init(header: [String]) {
    self.header = header
  }

  /// Adds a row; it must have one cell a column.
  package mutating func append(_ row: [Cell]) {
    precondition(row.count == header.count, "a row needs one cell for each column")
    rows.append(row)
  }

  /// The table as text. Numbers read back exactly; `nan`, `inf` and `-inf` are spelled so.
  package var text: String {
    var text = header.map(Self.escaped).joined(separator: ",") + "\n"
    for row in rows {
      var isFirst = true
      for cell in row {
        if !isFirst { text += "," }
        isFirst = false
        switch cell {
        case .text(let string): text += Self.escaped(string)
        case .number(let number): text += "\(number)"
        case .integer(let integer): text += "\(integer)"
        case .empty: break
        }
      }
      text += "\n"
    }
    return text
  }

  static func escaped(_ field: String) -> String {
    let needsQuotes = field.unicodeScalars.contains { ",\"\n\r".unicodeScalars.contains($0) }
    guard needsQuotes else { return field }
    return "\"" + field.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}
