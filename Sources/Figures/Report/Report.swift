import Foundation

/// A document about one run: text, tables and figures, written as one HTML file that needs no
/// network and no script.
package struct Report: Hashable, Sendable {
  /// The heading of the document.
  package var title: String
  /// One line below it.
  package var subtitle: Prose
  /// What stands in it, in order.
  package var sections: [Section]

  package init(title: String, subtitle: Prose = "", sections: [Section] = []) {
    self.title = title
    self.subtitle = subtitle
    self.sections = sections
  }

  /// A part of the report under a heading of its own.
  package struct Section: Hashable, Sendable {
    package var heading: String
    /// What stands below it.
    package var blocks: [Block]

    package init(_ heading: String, _ blocks: [Block] = []) {
      self.heading = heading
      self.blocks = blocks
    }
  }

  /// A piece of a section.
  package indirect enum Block: Hashable, Sendable {
    case paragraph(Prose)
    case subheading(String)
    case list([Prose])
    case table(Table)
    case figure(Picture)
    /// Names and values, for example a configuration.
    case keyValues([KeyValue])
    /// A box for something worth knowing.
    case note(Prose)
    /// A box for something that limits what the results mean.
    case warning(Prose)
    /// Text as it is, in fixed width.
    case preformatted(String)
    /// Blocks hidden until the reader opens them; printed in full.
    case details(summary: String, [Block])
  }

  /// A name and its value.
  package struct KeyValue: Hashable, Sendable {
    package var key: String
    package var value: Prose

    package init(_ key: String, _ value: Prose) {
      self.key = key
      self.value = value
    }
  }

  /// A table of the report.
  package struct Table: Hashable, Sendable {
    /// Above the table; none when empty.
    package var caption: Prose
    package var header: [Prose]
    /// Cells, row by row.
    package var rows: [[Prose]]
    /// One alignment a column.
    package var alignments: [TerminalTable.Alignment]

    /// Makes a table; every row has a cell a column. Without `alignments` the first column is
    /// left, the others right aligned.
    package init(
      caption: Prose = "", header: [Prose], rows: [[Prose]],
      alignments: [TerminalTable.Alignment]? = nil
    ) {
      precondition(rows.allSatisfy { $0.count == header.count }, "one cell for each column")
      precondition(alignments.map { $0.count == header.count } ?? true, "an alignment a column")
      self.caption = caption
      self.header = header
      self.rows = rows
      self.alignments = alignments ?? header.indices.map { $0 == 0 ? .left : .right }
    }
  }

  /// A figure of the report: its SVG stands in the page, PDF and CSV are linked.
  package struct Picture: Hashable, Sendable {
    /// Below the figure.
    package var caption: Prose
    /// Described to readers who cannot see it.
    package var alternative: String
    package var svg: String
    /// Files to offer, by path relative to the report.
    package var downloads: [String]

    /// Makes a figure from an SVG document in memory.
    package init(caption: Prose, alternative: String = "", svg: String, downloads: [String] = []) {
      self.caption = caption
      self.alternative = alternative
      self.svg = svg
      self.downloads = downloads
    }

    /// Reads a figure that ``FigureRenderer`` wrote.
    ///
    /// - Parameters:
    ///   - files: What the renderer returned; must include the SVG.
    ///   - directory: The directory given to the renderer.
    ///   - path: The same directory relative to the report, for example `figures`.
    ///   - caption: Below the figure.
    ///   - alternative: Described to readers who cannot see it.
    package init(
      _ files: FigureFiles, in directory: URL, linkedAs path: String, caption: Prose,
      alternative: String = ""
    ) throws(FigureError) {
      let file = directory.appendingPathComponent(files.images[.svg] ?? "\(files.name).svg")
      do {
        svg = try String(contentsOf: file, encoding: .utf8)
      } catch {
        throw .fileFailure(path: file.path, reason: AtomicFiles.reason(error))
      }
      let prefix = path.isEmpty ? "" : path + "/"
      downloads = FigureFormat.allCases.compactMap { files.images[$0] }.map { prefix + $0 }
      downloads += files.tables.map { prefix + $0 }
      self.caption = caption
      self.alternative = alternative
    }
  }

  /// Writes the report by atomic rename.
  package func write(to file: URL) throws(FigureError) {
    var files = try AtomicFiles(in: file.deletingLastPathComponent())
    files.stage(Data(html.utf8), as: file.lastPathComponent)
    try files.commit()
  }
}
