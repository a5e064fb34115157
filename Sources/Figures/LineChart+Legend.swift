extension LineChart {
  /// Whether the corner asked for is free of curves and bands; always true outside the axes.
  func legendHasRoom(
    _ xRange: ClosedRange<Double>, _ yRange: ClosedRange<Double>, in frame: PlotFrame
  ) -> Bool {
    let isLeft = legend == .topLeft || legend == .bottomLeft
    let isTop = legend == .topLeft || legend == .topRight
    guard isLeft || isTop || legend == .bottomRight else { return true }
    let labels = series.map(\.label).filter { !$0.isEmpty }
    let widest = labels.map { PlotScript.textWidth(PlotScript.singleLine($0)) }.max() ?? 0
    // The size of the legend as fractions of the axes, which take most of the frame.
    let width = (widest + 64) / (frame.size.width * 0.85)
    let height = (Double(labels.count) * 21 + 10) / (frame.size.height * 0.75)
    let columns = isLeft ? -0.1...width : (1 - width)...1.1
    let rows = isTop ? (1 - height)...1.1 : -0.1...height
    for series in series {
      let edges = [series.y] + (series.band.map { [$0.lower, $0.upper] } ?? [])
      for edge in edges {
        let places = zip(series.x, edge).map { x, y -> (x: Double, y: Double)? in
          guard self.x.canShow(x), self.y.canShow(y) else { return nil }
          return (
            Self.fraction(x, in: xRange, self.x.scale), Self.fraction(y, in: yRange, self.y.scale)
          )
        }
        for (start, end) in zip(places, places.dropFirst() + [nil]) {
          guard let start else { continue }
          let end = end ?? start
          // A segment is tested at points close enough not to jump over the legend.
          for step in 0...32 {
            let share = Double(step) / 32
            let x = start.x + (end.x - start.x) * share
            let y = start.y + (end.y - start.y) * share
            if columns.contains(x), rows.contains(y) { return false }
            if start == end { break }
          }
        }
      }
    }
    return true
  }
}
