import Foundation

extension LineChart {
  /// Draws the reference lines and their labels outside the axes, and returns the pixels needed
  /// on the right for them.
  func addReferences(
    _ xRange: ClosedRange<Double>, _ yRange: ClosedRange<Double>, in frame: PlotFrame,
    to script: inout PlotScript
  ) -> Double {
    let horizontal = visible(.horizontal, on: y, yRange)
    let vertical = visible(.vertical, on: x, xRange)
    let style = "nohead back linecolor rgb \"#444444\" linewidth 1.1 dashtype (5,4)"
    for line in horizontal {
      script.add(
        "set arrow from graph 0,first \(line.value) to graph 1,first \(line.value) \(style)")
    }
    for line in vertical {
      script.add(
        "set arrow from first \(line.value),graph 0 to first \(line.value),graph 1 \(style)")
    }

    let height = frame.size.height * 0.65
    let rows = Self.spread(
      horizontal.map { Self.fraction($0.value, in: yRange, y.scale) },
      apart: 1.15 * PlotScript.fontSize / height)
    let textColour = "textcolor rgb \"#333333\" noenhanced"
    for (line, fraction) in zip(horizontal, rows) where !line.label.isEmpty {
      script.add(
        "set label \(PlotScript.quotedLine(line.label)) at graph 1,graph \(fraction) left "
          + "offset character 0.7,0 \(textColour)")
    }
    let levels = stack(vertical, xRange, in: frame)
    let top = addTitle(above: (levels.max() ?? -1) + 1, in: frame, to: &script)
    for (line, level) in zip(vertical, levels) where !line.label.isEmpty {
      let height = script.screenY(top - 9 - Self.lineHeight * Double(level))
      script.add(
        "set label \(PlotScript.quotedLine(line.label)) at first \(line.value),screen \(height) "
          + "center \(textColour)")
    }
    let widths = horizontal.map { PlotScript.textWidth(PlotScript.singleLine($0.label)) }
    return (widths.max() ?? 0) > 0 ? (widths.max() ?? 0) + 16 : 0
  }

  private static let lineHeight = 16.0

  /// Draws the title over `rows` lines of labels and returns the top edge of the axes on the
  /// canvas, in pixels.
  private func addTitle(
    above rows: Int, in frame: PlotFrame, to script: inout PlotScript
  ) -> Double {
    let size = 13.5
    let lines = PlotScript.wrapped(title, width: frame.size.width * 0.86, size: size)
    let titleHeight = title.isEmpty ? 0 : Double(lines.count) * 18 + 8
    let letterHeight = frame.letter == nil ? 0.0 : 26
    let top = frame.y + 12 + max(titleHeight, letterHeight) + Self.lineHeight * Double(rows)
    script.add("set tmargin at screen \(script.screenY(top))")
    guard !title.isEmpty else { return top }
    script.add(
      "set label \(PlotScript.quoted(lines.joined(separator: "\n"))) at graph 0.5,"
        + "screen \(script.screenY(frame.y + 17)) center noenhanced \(script.font(pixels: size))")
    return top
  }

  /// Places the legend, and fixes the right margin when something has to stand in it.
  func addLegend(
    _ legend: Legend, reserved: Double, in frame: PlotFrame, to script: inout PlotScript
  ) {
    let labels = series.map(\.label).filter { !$0.isEmpty }
    var margin = reserved
    let look = "noenhanced Left reverse samplen 2.2 spacing 1.15"
    switch legend {
    case _ where labels.isEmpty, .none:
      script.add("unset key")
    case .below:
      script.add("set key below center horizontal height 0.7 \(look)")
    case .right:
      let width = labels.map { PlotScript.textWidth(PlotScript.singleLine($0)) }.max() ?? 0
      let left = frame.x + frame.size.width - width - 52
      margin += width + 60
      script.add("set key at screen \(script.screenX(left)),graph 1 left top vertical \(look)")
    case .topLeft, .topRight, .bottomLeft, .bottomRight:
      let corner = [
        Legend.topLeft: "top left", .topRight: "top right", .bottomLeft: "bottom left",
        .bottomRight: "bottom right",
      ]
      script.add(
        "set key inside \(corner[legend] ?? "") vertical opaque fillcolor rgb \"white\" \(look)")
    }
    if margin > 0 {
      let right = frame.x + frame.size.width - margin
      script.add("set rmargin at screen \(script.screenX(right))")
    }
  }

  private func visible(
    _ direction: ReferenceLine.Direction, on axis: Axis, _ range: ClosedRange<Double>
  ) -> [ReferenceLine] {
    references.filter {
      $0.direction == direction && axis.canShow($0.value) && range.contains($0.value)
    }
    .sorted { $0.value < $1.value }
  }

  /// For every vertical line the lowest row above the axes where its label meets no other.
  private func stack(
    _ lines: [ReferenceLine], _ range: ClosedRange<Double>, in frame: PlotFrame
  ) -> [Int] {
    var ends: [Double] = []
    return lines.map { line in
      let label = PlotScript.singleLine(line.label)
      guard !label.isEmpty else { return -1 }
      let centre = Self.fraction(line.value, in: range, x.scale) * frame.size.width * 0.8
      let half = PlotScript.textWidth(label) / 2 + 4
      let level = ends.firstIndex { $0 < centre - half } ?? ends.count
      if level == ends.count { ends.append(0) }
      ends[level] = centre + half
      return level
    }
  }

  /// The position of a value along an axis, 0...1.
  static func fraction(
    _ value: Double, in range: ClosedRange<Double>, _ scale: Axis.Scale
  ) -> Double {
    let place: (Double) -> Double = scale == .linear ? { $0 } : { log10($0) }
    let low = place(range.lowerBound)
    return (place(value) - low) / (place(range.upperBound) - low)
  }

  /// Moves ascending positions in 0...1 as little as needed to be at least `gap` apart.
  static func spread(_ positions: [Double], apart gap: Double) -> [Double] {
    var clusters: [(sum: Double, count: Int)] = []
    func centre(_ cluster: (sum: Double, count: Int)) -> Double {
      cluster.sum / Double(cluster.count)
    }
    for position in positions {
      clusters.append((position, 1))
      while clusters.count > 1 {
        let upper = clusters[clusters.count - 1]
        let lower = clusters[clusters.count - 2]
        let needed = gap * Double(upper.count + lower.count) / 2
        guard centre(upper) - centre(lower) < needed else { break }
        clusters.removeLast(2)
        clusters.append((upper.sum + lower.sum, upper.count + lower.count))
      }
    }
    return clusters.flatMap { cluster in
      (0..<cluster.count).map {
        centre(cluster) + gap * (Double($0) - Double(cluster.count - 1) / 2)
      }
    }
  }
}
