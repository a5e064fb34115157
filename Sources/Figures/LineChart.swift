import Formats

/// Curves over a common pair of axes.
package struct LineChart: Figure, Hashable {
  /// Where the legend stands.
  package enum Legend: String, Hashable, Sendable {
    /// Under the axes; it never covers data.
    case below
    /// Right of the axes; it never covers data. The better place for many series.
    case right
    /// Inside, in the top left corner; below the axes when curves pass there.
    case topLeft
    /// Inside, in the top right corner; below the axes when curves pass there.
    case topRight
    /// Inside, in the bottom left corner; below the axes when curves pass there.
    case bottomLeft
    /// Inside, in the bottom right corner; below the axes when curves pass there.
    case bottomRight
    case none
  }

  /// Heading; none when empty.
  package var title: String
  package var x: Axis
  package var y: Axis
  /// The curves, drawn in this order.
  package var series: [Series]
  /// Lines for theory values.
  package var references: [ReferenceLine]
  /// Where the legend stands.
  package var legend: Legend
  /// The size when drawn alone.
  package var preferredSize: FigureSize

  package init(
    title: String = "", x: Axis, y: Axis, series: [Series], references: [ReferenceLine] = [],
    legend: Legend = .below, size: FigureSize = FigureSize(width: 700, height: 440)
  ) {
    self.title = title
    self.x = x
    self.y = y
    self.series = series
    self.references = references
    self.legend = legend
    preferredSize = size
  }

  /// One row a point (`kind` is `series`), in drawing order, gaps included; then one row a
  /// reference line (`kind` is `horizontal` or `vertical`).
  package var tables: [FigureTable] {
    var table = CSVRows(header: ["kind", "label", "x", "y", "lower", "upper"])
    for series in series {
      for index in series.x.indices {
        table.append([
          "series", .text(series.label), .number(series.x[index]), .number(series.y[index]),
          series.band.map { .number($0.lower[index]) } ?? .empty,
          series.band.map { .number($0.upper[index]) } ?? .empty,
        ])
      }
    }
    for line in references {
      let isHorizontal = line.direction == .horizontal
      table.append([
        .text(line.direction.rawValue), .text(line.label),
        isHorizontal ? .empty : .number(line.value), isHorizontal ? .number(line.value) : .empty,
        .empty, .empty,
      ])
    }
    return [FigureTable(csv: table)]
  }

  /// The range of the horizontal axis.
  var xRange: ClosedRange<Double> {
    let values = series.lazy.flatMap(\.x)
    let lines = references.lazy.filter { $0.direction == .vertical }.map(\.value)
    return x.resolvedRange(of: Array(values) + Array(lines), margin: 0.02)
  }

  /// The range of the vertical axis.
  var yRange: ClosedRange<Double> {
    var values = series.flatMap { $0.y + ($0.band.map { $0.lower + $0.upper } ?? []) }
    values += references.filter { $0.direction == .horizontal }.map(\.value)
    return y.resolvedRange(of: values, margin: 0.05)
  }
}
