import Figures

/// What an experiment makes of its results: the words and figures of its report.
struct Account: Sendable {
  /// The heading of the report.
  var title: String
  /// One line below it: sizes.
  var subtitle: String
  /// What was done and what theory predicts.
  var introduction: Prose
  /// One or two sentences with their numbers, computed from the results.
  var answer: String
  /// Numbers that the answer rests on and that would make it long.
  var answerTable: Table?
  /// A table in place of the one with a row a cell, where there are more cells than anybody reads; the report
  /// has both.
  var overview: Table?
  var figures: [AccountFigure]
  /// Tables and paragraphs after the figures, shown in the report and, where they have a text, in the terminal.
  var sections: [AccountSection]
  /// Lines for the terminal between the table and the answer.
  var remarks: [String]
  /// Reasons not to trust a number, besides those of the runs.
  var flags: [String]
  /// Numbers that are not means of cells, for example a fitted slope.
  var findings: [String: Finding]
  /// Members of `results/summary.json` of this experiment alone, by name.
  var details: [String: any Encodable & Sendable]

  /// A table of words; every row has a cell a column.
  struct Table: Sendable {
    var caption: Prose
    var header: [String]
    var rows: [[String]]

    init(caption: Prose, header: [String], rows: [[String]]) {
      self.caption = caption
      self.header = header
      self.rows = rows
    }

    /// As a report shows it.
    var report: Report.Table {
      Report.Table(
        caption: caption, header: header.map { Prose($0) }, rows: rows.map { $0.map { Prose($0) } })
    }

    /// As a terminal shows it, without its caption.
    var terminal: String {
      var table = TerminalTable(header: header)
      for cells in rows { table.append(cells) }
      return table.text
    }
  }

  /// A number of ``findings``: plain, or with half the width of its 95% interval.
  enum Finding: Encodable, Sendable, Equatable {
    case number(Double)
    case interval(value: Double, halfWidth: Double)

    private struct Interval: Encodable {
      let value: Double
      let halfWidth: Double
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .number(let number): try container.encode(number)
      case .interval(let value, let halfWidth):
        try container.encode(Interval(value: value, halfWidth: halfWidth))
      }
    }
  }

  init(
    title: String, subtitle: String, introduction: Prose, answer: String,
    findings: [String: Finding] = [:], figures: [AccountFigure] = [],
    sections: [AccountSection] = [], remarks: [String] = [], flags: [String] = [],
    overview: Table? = nil, answerTable: Table? = nil,
    details: [String: any Encodable & Sendable] = [:]
  ) {
    self.title = title
    self.subtitle = subtitle
    self.introduction = introduction
    self.answer = answer
    self.findings = findings
    self.figures = figures
    self.sections = sections
    self.remarks = remarks
    self.flags = flags
    self.overview = overview
    self.answerTable = answerTable
    self.details = details
  }
}

/// A figure of a report.
struct AccountFigure: Sendable {
  /// Its file name without extension.
  var name: String
  var figure: any Figure
  /// Below it.
  var caption: Prose
  /// For readers who cannot see it.
  var alternative: String

  init(_ name: String, _ figure: any Figure, caption: Prose, alternative: String) {
    self.name = name
    self.figure = figure
    self.caption = caption
    self.alternative = alternative
  }
}

/// A part of a report that several experiments share, such as radii from both sides.
struct AccountSection: Sendable {
  var blocks: [Report.Block]
  var figures: [AccountFigure]
  /// What the terminal shows of it; empty for nothing.
  var text: String

  init(blocks: [Report.Block] = [], figures: [AccountFigure] = [], text: String = "") {
    self.blocks = blocks
    self.figures = figures
    self.text = text
  }
}
