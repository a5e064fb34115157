import Figures
import Formats
import Foundation
import Runs

/// Writes what an experiment leaves behind: `results/cells.csv` (a row a cell: mean, half width of the 95%
/// interval and number of values of every metric), `results/runs.csv` (a row a run), `results/summary.json`,
/// figures, and the section of `report.html`.
struct GridReport<Kind: GridExperiment> {
  let experiment: Kind
  let results: GridResults<Kind>
  let account: Account
  /// Where figures lie, seen from the report.
  let figuresLink: String

  func write() throws(ExperimentError) -> FinishedExperiment {
    let directory = results.directory
    try directory.write(text: cellsTable.text, to: "results/cells.csv")
    try directory.write(text: runsTable.text, to: "results/runs.csv")
    let summary = GridSummary(
      experiment, results: results, account: account)
    try directory.write(summary, to: "results/summary.json")
    return FinishedExperiment(
      directory: directory, title: account.title, subtitle: Prose(account.subtitle),
      seed: results.seeds[0], sections: [try section()], table: terminalText, summary: summary,
      flags: summary.flags)
  }

  private func section() throws(ExperimentError) -> Report.Section {
    let sink = FigureSink(directory: results.directory, link: figuresLink)
    func drawn(_ figures: [AccountFigure]) throws(ExperimentError) -> [Report.Block] {
      var blocks: [Report.Block] = []
      for figure in figures {
        blocks.append(
          try sink.figure(
            figure.figure, figure.name, caption: figure.caption, alternative: figure.alternative))
      }
      return blocks
    }
    let cells = Report.Table(
      caption: "Means over \(results.seeds.count) seed(s) with the half width of the 95% "
        + "interval of Student's t distribution. What cannot be averaged is counted.",
      header: header.map { Prose($0) }, rows: results.cells.map { row($0).map { Prose($0) } })
    var blocks: [Report.Block] = [
      .note("\(strong: "Answer.") \(account.answer)"), .paragraph(account.introduction),
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
    blocks += try drawn(account.figures)
    for section in account.sections { blocks += section.blocks + (try drawn(section.figures)) }
    blocks += (results.failures + results.flags + account.flags).map { .warning(Prose($0)) }
    return Report.Section(account.title, blocks)
  }

  private var terminalText: String {
    let table =
      account.overview ?? Account.Table(caption: "", header: header, rows: results.cells.map(row))
    let lines = results.failures.map { "no result: \($0)" } + account.remarks
    let parts =
      [
        account.overview.map { "\($0.caption.text)\n" }, table.terminal,
        lines.isEmpty ? nil : lines.joined(separator: "\n") + "\n", account.answer + "\n",
        account.answerTable.map { "\($0.caption.text)\n\n\($0.terminal)" },
      ] + account.sections.map { $0.text.isEmpty ? nil : $0.text }
    return parts.compactMap(\.self).joined(separator: "\n")
  }

  private var metrics: [Metric<Kind.Values>] { experiment.metrics }

  private var hasFailures: Bool { results.cells.contains { results.failures($0) > 0 } }

  private var header: [String] {
    parameterNames + metrics.map(\.heading) + (hasFailures ? ["no result"] : [])
  }

  private func row(_ cell: Kind.Cell) -> [String] {
    let failures = hasFailures ? ["\(results.failures(cell)) of \(results.seeds.count)"] : []
    return cell.parameters.map(\.value.text)
      + metrics.map { results.interval($0, cell).text(digits: $0.digits) } + failures
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
        cell.parameters.map(\.csv)
          + [.integer(results.seeds.count), .integer(results.failures(cell))]
          + metrics.flatMap { metric -> [CSVRows.Cell] in
            let interval = results.interval(metric, cell)
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
            + metrics.map { metric in
              let value = metric.value(run.values)
              return value.isNaN ? .empty : .number(value)
            }
            + [run.failure.map { .text($0) } ?? .empty])
      }
    }
    return table
  }
}

extension Parameter {
  /// The value in a CSV file.
  var csv: CSVRows.Cell {
    switch value {
    case .number(let number): .number(number)
    case .text(let text): .text(text)
    }
  }
}
