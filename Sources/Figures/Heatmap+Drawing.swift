import Foundation

extension Heatmap {
  /// More cells than this along a side are averaged for the screen.
  static let screenCells = 500

  /// Draws the cells, their labels, the dividers and the colour key.
  package func draw(in frame: PlotFrame, on script: inout PlotScript) {
    script.begin(frame)
    if !title.isEmpty || frame.letter != nil {
      let text = PlotScript.quoted(title.isEmpty ? " " : title)
      script.add("set title \(text) noenhanced \(script.font(pixels: 13.5))")
    }
    script.add("set border 15 linecolor rgb \"#555555\" linewidth 0.8")
    script.add("unset key")
    script.add("set xrange [0:\(columnCount)] noextend")
    script.add("set yrange [0:\(rowCount)] noextend")
    script.add("set ylabel \(PlotScript.quoted(rowTitle)) noenhanced")
    script.add("set palette \(colours.gnuplotPalette(over: range)) maxcolors 255")
    script.add("set cbrange [\(range.lowerBound):\(range.upperBound)]")
    script.add("set cblabel \(PlotScript.quoted(valueTitle)) noenhanced")
    if rowCount == columnCount { script.add("set size ratio -1") }
    addColourKey(in: frame, to: &script)
    addTicks(in: frame, to: &script)
    addDividers(to: &script)

    let cells = script.format == .pdf ? values : reduced(toAtMost: Self.screenCells)
    let width = Double(columnCount) / Double(cells[0].count)
    let height = Double(rowCount) / Double(cells.count)
    let source = script.addMatrix(cells)
    // Few cells are drawn as exact rectangles, many as one embedded bitmap.
    let kind = rowCount * columnCount <= 1600 ? "image pixels" : "image"
    var clauses = [
      "\(source) dx=\(width) dy=\(height) origin=(\(width / 2),\(height / 2)) with \(kind) notitle"
    ]
    if showsValues { clauses += valueClauses(in: frame, to: &script) }
    script.add("plot " + clauses.joined(separator: ", \\\n  "))
  }

  private func addColourKey(in frame: PlotFrame, to script: inout PlotScript) {
    script.add("set cbtics out scale 0.4")
    // gnuplot reserves no room for a colour key that is placed by hand.
    let labels = [range.lowerBound, range.upperBound].map {
      PlotScript.textWidth(String(format: "%.4g", $0 / 2))
    }
    let room = 56 + (labels.max() ?? 0) + (valueTitle.isEmpty ? 0 : 20)
    script.add(
      "set rmargin at screen \(script.screenX(frame.x + frame.size.width - room))")
    let width = 22.0 / script.canvas.width
    script.add("set colorbox user noborder origin graph 1.03,graph 0 size \(width),graph 1")
  }

  private func addTicks(in frame: PlotFrame, to script: inout PlotScript) {
    script.add("set xtics scale 0")
    script.add("set ytics scale 0")
    let widest = rowLabels.map { PlotScript.textWidth(PlotScript.singleLine($0)) }.max() ?? 40
    let plotWidth = max(frame.size.width - widest - 130, 60)
    let plotHeight = max(frame.size.height - 110, 60)
    let square = rowCount == columnCount ? min(plotWidth, plotHeight) : nil

    if rowLabels.isEmpty {
      addNumberTicks("y", count: rowCount, isReversed: true, to: &script)
    } else {
      let step = Self.step(rowCount, available: square ?? plotHeight)
      let ticks = stride(from: 0, to: rowCount, by: step).map {
        "\(PlotScript.quotedTick(rowLabels[$0])) \(Double(rowCount - $0) - 0.5)"
      }
      script.add("set ytics (\(ticks.joined(separator: ", "))) noenhanced")
    }
    var drop = 22.0
    if columnLabels.isEmpty {
      addNumberTicks("x", count: columnCount, isReversed: false, to: &script)
    } else {
      let room = (square ?? plotWidth) / Double(columnCount)
      let widest =
        columnLabels.map { PlotScript.textWidth(PlotScript.singleLine($0)) }.max() ?? 0
      let isUpright = widest + 6 > room
      let step = isUpright ? Self.step(columnCount, available: square ?? plotWidth) : 1
      let ticks = stride(from: 0, to: columnCount, by: step).map {
        "\(PlotScript.quotedTick(columnLabels[$0])) \(Double($0) + 0.5)"
      }
      if isUpright { drop = widest * 0.95 + 8 }
      let turn = isUpright ? "rotate by 90 right" : "norotate"
      script.add("set xtics \(turn) (\(ticks.joined(separator: ", "))) noenhanced")
    }
    // gnuplot plans too much room for upright labels.
    let bottom = drop + (columnTitle.isEmpty ? 8 : 28)
    script.add(
      "set bmargin at screen \(script.screenY(frame.y + frame.size.height - bottom))")
    script.add(
      "set label \(PlotScript.quotedLine(columnTitle)) at graph 0.5,"
        + "screen \(script.screenY(frame.y + frame.size.height - 12)) center noenhanced")
  }

  /// Round cell numbers, from 0, on a side without labels.
  private func addNumberTicks(
    _ axis: String, count: Int, isReversed: Bool, to script: inout PlotScript
  ) {
    let rough = Double(count) / 5
    let magnitude = pow(10, log10(max(rough, 1)).rounded(.down))
    let step = max(
      Int(saturating: ([1, 2, 5, 10].first { $0 * magnitude >= rough } ?? 10) * magnitude), 1)
    let ticks = stride(from: 0, to: count, by: step).map {
      "\"\($0)\" \((isReversed ? Double(count - $0) - 0.5 : Double($0) + 0.5))"
    }
    script.add("set \(axis)tics (\(ticks.joined(separator: ", ")))")
  }

  /// Every how many-th label fits into `available` pixels.
  private static func step(_ count: Int, available: Double) -> Int {
    max(1, Int(saturating: (Double(count) * PlotScript.fontSize * 1.1 / available).rounded(.up)))
  }

  private func addDividers(to script: inout PlotScript) {
    let style = "nohead front linecolor rgb \"#000000\" linewidth 1.2"
    for row in rowDividers where row > 0 && row < rowCount {
      script.add("set arrow from 0,\(rowCount - row) to \(columnCount),\(rowCount - row) \(style)")
    }
    for column in columnDividers where column > 0 && column < columnCount {
      script.add("set arrow from \(column),0 to \(column),\(rowCount) \(style)")
    }
  }

  /// The values as text, dark on light cells and light on dark ones.
  private func valueClauses(in frame: PlotFrame, to script: inout PlotScript) -> [String] {
    let room = min(
      (frame.size.width - 170) / Double(columnCount) / 3.2,
      (frame.size.height - 110) / Double(rowCount) / 1.2)
    guard room >= 6 else { return [] }
    var dark = ""
    var light = ""
    for (row, cells) in values.enumerated() {
      for (column, value) in cells.enumerated() where value.isFinite {
        let digits = String(format: "%.2f", value)
        let text = digits == "-0.00" ? "0.00" : digits.replacing("-", with: "\u{2212}")
        let line = "\(Double(column) + 0.5) \(Double(rowCount - row) - 0.5) \(text)\n"
        let isDark = colours.colour(of: value, in: range).lightness < 0.5
        light += isDark ? line : ""
        dark += isDark ? "" : line
      }
    }
    let font = script.font(pixels: min(room, 11))
    return [(dark, "#000000"), (light, "#FFFFFF")].compactMap { text, colour in
      guard !text.isEmpty else { return nil }
      return "\(script.addFile(Data(text.utf8))) using 1:2:3 with labels center "
        + "\(font) textcolor rgb \"\(colour)\" notitle"
    }
  }
}
