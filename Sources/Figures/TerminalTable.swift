/// A table as plain aligned text for the terminal.
package struct TerminalTable: Hashable, Sendable {
  /// How a column is aligned.
  package enum Alignment: Hashable, Sendable {
    case left
    case right
  }

  package var header: [String]
  /// One alignment a column.
  package var alignments: [Alignment]
  /// Cells, row by row.
  package private(set) var rows: [[String]] = []

  /// An empty table. Without `alignments` the first column is left, the others right aligned.
  package init(header: [String], alignments: [Alignment]? = nil) {
    self.header = header
    self.alignments =
      alignments ?? header.indices.map { $0 == 0 ? .left : .right }
    precondition(self.alignments.count == header.count, "one alignment for each column")
  }

  /// Adds a row; it must have one cell a column.
  package mutating func append(_ row: [String]) {
    precondition(row.count == header.count, "a row needs one cell for each column")
    rows.append(row)
  }

  /// The table: header, rule, rows; columns two spaces apart, no trailing spaces.
  ///
  /// Line breaks and control characters inside cells become spaces.
  package var text: String {
    let cleaned = ([header] + rows).map { $0.map(Self.cleaned) }
    let widths = header.indices.map { column in
      cleaned.map { DisplayWidth.columns(of: $0[column]) }.max() ?? 0
    }
    var lines = cleaned.map { row in line(row, widths) }
    lines.insert(widths.map { String(repeating: "-", count: $0) }.joined(separator: "  "), at: 1)
    return lines.joined(separator: "\n") + "\n"
  }

  private func line(_ row: [String], _ widths: [Int]) -> String {
    var line = ""
    for (column, cell) in row.enumerated() {
      let padding = String(
        repeating: " ", count: widths[column] - DisplayWidth.columns(of: cell))
      line += column == 0 ? "" : "  "
      line += alignments[column] == .left ? cell + padding : padding + cell
    }
    while line.last == " " { line.removeLast() }
    return line
  }

  private static func cleaned(_ cell: String) -> String {
    String(
      cell.map { character in
        let isControl = character.unicodeScalars.contains {
          $0.properties.generalCategory == .control
        }
        return isControl || character.isNewline ? " " : character
      })
  }
}
