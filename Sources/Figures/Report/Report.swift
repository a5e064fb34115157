import Foundation

/// A document about one run: text, tables and figures, written as one HTML file that needs no
/// network and no script.
public struct Report: Hashable, Sendable {
  /// The heading of the document.
  public var title: String
  /// One line below it.
  public var subtitle: Prose
  /// What stands in it, in order.
  public var sections: [Section]

  /// Makes a report.
  public init(title: String, subtitle: Prose = "", sections: [Section] = []) {
    self.title = title
    self.subtitle = subtitle
    self.sections = sections
  }

  /// A part of the report under a heading of its own.
  public struct Section: Hashable, Sendable {
    /// The heading.
    public var heading: String
    /// What stands below it.
    public var blocks: [Block]

    /// Makes a section.
    public init(_ heading: String, _ blocks: [Block] = []) {
      self.heading = heading
      self.blocks = blocks
    }
  }

  /// A piece of a section.
  public indirect enum Block: Hashable, Sendable {
    /// A paragraph.
    case paragraph(Prose)
    /// A smaller heading.
    case subheading(String)
    /// Bullet points.
    case list([Prose])
    /// A table.
    case table(Table)
    /// A figure.
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
  public struct KeyValue: Hashable, Sendable {
    /// The name.
    public var key: String
    /// The value.
    public var value: Prose

    /// Makes a pair.
    public init(_ key: String, _ value: Prose) {
      self.key = key
      self.value = value
    }
  }

  /// A table of the report.
  public struct Table: Hashable, Sendable {
    /// Above the table; none when empty.
    public var caption: Prose
    /// Column names.
    public var header: [Prose]
    /// Cells, row by row.
    public var rows: [[Prose]]
    /// One alignment a column.
    public var alignments: [TerminalTable.Alignment]

    /// Makes a table; every row has a cell a column. Without `alignments` the first column is
    /// left, the others right aligned.
    public init(
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
  public struct Picture: Hashable, Sendable {
    /// Below the figure.
    public var caption: Prose
    /// Described to readers who cannot see it.
    public var alternative: String
    /// The SVG document.
    public var svg: String
    /// Files to offer, by path relative to the report.
    public var downloads: [String]

    /// Makes a figure from an SVG document in memory.
    public init(caption: Prose, alternative: String = "", svg: String, downloads: [String] = []) {
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
    public init(
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
  public func write(to file: URL) throws(FigureError) {
    var files = try AtomicFiles(in: file.deletingLastPathComponent())
    try files.stage(Data(html.utf8), as: file.lastPathComponent)
    try files.commit()
  }
}
