import Foundation

/// One axis of a chart.
public struct Axis: Hashable, Sendable {
  /// How values are spaced.
  public enum Scale: String, Hashable, Sendable {
    /// Evenly.
    case linear
    /// By their logarithm; values that are not positive are not drawn.
    case logarithmic
  }

  /// What is measured.
  public var label: String
  /// Its unit, shown in parentheses after the label.
  public var unit: String?
  /// How values are spaced.
  public var scale: Scale
  /// The values shown; `nil` takes the range of the data, with a margin.
  public var range: ClosedRange<Double>?

  /// Makes an axis. A given range must be finite, not empty, and positive on a logarithmic scale.
  public init(
    _ label: String, unit: String? = nil, scale: Scale = .linear,
    range: ClosedRange<Double>? = nil
  ) {
    if let range {
      precondition(range.lowerBound < range.upperBound, "an axis range must not be empty")
      precondition(range.lowerBound.isFinite && range.upperBound.isFinite, "finite range")
      precondition(scale == .linear || range.lowerBound > 0, "a logarithm needs a positive range")
    }
    self.label = label
    self.unit = unit
    self.scale = scale
    self.range = range
  }

  /// Label and unit as drawn.
  var title: String {
    unit.map { label.isEmpty ? $0 : "\(label) (\($0))" } ?? label
  }

  /// Whether a value has a place on the axis.
  func canShow(_ value: Double) -> Bool {
    value.isFinite && (scale == .linear || value > 0)
  }

  /// The given range, or that of those `values` that can be shown, widened by `margin` of its
  /// extent on both sides.
  func resolvedRange(of values: some Sequence<Double>, margin: Double) -> ClosedRange<Double> {
    if let range { return range }
    var low = Double.infinity
    var high = -Double.infinity
    for value in values where canShow(value) {
      low = min(low, value)
      high = max(high, value)
    }
    switch scale {
    case .linear:
      guard low <= high else { return 0...1 }
      // Halves before the difference: the extent of huge values must not overflow.
      let extent = high / 2 - low / 2
      let pad = max(2 * margin * extent, extent == 0 ? max(abs(high) * 0.1, 1e-300) : 0)
      guard extent > 0 || high != 0 else { return -1...1 }
      let bound = Double.greatestFiniteMagnitude / 4
      return max(low - pad, -bound)...min(high + pad, bound)
    case .logarithmic:
      guard low <= high else { return 0.1...1 }
      let ratio = high == low ? 3 : pow(high / low, margin)
      let padding = ratio.isFinite ? ratio : 10
      let lower = max(low / padding, 1e-300)
      return lower...max(min(high * padding, 1e300), lower * 3)
    }
  }
}
