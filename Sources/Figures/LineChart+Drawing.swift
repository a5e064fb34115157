import Foundation

extension LineChart {
  /// Draws axes, reference lines, bands, curves and legend.
  package func draw(in frame: PlotFrame, on script: inout PlotScript) {
    let xRange = xRange
    let yRange = yRange
    script.begin(frame)
    script.add("set grid back linetype 1 linecolor rgb \"#E4E4E4\" linewidth 0.6")
    addAxis(x, "x", xRange, room: frame.size.width * 0.8, to: &script)
    addAxis(y, "y", yRange, room: frame.size.height * 0.75, to: &script)
    let rightMargin = addReferences(xRange, yRange, in: frame, to: &script)
    let hasRoom = legendHasRoom(xRange, yRange, in: frame)
    addLegend(hasRoom ? legend : .below, reserved: rightMargin, in: frame, to: &script)

    // The first clause draws nothing; it keeps gnuplot content when there is nothing to draw.
    var clauses = ["NaN notitle"]
    var entries: [String] = []
    for (index, series) in series.enumerated() {
      let points = SeriesPoints(series, xAxis: x, yAxis: y)
      let colour = series.colour ?? Colour.categories[index % Colour.categories.count]
      clauses += bandClauses(points, colour, to: &script)
      let stroke = stroke(of: series, at: index, colour)
      clauses += curveClauses(points, series.style, stroke, to: &script)
      if !series.label.isEmpty, legend != .none {
        let kind = Self.legendKind(series.style)
        entries.append(
          "keyentry with \(kind) \(stroke) title \(PlotScript.quotedLine(series.label))")
      }
    }
    // Bands of all series lie behind all curves.
    let bands = clauses.filter { $0.contains("filledcurves") }
    let curves = clauses.filter { !$0.contains("filledcurves") }
    if clauses.count == 1 {
      script.add(
        "set label \"no finite data\" at graph 0.5,0.5 center textcolor rgb \"#777777\"")
    }
    script.add("plot " + (bands + curves + entries).joined(separator: ", \\\n  "))
  }

  private func addAxis(
    _ axis: Axis, _ name: String, _ range: ClosedRange<Double>, room: Double,
    to script: inout PlotScript
  ) {
    script.add("set \(name)range [\(range.lowerBound):\(range.upperBound)] noextend")
    // A label longer than its axis is set smaller, down to what can still be read.
    let fit = PlotScript.fontSize * room / max(PlotScript.textWidth(axis.title), 1)
    let font = script.font(pixels: min(PlotScript.fontSize, max(fit, 8)))
    let offset = name == "x" ? "offset character 0,\(script.format == .svg ? 0.5 : 0.2)" : ""
    script.add(
      "set \(name)label \(PlotScript.quotedLine(axis.title)) noenhanced \(offset) \(font)")
    guard axis.scale == .logarithmic else { return }
    script.add("set logscale \(name)")
    let ticks = Axis.logarithmicTicks(over: range).map { tick in
      tick.label.map { "\"\($0)\" \(tick.value)" } ?? "\"\" \(tick.value) 1"
    }
    if !ticks.isEmpty { script.add("set \(name)tics (\(ticks.joined(separator: ", ")))") }
  }

  private static func legendKind(_ style: Series.Style) -> String {
    switch style {
    case .line, .steps, .centredSteps: "lines"
    case .points: "points"
    case .both: "linespoints"
    }
  }

  private func stroke(of series: Series, at index: Int, _ colour: Colour) -> String {
    let dashes = [1: "1", 2: "(9,5)", 3: "(2,4)", 4: "(9,4,2,4)"]
    let round = index / Colour.categories.count
    let dash = series.dash?.rawValue ?? round % Series.Dash.allCases.count
    let shapes = [7, 5, 9, 13, 11, 6, 4]
    let line = "linecolor rgb \"\(colour.hex)\" linewidth 1.8 dashtype \(dashes[dash + 1] ?? "1")"
    let size = series.style == .points ? 0.75 : 0.55
    let point = " pointtype \(shapes[index % shapes.count]) pointsize \(size)"
    return switch series.style {
    case .line, .steps, .centredSteps: line
    case .both: line + point
    case .points: "linecolor rgb \"\(colour.hex)\"" + point
    }
  }

  private func bandClauses(
    _ points: SeriesPoints, _ colour: Colour, to script: inout PlotScript
  ) -> [String] {
    points.bandRuns.map { run in
      let file = script.addFile(SeriesPoints.text(of: [run]))
      return "\(file) using 1:2:3 with filledcurves fillcolor rgb \"\(colour.hex)\" "
        + "fillstyle transparent solid 0.18 noborder notitle"
    }
  }

  private func curveClauses(
    _ points: SeriesPoints, _ style: Series.Style, _ stroke: String, to script: inout PlotScript
  ) -> [String] {
    guard !points.runs.isEmpty else { return [] }
    let kind =
      switch style {
      case .line, .centredSteps: "lines"
      case .points: "points"
      case .both: "linespoints"
      case .steps: "steps"
      }
    let runs = style == .centredSteps ? points.runs.map(SeriesPoints.centredSteps) : points.runs
    let file = script.addFile(SeriesPoints.text(of: runs))
    var clauses = ["\(file) using 1:2 with \(kind) \(stroke) notitle"]
    // A line through a single point is invisible; such a point gets a dot.
    let lonely = points.runs.filter { $0.count == 1 }
    if !lonely.isEmpty, style == .line || style == .steps || style == .centredSteps {
      let file = script.addFile(SeriesPoints.text(of: lonely))
      clauses.append("\(file) using 1:2 with points \(stroke) pointtype 7 pointsize 0.3 notitle")
    }
    return clauses
  }
}

/// The finite points of a series as runs without gaps.
struct SeriesPoints {
  /// Rows of x, y.
  private(set) var runs: [[[Double]]] = []
  /// Rows of x, lower, upper.
  private(set) var bandRuns: [[[Double]]] = []

  init(_ series: Series, xAxis: Axis, yAxis: Axis) {
    runs = Self.runs(
      series.x.indices.map { [series.x[$0], series.y[$0]] }, xAxis, yAxis)
    if let band = series.band {
      bandRuns = Self.runs(
        series.x.indices.map { [series.x[$0], band.lower[$0], band.upper[$0]] }, xAxis, yAxis
      ).filter { $0.count > 1 }
    }
  }

  private static func runs(_ rows: [[Double]], _ xAxis: Axis, _ yAxis: Axis) -> [[[Double]]] {
    rows.split { !xAxis.canShow($0[0]) || !$0.dropFirst().allSatisfy(yAxis.canShow) }
      .map(Array.init)
  }

  /// The corners of the outline of bars that touch halfway between the points.
  ///
  /// gnuplot's own `histeps` would draw the outer sides down to the axis as well.
  static func centredSteps(_ run: [[Double]]) -> [[Double]] {
    guard run.count > 1 else { return run }
    var corners: [[Double]] = []
    for (index, point) in run.enumerated() {
      let before = index > 0 ? point[0] - run[index - 1][0] : run[1][0] - point[0]
      let after = index + 1 < run.count ? run[index + 1][0] - point[0] : before
      corners.append([point[0] - before / 2, point[1]])
      corners.append([point[0] + after / 2, point[1]])
    }
    return corners
  }

  /// gnuplot text data; runs are separated by the blank line that interrupts a curve.
  static func text(of runs: [[[Double]]]) -> Data {
    let blocks = runs.map { run in
      run.map { row in row.map { "\($0)" }.joined(separator: " ") + "\n" }.joined()
    }
    return Data(blocks.joined(separator: "\n").utf8)
  }
}
