import Figures
import Foundation
import Runs
import Studies

/// Everything a sweep has measured.
struct SweepResults<Cell: SweepCell>: Sendable {
  /// What was varied.
  let cells: [Cell]
  /// The seeds of the repeats.
  let seeds: [UInt64]
  /// One row a cell, one entry a seed; a cell may have been measured with the first seeds only.
  let runs: [[SweepMeasurement]]

  /// Results in the order of cells and seeds.
  init(cells: [Cell], seeds: [UInt64], runs: [[SweepMeasurement]]) {
    precondition(runs.count == cells.count && runs.allSatisfy { $0.count <= seeds.count })
    self.cells = cells
    self.seeds = seeds
    self.runs = runs
  }

  /// The runs of a cell that have a result to average.
  func successes(_ cell: Cell) -> [SweepMeasurement] {
    measurements(cell).filter { $0.failure == nil }
  }

  /// The runs of a cell, one a seed.
  func measurements(_ cell: Cell) -> [SweepMeasurement] {
    guard let index = cells.firstIndex(of: cell) else { return [] }
    return runs[index]
  }

  /// The mean of a metric over the runs of a cell that have not failed.
  func interval(_ metric: String, _ cell: Cell) -> MeanInterval {
    MeanInterval(successes(cell).map { $0.metrics[metric] ?? .nan })
  }

  /// The mean of what is computed from each run of a cell that has not failed, for example a ratio.
  func interval(_ cell: Cell, of value: (SweepMeasurement) -> Double) -> MeanInterval {
    MeanInterval(successes(cell).map(value))
  }

  /// The mean of a curve at every point of its grid. Empty where no run has it; runs whose curve has
  /// another length are left out.
  func curve(_ name: String, _ cell: Cell) -> [MeanInterval] {
    columns(name, cell).map { MeanInterval($0) }
  }

  /// The values of a curve over the runs of a cell, point by point.
  private func columns(_ name: String, _ cell: Cell) -> [[Double]] {
    let curves = successes(cell).compactMap { $0.curves[name] }
    guard let length = curves.first?.count else { return [] }
    let fitting = curves.filter { $0.count == length }
    return (0..<length).map { i in fitting.map { $0[i] } }
  }

  /// How many runs of a cell failed.
  func failures(_ cell: Cell) -> Int { measurements(cell).count { $0.failure != nil } }

  /// The line of a metric over some cells, with the 95% interval as a band.
  ///
  /// - Parameters:
  ///   - label: the entry in the legend.
  ///   - cells: those on the line, in any order.
  ///   - scale: that of the vertical axis. On a logarithmic one mean and interval are those of the
  ///     logarithms, of positive values only: an interval of the values themselves may reach below 0.
  ///   - x: the place of a cell on the horizontal axis.
  func series(
    _ label: String, metric: String, cells: [Cell], scale: Axis.Scale = .linear,
    x: (Cell) -> Double, style: Series.Style = .both, dash: Series.Dash? = nil,
    colour: Colour? = nil
  ) -> Series {
    let sorted = cells.sorted { x($0) < x($1) }
    let values = sorted.map { cell in successes(cell).map { $0.metrics[metric] ?? .nan } }
    return Self.series(
      label, x: sorted.map(x), values: values, scale: scale, style: style, dash: dash,
      colour: colour)
  }

  /// The line of a curve of one cell, with the 95% interval as a band.
  ///
  /// - Parameters:
  ///   - x: the curve's grid.
  ///   - scale: see ``series(_:metric:cells:scale:x:style:dash:colour:)``.
  func series(
    _ label: String, curve name: String, cell: Cell, x: [Double], scale: Axis.Scale = .linear,
    style: Series.Style = .line, dash: Series.Dash? = nil, colour: Colour? = nil
  ) -> Series {
    let columns = columns(name, cell)
    return Self.series(
      label, x: Array(x.prefix(columns.count)), values: columns, scale: scale, style: style,
      dash: dash, colour: colour)
  }

  private static func series(
    _ label: String, x: [Double], values: [[Double]], scale: Axis.Scale, style: Series.Style,
    dash: Series.Dash?, colour: Colour?
  ) -> Series {
    let isLinear = scale == .linear
    let intervals = values.map { values in
      MeanInterval(isLinear ? values : values.map { $0 > 0 ? log($0) : .nan })
    }
    func place(_ value: Double) -> Double { isLinear ? value : exp(value) }
    let hasBand = intervals.contains { $0.halfWidth != nil }
    return Series(
      label, x: x, y: intervals.map { place($0.mean ?? .nan) },
      band: hasBand
        ? .init(
          lower: intervals.map { place($0.lower) }, upper: intervals.map { place($0.upper) }) : nil,
      style: style, dash: dash, colour: colour)
  }

  /// The flags of all runs, equal ones once with the number of runs that have them and the first of these.
  var flags: [String] {
    grouped { $0.flags }
  }

  /// The failures of all runs, in the same form.
  var failures: [String] {
    grouped { $0.failure.map { [$0] } ?? [] }
  }

  private func grouped(_ texts: (SweepMeasurement) -> [String]) -> [String] {
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
