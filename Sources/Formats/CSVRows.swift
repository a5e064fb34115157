/// A table written row by row, in the same CSV as ``CSVTable``.
package struct CSVRows: Hashable, Sendable {
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

    fileprivate var text: String {
      switch self {
      case .text(let text): CSVTable.quoted(text)
      case .number(let number): CSVTable.text(number)
      case .integer(let number): String(number)
      case .empty: ""
      }
    }
  }

  package init(header: [String]) { self.header = header }

  /// Adds a row; it must have one cell a column.
  package mutating func append(_ row: [Cell]) {
    precondition(row.count == header.count, "a row needs one cell for each column")
    rows.append(row)
  }

  /// The table as text.
  package var text: String {
    let lines = [header.map(CSVTable.quoted)] + rows.map { $0.map(\.text) }
    return lines.map { $0.joined(separator: ",") + "\n" }.joined()
  }
}
