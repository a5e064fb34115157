/// One curve of a ``LineChart``.
public struct Series: Hashable, Sendable {
  /// How the points are joined.
  public enum Style: String, Hashable, Sendable {
    /// Straight lines.
    case line
    /// Points alone.
    case points
    /// Straight lines and points.
    case both
    /// Steps that change at the points: the value holds until the next point.
    case steps
    /// Steps that change halfway between points: an outline of bars centred on the points.
    case centredSteps
  }

  /// The pattern of a line.
  public enum Dash: Int, CaseIterable, Hashable, Sendable {
    /// Unbroken.
    case solid
    /// Long strokes.
    case dashed
    /// Short strokes.
    case dotted
    /// Alternating.
    case dashDotted
  }

  /// The entry in the legend; no entry when empty.
  public var label: String
  /// Horizontal positions.
  public var x: [Double]
  /// Vertical positions, as many. A point that is not finite, or not positive on a logarithmic
  /// axis, leaves a gap.
  public var y: [Double]
  /// The band drawn behind the curve: lower and upper edge for every point.
  public var band: Band?
  /// How the points are joined.
  public var style: Style
  /// The pattern of the line; `nil` is solid until the colours repeat.
  public var dash: Dash?
  /// The colour; `nil` takes the next of ``Colour/categories``.
  public var colour: Colour?

  /// The edges of a shaded band, for example quantiles over seeds.
  public struct Band: Hashable, Sendable {
    /// Lower edge for every point.
    public var lower: [Double]
    /// Upper edge for every point.
    public var upper: [Double]

    /// Makes a band from as many values each.
    public init(lower: [Double], upper: [Double]) {
      precondition(lower.count == upper.count, "both edges of a band need as many values")
      self.lower = lower
      self.upper = upper
    }
  }

  /// Makes a series; all arrays must have the same length.
  public init(
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
public struct ReferenceLine: Hashable, Sendable {
  /// Which way the line runs.
  public enum Direction: String, Hashable, Sendable {
    /// At a fixed y.
    case horizontal
    /// At a fixed x.
    case vertical
  }

  /// Which way the line runs.
  public var direction: Direction
  /// The fixed y or x.
  public var value: Double
  /// Drawn outside the axes at the end of the line, so that it never covers data.
  public var label: String

  /// A horizontal line at `y`.
  public static func horizontal(_ y: Double, label: String = "") -> ReferenceLine {
    ReferenceLine(direction: .horizontal, value: y, label: label)
  }

  /// A vertical line at `x`.
  public static func vertical(_ x: Double, label: String = "") -> ReferenceLine {
    ReferenceLine(direction: .vertical, value: x, label: label)
  }
}
