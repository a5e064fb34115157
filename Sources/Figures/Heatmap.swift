import Formats

/// A matrix as coloured cells, first row on top.
package struct Heatmap: Figure, Hashable {
  /// Heading; none when empty.
  package var title: String
  /// The values; all rows have the same length. Not-a-numbers are left white.
  package var values: [[Double]]
  /// One label a row, or none at all. Where they would collide, only every n-th is shown.
  package var rowLabels: [String]
  /// One label a column, or none at all. Where they would collide, they are turned upright.
  package var columnLabels: [String]
  /// What the rows are.
  package var rowTitle: String
  /// What the columns are.
  package var columnTitle: String
  /// What the colours measure.
  package var valueTitle: String
  /// The values the colours span; values outside get the colours of the ends.
  package var range: ClosedRange<Double>
  package var colours: ColourScale
  /// Lines are drawn before these rows.
  package var rowDividers: [Int]
  /// Lines are drawn before these columns.
  package var columnDividers: [Int]
  /// Whether every cell shows its value, with two decimals.
  package var showsValues: Bool
  /// The size when drawn alone.
  package var preferredSize: FigureSize

  /// Makes a heat map; `values` must be a non-empty rectangle.
  package init(
    title: String = "", values: [[Double]], rowLabels: [String] = [], columnLabels: [String] = [],
    rowTitle: String = "", columnTitle: String = "", valueTitle: String = "",
    range: ClosedRange<Double> = -1...1, colours: ColourScale = .diverging,
    rowDividers: [Int] = [], columnDividers: [Int] = [], showsValues: Bool = false,
    size: FigureSize = FigureSize(width: 700, height: 520)
  ) {
    let columns = values.first?.count ?? 0
    precondition(columns > 0 && values.allSatisfy { $0.count == columns }, "rectangular values")
    precondition(rowLabels.isEmpty || rowLabels.count == values.count, "a label for each row")
    precondition(columnLabels.isEmpty || columnLabels.count == columns, "a label for each column")
    precondition(range.lowerBound < range.upperBound, "a colour range must not be empty")
    self.title = title
    self.values = values
    self.rowLabels = rowLabels
    self.columnLabels = columnLabels
    self.rowTitle = rowTitle
    self.columnTitle = columnTitle
    self.valueTitle = valueTitle
    self.range = range
    self.colours = colours
    self.rowDividers = rowDividers
    self.columnDividers = columnDividers
    self.showsValues = showsValues
    preferredSize = size
  }

  package var rowCount: Int { values.count }
  package var columnCount: Int { values[0].count }

  /// The matrix with its labels, or numbers from 0 where there are none.
  package var tables: [FigureTable] {
    let columns = columnLabels.isEmpty ? (0..<columnCount).map(String.init) : columnLabels
    var table = CSVRows(header: ["row"] + columns)
    for (index, row) in values.enumerated() {
      let label = rowLabels.isEmpty ? String(index) : rowLabels[index]
      table.append([.text(label)] + row.map { .number($0) })
    }
    return [FigureTable(csv: table)]
  }

  /// The matrix with at most `maximum` rows and columns: means over blocks of cells.
  ///
  /// Used for screens, where more cells than pixels only make the file large; the PDF and the CSV
  /// keep every cell.
  func reduced(toAtMost maximum: Int) -> [[Double]] {
    func blocks(_ count: Int) -> [Range<Int>] {
      let size = (count + maximum - 1) / maximum
      let blocks = (count + size - 1) / size
      return (0..<blocks).map { $0 * count / blocks..<($0 + 1) * count / blocks }
    }
    let columnBlocks = blocks(columnCount)
    guard rowCount > maximum || columnCount > maximum else { return values }
    return blocks(rowCount).map { rows in
      columnBlocks.map { columns in
        var sum = 0.0
        for row in rows {
          for column in columns { sum += values[row][column] }
        }
        return sum / Double(rows.count * columns.count)
      }
    }
  }
}
