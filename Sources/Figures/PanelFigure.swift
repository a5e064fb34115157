/// Several figures in one, with the letters (a), (b), …
package struct PanelFigure: Figure {
  /// Heading over all panels; none when empty.
  package var title: String
  /// The panels, row by row.
  package var panels: [any Figure]
  /// Panels in a row.
  package var columns: Int
  /// Indices of panels that take a whole row.
  package var wide: Set<Int>
  /// The size of each panel.
  package var panelSize: FigureSize

  /// Makes a figure of at least one and at most 26 panels, none of which has panels itself.
  package init(
    title: String = "", panels: [any Figure], columns: Int = 2, wide: Set<Int> = [],
    panelSize: FigureSize = FigureSize(width: 420, height: 340)
  ) {
    precondition((1...26).contains(panels.count), "1 to 26 panels")
    precondition(columns >= 1, "at least one column")
    precondition(!panels.contains { $0 is PanelFigure }, "panels cannot have panels")
    self.title = title
    self.panels = panels
    self.columns = min(columns, panels.count)
    self.wide = wide
    self.panelSize = panelSize
  }

  private var titleHeight: Double { title.isEmpty ? 0 : 30 }

  /// The indices of the panels in every row.
  private var rows: [[Int]] {
    var rows: [[Int]] = []
    for index in panels.indices {
      let hasRoom = rows.last.map { $0.count < columns && !wide.contains($0[0]) } ?? false
      if hasRoom, !wide.contains(index) {
        rows[rows.count - 1].append(index)
      } else {
        rows.append([index])
      }
    }
    return rows
  }

  /// The height of a row: that of a panel, or less when a wide panel is flat.
  private func height(ofRow indices: [Int]) -> Double {
    guard wide.contains(indices[0]) else { return panelSize.height }
    let own = panels[indices[0]].preferredSize
    let flat = panelSize.width * Double(columns) * own.height / own.width + 12
    return min(panelSize.height, flat)
  }

  /// The size that follows from the number of panels.
  package var preferredSize: FigureSize {
    FigureSize(
      width: panelSize.width * Double(columns),
      height: rows.map(height(ofRow:)).reduce(titleHeight, +))
  }

  /// The tables of the panels; their suffixes start with the panel letter.
  package var tables: [FigureTable] {
    panels.enumerated().flatMap { index, panel in
      panel.tables.map {
        FigureTable(suffix: "-\(Self.letter(index))\($0.suffix)", csv: $0.csv)
      }
    }
  }

  /// Draws the panels from left to right and from top to bottom.
  package func draw(in frame: PlotFrame, on script: inout PlotScript) {
    let scale = frame.size.height / preferredSize.height
    var top = frame.y + titleHeight * scale
    for indices in rows {
      let height = height(ofRow: indices) * scale
      for (column, index) in indices.enumerated() {
        let columns = wide.contains(index) ? 1 : columns
        let width = frame.size.width / Double(columns)
        let panelFrame = PlotFrame(
          x: frame.x + Double(column) * width,
          y: top,
          size: FigureSize(width: width, height: height), letter: Self.letter(index))
        panels[index].draw(in: panelFrame, on: &script)
      }
      top += height
    }
    guard !title.isEmpty else { return }
    script.begin(PlotFrame(x: frame.x, y: frame.y, size: frame.size))
    script.add("unset border; unset tics; unset key")
    script.add(
      "set label \(PlotScript.quotedLine(title)) at "
        + "screen \(script.screenX(frame.x + frame.size.width / 2)),"
        + "\(script.screenY(frame.y + 18)) center noenhanced "
        + script.font(pixels: 15))
    script.add("set xrange [0:1]; set yrange [0:1]")
    script.add("plot NaN notitle")
  }

  private static func letter(_ index: Int) -> String {
    String(UnicodeScalar(UInt8(ascii: "a") + UInt8(index)))
  }
}
