import Foundation

/// One axis of a chart.
package struct Axis: Hashable, Sendable {
  /// How values are spaced.
  package enum Scale: String, Hashable, Sendable {
    case linear
    /// By their logarithm; values that are not positive are not drawn.
    case logarithmic
  }

  /// What is measured.
  package var label: String
  /// Its unit, shown in parentheses after the label.
  package var unit: String?
  /// How values are spaced.
  package var scale: Scale
  /// The values shown; `nil` takes the range of the data, with a margin.
  package var range: ClosedRange<Double>?

  /// Makes an axis. A given range must be finite, not empty, and positive on a logarithmic scale.
  package init(
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
    // Beyond these limits neither the margins nor gnuplot's own arithmetic stay finite.
    let limit = scale == .linear ? Double.greatestFiniteMagnitude / 16 : 1e300
    let floor = scale == .linear ? -limit : 1 / limit
    var low = Double.infinity
    var high = -Double.infinity
    for value in values where canShow(value) {
      let value = min(max(value, floor), limit)
      low = min(low, value)
      high = max(high, value)
    }
    switch scale {
    case .linear:
      guard low <= high else { return 0...1 }
      // Below this resolution ticks would all carry the same number.
      let resolution = max(abs(low), abs(high)) * 1e-12
      if high - low <= resolution || high - low < 1e-300 {
        let pad = max(abs(high) * 0.1, abs(low) * 0.1)
        return pad < 1e-290 ? -1...1 : (low - pad)...(high + pad)
      }
      let pad = margin * (high - low)
      return (low - pad)...(high + pad)
    case .logarithmic:
      guard low <= high else { return 0.1...1 }
      let ratio = high / low
      let pad = ratio.isFinite ? (ratio > 1 + 1e-9 ? pow(ratio, margin) : 3) : 10
      return (low / pad)...(high * pad)
    }
  }
}
