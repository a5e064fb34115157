import Formats

/// Something that can be drawn: tables and series in, one gnuplot plot out.
///
/// To add a kind of figure, write one file with a value type that conforms to this protocol.
/// ``FigureRenderer`` writes it in every format, ``PanelFigure`` puts it beside others.
package protocol Figure: Sendable {
  /// The size at which the figure looks best when it stands alone.
  var preferredSize: FigureSize { get }

  /// Exactly the numbers that are drawn; one table, or one for each panel.
  var tables: [FigureTable] { get }

  /// Appends the gnuplot commands that draw the figure inside `frame`.
  ///
  /// The commands must start with ``PlotScript/begin(_:)`` and issue exactly one `plot` for each
  /// frame, since the script runs in gnuplot's multiplot mode. Text that comes from a caller goes
  /// through ``PlotScript/quoted(_:)`` and is followed by `noenhanced`.
  func draw(in frame: PlotFrame, on script: inout PlotScript)
}

/// Width and height in CSS pixels (96 to the inch).
package struct FigureSize: Hashable, Sendable {
  /// Width in pixels.
  package var width: Double
  /// Height in pixels.
  package var height: Double

  /// Makes a size; both sides must be positive.
  package init(width: Double, height: Double) {
    precondition(width > 0 && height > 0, "a figure needs a positive size")
    self.width = width
    self.height = height
  }
}

/// The numbers behind a figure, with the suffix that tells its CSV file from those of its siblings.
package struct FigureTable: Hashable, Sendable {
  /// Appended to the figure's name, for example `-a` for panel (a); empty for a single table.
  package var suffix: String
  package var csv: CSVRows

  package init(suffix: String = "", csv: CSVRows) {
    self.suffix = suffix
    self.csv = csv
  }
}

/// A rectangle of the canvas, in pixels from the top left corner, in which a figure is drawn.
package struct PlotFrame: Hashable, Sendable {
  package var x: Double
  package var y: Double
  package var size: FigureSize
  /// The panel letter drawn in the top left corner, for example `a`.
  package var letter: String?

  /// Makes a frame; without an origin it starts at the top left corner of the canvas.
  package init(x: Double = 0, y: Double = 0, size: FigureSize, letter: String? = nil) {
    self.x = x
    self.y = y
    self.size = size
    self.letter = letter
  }
}

/// A file format in which figures are written.
package enum FigureFormat: String, CaseIterable, Sendable {
  /// Scalable vector graphics, for the screen and the report.
  case svg
  /// Portable document format, for papers.
  case pdf
  /// Pixels at twice the nominal resolution.
  case png
}

/// Where the files of one figure were written.
package struct FigureFiles: Hashable, Sendable {
  /// The name given by the caller, without extension.
  package var name: String
  /// File names, relative to the directory the figure was written to, by format.
  package var images: [FigureFormat: String]
  /// File names of the CSV tables, relative to the same directory.
  package var tables: [String]
}
