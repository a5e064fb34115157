import Formats

/// Non-negative magnitudes, sorted from large to small, as outlines over their rank.
///
/// Made for neuron contributions: how fast they fall tells how many neurons a network uses. Up to
/// thousands of bars a series stay readable because only their outline is drawn.
package struct SortedBars: Figure, Hashable {
  /// One set of magnitudes.
  package struct Group: Hashable, Sendable {
    /// The entry in the legend.
    package var label: String
    /// The magnitudes, in any order.
    package var values: [Double]

    package init(_ label: String, values: [Double]) {
      self.label = label
      self.values = values
    }
  }

  /// The sets of magnitudes.
  package var groups: [Group]
  /// The chart around them: titles, axes, references, legend, size. Its series are ignored.
  package var chart: LineChart

  /// Makes the figure.
  ///
  /// - Parameters:
  ///   - title: Heading.
  ///   - valueLabel: What the magnitudes are.
  ///   - rankLabel: What is counted along the horizontal axis.
  ///   - groups: The sets of magnitudes.
  ///   - rankScale: A logarithmic rank shows the first few bars of thousands.
  ///   - valueScale: How magnitudes are spaced; zeros have no place on a logarithmic axis.
  ///   - references: Lines for theory values, for example a threshold.
  ///   - legend: Where the legend stands.
  ///   - size: The size when drawn alone.
  package init(
    title: String = "", valueLabel: String, rankLabel: String = "rank", groups: [Group],
    rankScale: Axis.Scale = .linear, valueScale: Axis.Scale = .logarithmic,
    references: [ReferenceLine] = [], legend: LineChart.Legend = .below,
    size: FigureSize = FigureSize(width: 700, height: 440)
  ) {
    self.groups = groups
    chart = LineChart(
      title: title, x: Axis(rankLabel, scale: rankScale), y: Axis(valueLabel, scale: valueScale),
      series: [], references: references, legend: legend, size: size)
  }

  /// The size when drawn alone.
  package var preferredSize: FigureSize { chart.preferredSize }

  /// One row a bar, largest first: `label`, `rank` from 1, `value`. Not-a-numbers come last.
  package var tables: [FigureTable] {
    var table = CSVRows(header: ["label", "rank", "value"])
    for group in groups {
      for (index, value) in Self.sorted(group.values).enumerated() {
        table.append([.text(group.label), .integer(index + 1), .number(value)])
      }
    }
    return [FigureTable(csv: table)]
  }

  /// Draws the outlines.
  package func draw(in frame: PlotFrame, on script: inout PlotScript) {
    var chart = chart
    chart.series = groups.map { group in
      Series(
        group.label, x: group.values.indices.map { Double($0 + 1) }, y: Self.sorted(group.values),
        style: .centredSteps)
    }
    chart.draw(in: frame, on: &script)
  }

  private static func sorted(_ values: [Double]) -> [Double] {
    values.filter { !$0.isNaN }.sorted(by: >) + values.filter(\.isNaN)
  }
}
