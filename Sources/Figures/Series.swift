/// One curve of a ``LineChart``.
package struct Series: Hashable, Sendable {
  /// How the points are joined.
  package enum Style: String, Hashable, Sendable {
    case line
    case points
    /// Straight lines and points.
    case both
    /// Steps that change at the points: the value holds until the next point.
    case steps
    /// Steps that change halfway between points: an outline of bars centred on the points.
    case centredSteps
  }

  /// The pattern of a line.
  package enum Dash: Int, CaseIterable, Hashable, Sendable {
    case solid
    case dashed
    case dotted
    case dashDotted
  }

  /// The entry in the legend; no entry when empty.
  package var label: String
  package var x: [Double]
  /// Vertical positions, as many. A point that is not finite, or not positive on a logarithmic
  /// axis, leaves a gap.
  package var y: [Double]
  /// The band drawn behind the curve: lower and upper edge for every point.
  package var band: Band?
  /// How the points are joined.
  package var style: Style
  /// The pattern of the line; `nil` is solid until the colours repeat.
  package var dash: Dash?
  /// The colour; `nil` takes the next of ``Colour/categories``.
  package var colour: Colour?

  /// The edges of a shaded band, for example quantiles over seeds.
  package struct Band: Hashable, Sendable {
    /// Lower edge for every point.
    package var lower: [Double]
    /// Upper edge for every point.
    package var upper: [Double]

    /// Makes a band from as many values each.
    package init(lower: [Double], upper: [Double]) {
      precondition(lower.count == upper.count, "both edges of a band need as many values")
      self.lower = lower
      self.upper = upper
    }
  }

  /// Makes a series; all arrays must have the same length.
  package init(
    _ label: String, x: [Double], y: [Double], band: Band? = nil, style: Style = .line,
    dash: Dash? = nil, colour: Colour? = nil
  ) {
    precondition(x.count == y.count, "a series needs as many x as y")
    precondition(band.map { $0.lower.count == x.count } ?? true, "a band needs a value for each x")
    self.label = label
    self.x = x
    self.y = y
    self.band = band
    self.style = style
    self.dash = dash
    self.colour = colour
  }
}

/// A labelled straight line across a chart, for example the value a theorem predicts.
package struct ReferenceLine: Hashable, Sendable {
  /// Which way the line runs.
  package enum Direction: String, Hashable, Sendable {
    /// At a fixed y.
    case horizontal
    /// At a fixed x.
    case vertical
  }

  /// Which way the line runs.
  package var direction: Direction
  /// The fixed y or x.
  package var value: Double
  /// Drawn outside the axes at the end of the line, so that it never covers data.
  package var label: String

  /// A horizontal line at `y`.
  package static func horizontal(_ y: Double, label: String = "") -> ReferenceLine {
    ReferenceLine(direction: .horizontal, value: y, label: label)
  }

  /// A vertical line at `x`.
  package static func vertical(_ x: Double, label: String = "") -> ReferenceLine {
    ReferenceLine(direction: .vertical, value: x, label: label)
  }
}
