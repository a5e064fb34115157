/// Several figures in one, with the letters (a), (b), …
public struct PanelFigure: Figure {
  /// Heading over all panels; none when empty.
  public var title: String
  /// The panels, row by row.
  public var panels: [any Figure]
  /// Panels in a row.
  public var columns: Int
  /// The size of each panel.
  public var panelSize: FigureSize

  /// Makes a figure of at least one and at most 26 panels, none of which has panels itself.
  public init(
    title: String = "", panels: [any Figure], columns: Int = 2,
    panelSize: FigureSize = FigureSize(width: 420, height: 340)
  ) {
    precondition((1...26).contains(panels.count), "1 to 26 panels")
    precondition(columns >= 1, "at least one column")
    precondition(!panels.contains { $0 is PanelFigure }, "panels cannot have panels")
    self.title = title
    self.panels = panels
    self.columns = min(columns, panels.count)
    self.panelSize = panelSize
  }

  private var titleHeight: Double { title.isEmpty ? 0 : 30 }

  /// The size that follows from the number of panels.
  public var preferredSize: FigureSize {
    let rows = (panels.count + columns - 1) / columns
    return FigureSize(
      width: panelSize.width * Double(columns),
      height: panelSize.height * Double(rows) + titleHeight)
  }

  /// The tables of the panels; their suffixes start with the panel letter.
  public var tables: [FigureTable] {
    panels.enumerated().flatMap { index, panel in
      panel.tables.map {
        FigureTable(suffix: "-\(Self.letter(index))\($0.suffix)", csv: $0.csv)
      }
    }
  }

  /// Draws the panels from left to right and from top to bottom.
  public func draw(in frame: PlotFrame, on script: inout PlotScript) {
    let scale = frame.size.width / preferredSize.width
    let width = panelSize.width * scale
    let rows = (panels.count + columns - 1) / columns
    let height = (frame.size.height - titleHeight) / Double(rows)
    for (index, panel) in panels.enumerated() {
      let panelFrame = PlotFrame(
        x: frame.x + Double(index % columns) * width,
        y: frame.y + titleHeight + Double(index / columns) * height,
        size: FigureSize(width: width, height: height), letter: Self.letter(index))
      panel.draw(in: panelFrame, on: &script)
    }
    guard !title.isEmpty else { return }
    script.begin(PlotFrame(x: frame.x, y: frame.y, size: frame.size))
    script.add("unset border; unset tics; unset key")
    script.add(
      "set label \(PlotScript.quotedLine(title)) at "
        + "screen \(script.screenX(frame.x + frame.size.width / 2)),"
        + "\(script.screenY(frame.y + 18)) center noenhanced font "
        + "\"\(PlotScript.fontName),\(script.textSize(15))\"")
    script.add("set xrange [0:1]; set yrange [0:1]")
    script.add("plot NaN notitle")
  }

  private static func letter(_ index: Int) -> String {
    String(UnicodeScalar(UInt8(ascii: "a") + UInt8(index)))
  }
}
