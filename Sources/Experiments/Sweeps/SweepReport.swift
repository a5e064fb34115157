import Figures
import Formats
import Foundation
import Runs
import Studies

/// What an experiment makes of its results: the words and figures of its report.
struct SweepAccount: Sendable {
  /// The heading of the report.
  var title: String
  /// One line below it: sizes.
  var subtitle: String
  /// What was done and what theory predicts.
  var introduction: Prose
  /// The answer, with its numbers computed from the results: a few short sentences.
  var answer: String
  /// Numbers that the answer rests on and that would make it long.
  var answerTable: Table?
  /// Numbers that the answer rests on and that are not means of cells, for example a fitted slope.
  var findings: [String: MeanOrNumber]
  /// The figures in order.
  var figures: [SweepFigure]
  /// Blocks after the figures, for example assumptions met and not met.
  var blocks: [Report.Block]
  /// Lines for the terminal between the table and the answer.
  var remarks: [String]
  /// A table in place of the one with a row a cell, for sweeps of more cells than anybody reads; the report
  /// has both.
  var overview: Table?

  /// A table of words.
  struct Table: Sendable {
    /// Above it.
    var caption: String
    /// Column names.
    var header: [String]
    /// Cells, row by row.
    var rows: [[String]]

    /// A table; every row has a cell a column.
    init(caption: String, header: [String], rows: [[String]]) {
      self.caption = caption
      self.header = header
      self.rows = rows
    }
  }

  /// A number of ``findings``: plain, or with an interval.
  enum MeanOrNumber: Codable, Sendable, Equatable {
    /// A plain number.
    case number(Double)
    /// A number and half the width of its 95% interval.
    case interval(value: Double, halfWidth: Double)
  }

  /// An account.
  init(
    title: String, subtitle: String, introduction: Prose, answer: String,
    findings: [String: MeanOrNumber] = [:], figures: [SweepFigure] = [],
    blocks: [Report.Block] = [], remarks: [String] = [], overview: Table? = nil,
    answerTable: Table? = nil
  ) {
    self.title = title
    self.subtitle = subtitle
    self.introduction = introduction
    self.answer = answer
    self.findings = findings
    self.figures = figures
    self.blocks = blocks
    self.remarks = remarks
    self.overview = overview
    self.answerTable = answerTable
  }
}

/// A figure of a sweep's report.
struct SweepFigure: Sendable {
  /// Its file name without extension.
  var name: String
  /// What is drawn.
  var figure: any Figure
  /// Below it.
  var caption: Prose
  /// For readers who cannot see it.
  var alternative: String

  /// A figure.
  init(_ name: String, _ figure: any Figure, caption: Prose, alternative: String) {
    self.name = name
    self.figure = figure
    self.caption = caption
    self.alternative = alternative
  }
}

/// Writes what a sweep leaves behind: `results/cells.csv` (a row a cell: mean, half width of the 95%
/// interval and number of values of every metric), `results/runs.csv` (a row a run),
/// `results/summary.json`, figures and `report.html`.
struct SweepReport<Cell: SweepCell> {
  let experiment: String
  let preset: Preset
  let results: SweepResults<Cell>
  let metrics: [SweepMetric]
  let account: SweepAccount

  /// `results/summary.json`.
  private struct Summary: Encodable {
    struct Row: Encodable {
      let parameters: [SweepColumn]
      let metrics: [String: MeanInterval]
      let failures: Int
    }
    let experiment: String
    let preset: Preset
    let seeds: [UInt64]
    let answer: String
    let findings: [String: SweepAccount.MeanOrNumber]
    let remarks: [String]
    let cells: [Row]
    let failures: [String]
    let flags: [String]
  }

  /// Writes everything.
  func write(to directory: RunDirectory) throws(ExperimentError) -> ExperimentOutcome {
    try directory.write(text: cellsTable.text, to: "results/cells.csv")
    try directory.write(text: runsTable.text, to: "results/runs.csv")
    let rows = results.cells.map { cell in
      var values = Dictionary(
        uniqueKeysWithValues: metrics.map { ($0.key, results.interval($0.key, cell)) })
      for (name, old) in SweepMeasurement.oldNames { values[old] = values[name] }
      return Summary.Row(
        parameters: cell.parameters, metrics: values, failures: results.failures(cell))
    }
    let summary = Summary(
      experiment: experiment, preset: preset, seeds: results.seeds, answer: account.answer,
      findings: account.findings, remarks: account.remarks, cells: rows,
      failures: results.failures, flags: results.flags)
    try directory.write(summary, to: "results/summary.json")
    try ExperimentPart.write(
      [try section(directory)], title: account.title, subtitle: Prose(account.subtitle),
      directory: directory, seed: results.seeds[0])
    return ExperimentOutcome(
      table: terminalText, report: directory.path("report.html"),
      summary: JSONText.encode(summary), flags: results.flags)
  }

  private func section(_ directory: RunDirectory) throws(ExperimentError) -> Report.Section {
    let sink = FigureSink(directory: directory, link: "figures")
    let cells = Report.Table(
      caption: "Means over \(results.seeds.count) seed(s) with the half width of the 95% "
        + "interval of Student's t distribution. What cannot be averaged is counted.",
      header: header.map { Prose($0) }, rows: results.cells.map { row($0).map { Prose($0) } })
    var blocks: [Report.Block] = [
      .paragraph(account.introduction), .note("\(strong: "Answer.") \(account.answer)"),
    ]
    if let table = account.answerTable { blocks.append(.table(table.report)) }
    if let overview = account.overview {
      blocks += [
        .table(overview.report),
        .details(summary: "All \(results.cells.count) cells", [.table(cells)]),
      ]
    } else {
      blocks.append(.table(cells))
    }
    for figure in account.figures {
      blocks.append(
        try sink.figure(
          figure.figure, figure.name, caption: figure.caption, alternative: figure.alternative))
    }
    blocks += account.blocks
    blocks += (results.failures + results.flags).map { .warning(Prose($0)) }
    return Report.Section("What was measured", blocks)
  }

  private var terminalText: String {
    var table = TerminalTable(header: account.overview?.header ?? header)
    for cells in account.overview?.rows ?? results.cells.map(row) { table.append(cells) }
    let lines = results.failures.map { "no result: \($0)" } + account.remarks
    let text = lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n\n"
    let caption = account.overview.map { "\($0.caption)\n\n" } ?? ""
    let rest = account.answerTable.map { "\n\($0.caption)\n\n\($0.terminal)" } ?? ""
    return "\(caption)\(table.text)\n\(text)\(account.answer)\n\(rest)"
  }

  private var hasFailures: Bool { results.cells.contains { results.failures($0) > 0 } }

  private var header: [String] {
    (results.cells.first?.parameters.map(\.name) ?? []) + metrics.map(\.heading)
      + (hasFailures ? ["no result"] : [])
  }

  private func row(_ cell: Cell) -> [String] {
    let failures = hasFailures ? ["\(results.failures(cell)) of \(results.seeds.count)"] : []
    return cell.parameters.map(\.value.text)
      + metrics.map { results.interval($0.key, cell).text(digits: $0.digits) } + failures
  }

  private var parameterNames: [String] { results.cells.first?.parameters.map(\.name) ?? [] }

  private var cellsTable: CSVRows {
    var table = CSVRows(
      header: parameterNames + ["runs", "failures"]
        + metrics.flatMap { metric in
          ["", " half width", " values", " infinite", " missing"].map { metric.key + $0 }
        })
    for cell in results.cells {
      table.append(
        cell.parameters.map(\.csv) + [
          .integer(results.seeds.count), .integer(results.failures(cell)),
        ]
          + metrics.flatMap { metric -> [CSVRows.Cell] in
            let interval = results.interval(metric.key, cell)
            return [
              interval.mean.map { .number($0) } ?? .empty,
              interval.halfWidth.map { .number($0) } ?? .empty, .integer(interval.count),
              .integer(interval.infinite), .integer(interval.missing),
            ]
          })
    }
    return table
  }

  private var runsTable: CSVRows {
    var table = CSVRows(header: parameterNames + ["seed"] + metrics.map(\.key) + ["failure"])
    for (cell, row) in zip(results.cells, results.runs) {
      for (seed, run) in zip(results.seeds, row) {
        table.append(
          cell.parameters.map(\.csv) + [.text("\(seed)")]
            + metrics.map { run.metrics[$0.key].map { .number($0) } ?? .empty }
            + [run.failure.map { .text($0) } ?? .empty])
      }
    }
    return table
  }
}

extension SweepAccount.Table {
  /// As a report shows it.
  fileprivate var report: Report.Table {
    Report.Table(
      caption: Prose(caption), header: header.map { Prose($0) },
      rows: rows.map { $0.map { Prose($0) } })
  }

  /// As a terminal shows it.
  fileprivate var terminal: String {
    var table = TerminalTable(header: header)
    for cells in rows { table.append(cells) }
    return table.text
  }
}

extension SweepColumn {
  /// The value in a CSV file.
  fileprivate var csv: CSVRows.Cell {
    switch value {
    case .number(let number): .number(number)
    case .text(let text): .text(text)
    }
  }
}
