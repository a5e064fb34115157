import Foundation

extension ImageGrid {
  /// Where everything stands, in pixels from the top left corner.
  struct Layout {
    var size: FigureSize
    /// Left edge of the first column and top edge of the first row of images.
    var left: Double
    var top: Double
    /// Distance between columns, and between rows.
    var columnStep: Double
    var rowStep: Double
    var headingWidth: Double
  }

  private static let captionSize = 11.0
  private static let lineHeight = 1.25

  private static func lines(_ text: String) -> [Substring] {
    text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
  }

  private static func width(_ text: String, _ size: Double) -> Double {
    lines(text).map { PlotScript.textWidth(String($0), size: size) }.max() ?? 0
  }

  var layout: Layout {
    let columns = max(rows.map(\.images.count).max() ?? 1, 1)
    let captions = rows.flatMap(\.images).compactMap { $0?.caption }
    let captionWidth = captions.map { Self.width($0, Self.captionSize) }.max() ?? 0
    let columnWidth =
      columnHeadings.map { Self.width($0, PlotScript.fontSize) }.max() ?? 0
    let captionLines = captions.filter { !$0.isEmpty }.map { Self.lines($0).count }.max() ?? 0
    let headingWidth = rows.map { Self.width($0.heading, PlotScript.fontSize) }.max() ?? 0
    let columnStep = max(cellSize, captionWidth, columnWidth) + 10
    let rowStep = cellSize + Double(captionLines) * Self.captionSize * Self.lineHeight + 12
    let headingLines = columnHeadings.map { Self.lines($0).count }.max() ?? 0
    let titleHeight = title.isEmpty ? 0 : 20 * Double(Self.lines(title).count)
    let top =
      10 + titleHeight + Double(headingLines) * PlotScript.fontSize * Self.lineHeight
      + (headingLines > 0 ? 4 : 0)
    let left = 10 + (headingWidth > 0 ? headingWidth + 10 : 0)
    let width = max(left + Double(columns) * columnStep, Self.width(title, 13.5) + 20)
    return Layout(
      size: FigureSize(
        width: width.rounded(.up), height: (top + Double(rows.count) * rowStep).rounded(.up)),
      left: left, top: top, columnStep: columnStep, rowStep: rowStep, headingWidth: headingWidth)
  }

  /// Draws every image as pixels; a frame of another size scales the whole grid.
  package func draw(in frame: PlotFrame, on script: inout PlotScript) {
    let layout = layout
    // Beside a panel letter the grid starts lower.
    let inset = frame.letter == nil || !title.isEmpty ? 0.0 : 18.0
    let scale = min(
      frame.size.width / layout.size.width, (frame.size.height - inset) / layout.size.height, 1.25)
    let origin = (frame.size.width - layout.size.width * scale) / 2
    script.begin(frame)
    script.add("unset border")
    script.add("unset tics")
    script.add("unset key")
    script.add("set lmargin 0; set rmargin 0; set tmargin 0; set bmargin 0")
    // One unit of both axes is a pixel; y runs upwards.
    script.add("set xrange [0:\(frame.size.width)] noextend")
    script.add("set yrange [0:\(frame.size.height)] noextend")

    func label(_ text: String, _ x: Double, _ y: Double, _ alignment: String, _ size: Double) {
      guard !text.isEmpty else { return }
      script.add(
        "set label \(PlotScript.quoted(text)) at \(origin + x * scale),"
          + "\(frame.size.height - inset - y * scale) \(alignment) noenhanced "
          + script.font(pixels: size * scale))
    }
    if !title.isEmpty { label(title, layout.size.width / 2, 16, "center", 13.5) }
    for (column, heading) in columnHeadings.enumerated() {
      let lines = Double(Self.lines(heading).count) - 1
      label(
        heading, layout.left + (Double(column) + 0.5) * layout.columnStep,
        layout.top - 9 - lines * PlotScript.fontSize * Self.lineHeight, "center",
        PlotScript.fontSize)
    }
    var clauses: [String] = []
    for (rowIndex, row) in rows.enumerated() {
      let top = layout.top + Double(rowIndex) * layout.rowStep
      let lines = Double(Self.lines(row.heading).count) - 1
      label(
        row.heading, layout.left - 10,
        top + cellSize / 2 - lines * PlotScript.fontSize * Self.lineHeight / 2, "right",
        PlotScript.fontSize)
      for (column, image) in row.images.enumerated() {
        guard let image else { continue }
        let centre = layout.left + (Double(column) + 0.5) * layout.columnStep
        label(image.caption, centre, top + cellSize + 9, "center", Self.captionSize)
        clauses.append(
          Self.clause(
            image, centreX: origin + centre * scale,
            centreY: frame.size.height - inset - (top + cellSize / 2) * scale,
            side: cellSize * scale, to: &script))
      }
    }
    script.add("plot " + (["NaN notitle"] + clauses).joined(separator: ", \\\n  "))
  }

  private static func clause(
    _ image: Image, centreX: Double, centreY: Double, side: Double, to script: inout PlotScript
  ) -> String {
    let rows = image.pixels.count
    let columns = image.pixels[0].count
    let pixel = side / Double(max(rows, columns))
    var data = Data(capacity: rows * columns * 3)
    for row in image.pixels.reversed() {
      for value in row {
        let colour = image.colours.colour(of: value, in: image.range)
        data.append(contentsOf: [colour.red, colour.green, colour.blue])
      }
    }
    let halfWidth = pixel * Double(columns) / 2
    let halfHeight = pixel * Double(rows) / 2
    script.add(
      "set object rectangle from \(centreX - halfWidth),\(centreY - halfHeight) to "
        + "\(centreX + halfWidth),\(centreY + halfHeight) front fillstyle empty border "
        + "linecolor rgb \"#999999\" linewidth 0.6")
    return "\(script.addFile(data)) binary array=(\(columns),\(rows)) "
      + "format=\"%uchar%uchar%uchar\" dx=\(pixel) dy=\(pixel) "
      + "origin=(\(centreX - halfWidth + pixel / 2),\(centreY - halfHeight + pixel / 2)) "
      + "using 1:2:3 with rgbimage\(rows * columns <= 144 ? " pixels" : "") notitle"
  }
}
