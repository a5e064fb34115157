import Figures
import Foundation
import Runs

/// Everything a grid has measured.
struct GridResults<Kind: GridExperiment>: Sendable {
  typealias Cell = Kind.Cell
  typealias Values = Kind.Values

  let cells: [Cell]
  /// The seeds of the repeats.
  let seeds: [UInt64]
  /// One row a cell, one entry a seed that it is measured with.
  let runs: [[Measured<Values>]]
  /// The data of the experiment.
  let source: Kind.Source
  /// Where runs have left files.
  let directory: RunDirectory

  init(
    cells: [Cell], seeds: [UInt64], runs: [[Measured<Values>]], source: Kind.Source,
    directory: RunDirectory
  ) {
    precondition(runs.count == cells.count && runs.allSatisfy { $0.count <= seeds.count })
    self.cells = cells
    self.seeds = seeds
    self.runs = runs
    self.source = source
    self.directory = directory
  }

  /// The runs of a cell, one a seed.
  func measurements(_ cell: Cell) -> [Measured<Values>] {
    guard let index = cells.firstIndex(of: cell) else { return [] }
    return runs[index]
  }

  /// What the runs of a cell have found that have not failed.
  func values(_ cell: Cell) -> [Values] {
    measurements(cell).filter { $0.failure == nil }.map(\.values)
  }

  /// What runs have measured in part, cells in their order for the first seed, then for the next.
  func parts<Part>(_ part: (Values) -> Part?) -> [Part] {
    seeds.indices.flatMap { seed in runs.compactMap { part($0[seed].values) } }
  }

  /// How many runs of a cell failed.
  func failures(_ cell: Cell) -> Int { measurements(cell).count { $0.failure != nil } }

  /// The mean of a metric over the runs of a cell that have not failed.
  func interval(_ metric: Metric<Values>, _ cell: Cell) -> MeanInterval {
    interval(cell, of: metric.value)
  }

  /// The mean of what is computed from each run of a cell that has not failed, for example a ratio.
  func interval(_ cell: Cell, of value: (Values) -> Double) -> MeanInterval {
    MeanInterval(values(cell).map(value))
  }

  /// The mean of a metric where there is one.
  func mean(_ metric: Metric<Values>, _ cell: Cell) -> Double? {
    interval(metric, cell).mean
  }

  /// The mean of a curve at every point of its grid. Empty where no run has it; runs whose curve has
  /// another length are left out.
  func curve(_ path: KeyPath<Values, [Double]>, _ cell: Cell) -> [MeanInterval] {
    points(path, cell).map { MeanInterval($0) }
  }

  /// The values of a curve over the runs of a cell, point by point.
  private func points(_ path: KeyPath<Values, [Double]>, _ cell: Cell) -> [[Double]] {
    let curves = values(cell).map { $0[keyPath: path] }.filter { !$0.isEmpty }
    guard let length = curves.first?.count else { return [] }
    let fitting = curves.filter { $0.count == length }
    return (0..<length).map { i in fitting.map { $0[i] } }
  }

  /// The line of a metric over some cells, with the 95% interval as a band.
  ///
  /// - Parameters:
  ///   - label: the entry in the legend.
  ///   - cells: those on the line, in any order.
  ///   - scale: that of the vertical axis. On a logarithmic one mean and interval are those of the
  ///     logarithms, of positive values only: an interval of the values themselves may reach below 0.
  ///   - x: the place of a cell on the horizontal axis.
  func series(
    _ label: String, _ metric: Metric<Values>, cells: [Cell], scale: Axis.Scale = .linear,
    style: Series.Style = .both, dash: Series.Dash? = nil, colour: Colour? = nil,
    x: (Cell) -> Double
  ) -> Series {
    let sorted = cells.sorted { x($0) < x($1) }
    return Series(
      label, x: sorted.map(x), repeats: sorted.map { values($0).map(metric.value) }, scale: scale,
      style: style, dash: dash, colour: colour)
  }

  /// The line of a curve of one cell, with the 95% interval as a band.
  /// - Parameter x: the curve's grid.
  func series(
    _ label: String, curve path: KeyPath<Values, [Double]>, cell: Cell, x: [Double],
    scale: Axis.Scale = .linear, style: Series.Style = .line, dash: Series.Dash? = nil,
    colour: Colour? = nil
  ) -> Series {
    let points = points(path, cell)
    return Series(
      label, x: Array(x.prefix(points.count)), repeats: points, scale: scale, style: style,
      dash: dash, colour: colour)
  }

  /// A figure of metrics against what is varied, with 95% intervals over the seeds.
  ///
  /// - Parameters:
  ///   - lines: a label and a metric each.
  ///   - place: where a cell stands on the horizontal axis.
  ///   - laws: curves beside, such as closed forms.
  func chart(
    _ name: String, _ title: String, x: Axis, y: Axis, _ lines: [(String, Metric<Values>)],
    at place: (Cell) -> Double, laws: [Series] = [], references: [ReferenceLine] = [],
    caption: Prose = "Mean with 95% interval over seeds."
  ) -> AccountFigure {
    let series = lines.map { self.series($0.0, $0.1, cells: cells, scale: y.scale, x: place) }
    return AccountFigure(
      name, LineChart(title: title, x: x, y: y, series: series + laws, references: references),
      caption: caption, alternative: "\(y.label) against \(x.label)")
  }

  /// The flags of all runs, equal ones once with the number of runs that have them and the first of these.
  var flags: [String] { grouped { $0.flags } }

  /// The failures of all runs, in the same form.
  var failures: [String] { grouped { $0.failure.map { [$0] } ?? [] } }

  private func grouped(_ texts: (Measured<Values>) -> [String]) -> [String] {
    var order: [String] = []
    var places: [String: [String]] = [:]
    for (cell, row) in zip(cells, runs) {
      for (seed, run) in zip(seeds, row) {
        for text in texts(run) {
          if places[text] == nil { order.append(text) }
          places[text, default: []].append("\(cell.title), seed \(seed)")
        }
      }
    }
    let total = runs.reduce(0) { $0 + $1.count }
    return order.map { text in
      let found = places[text]!
      let others = found.count > 1 ? " and \(found.count - 1) more of \(total) runs" : ""
      return "\(found[0])\(others): \(text)"
    }
  }
}

extension Series {
  /// The means of repeated values with their 95% intervals as a band.
  /// - Parameter scale: on a logarithmic one mean and interval are those of the logarithms.
  init(
    _ label: String, x: [Double], repeats values: [[Double]], scale: Axis.Scale = .linear,
    style: Style = .line, dash: Dash? = nil, colour: Colour? = nil
  ) {
    let isLinear = scale == .linear
    let intervals = values.map { values in
      MeanInterval(isLinear ? values : values.map { $0 > 0 ? log($0) : .nan })
    }
    func place(_ value: Double) -> Double { isLinear ? value : exp(value) }
    let hasBand = intervals.contains { $0.halfWidth != nil }
    self.init(
      label, x: x, y: intervals.map { place($0.mean ?? .nan) },
      band: hasBand
        ? .init(
          lower: intervals.map { place($0.lower) }, upper: intervals.map { place($0.upper) }) : nil,
      style: style, dash: dash, colour: colour)
  }
}
