/// An opaque colour, 8 bits a channel.
package struct Colour: Hashable, Sendable {
  /// Red, 0...255.
  package var red: UInt8
  /// Green, 0...255.
  package var green: UInt8
  /// Blue, 0...255.
  package var blue: UInt8

  /// Makes a colour from `0xRRGGBB`.
  package init(_ hex: UInt32) {
    red = UInt8(truncatingIfNeeded: hex >> 16)
    green = UInt8(truncatingIfNeeded: hex >> 8)
    blue = UInt8(truncatingIfNeeded: hex)
  }

  /// `#rrggbb`.
  package var hex: String {
    "#" + [red, green, blue].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// The colour a `fraction` (0...1) of the way from `self` to `other`.
  func mixed(with other: Colour, fraction: Double) -> Colour {
    func channel(_ from: UInt8, _ to: UInt8) -> UInt32 {
      UInt32((Double(from) + (Double(to) - Double(from)) * fraction).rounded())
    }
    return Colour(
      channel(red, other.red) << 16 | channel(green, other.green) << 8 | channel(blue, other.blue))
  }

  /// Perceived lightness, 0...1 (ITU-R BT.601 weights).
  var lightness: Double {
    (0.299 * Double(red) + 0.587 * Double(green) + 0.114 * Double(blue)) / 255
  }

  /// Colours for categories, told apart with every common colour blindness.
  ///
  /// Okabe and Ito (2008), without the yellow, which is too light for lines on white.
  package static let categories: [Colour] = [
    Colour(0x0072B2), Colour(0xD55E00), Colour(0x009E73), Colour(0xCC79A7),
    Colour(0xE69F00), Colour(0x56B4E9), Colour(0x000000),
  ]
}

/// A continuous scale of colours over a range of values.
package enum ColourScale: String, Hashable, Sendable {
  /// Blue over white to red; white is zero, and equal distances from zero are equally strong.
  case diverging
  /// Viridis: dark to light.
  case sequential
  /// Black to white.
  case grey
  /// White to black.
  case ink

  /// Evenly spaced colours of the whole scale, lowest first.
  var anchors: [Colour] {
    switch self {
    case .diverging:
      [0x053061, 0x2166AC, 0x4393C3, 0x92C5DE, 0xD1E5F0, 0xFFFFFF]
        .map { Colour($0) } + [0xFDDBC7, 0xF4A582, 0xD6604D, 0xB2182B, 0x67001F].map { Colour($0) }
    case .sequential:
      [0x440154, 0x46327E, 0x365C8D, 0x277F8E, 0x1FA187, 0x4AC16D, 0xA0DA39, 0xFDE725]
        .map { Colour($0) }
    case .grey: [Colour(0x000000), Colour(0xFFFFFF)]
    case .ink: [Colour(0xFFFFFF), Colour(0x000000)]
    }
  }

  /// The colour of `value`, which is clamped to `range`; not-a-number is a neutral grey.
  package func colour(of value: Double, in range: ClosedRange<Double>) -> Colour {
    guard !value.isNaN else { return Colour(0xBDBDBD) }
    let clamped = min(max(value, range.lowerBound), range.upperBound)
    let position: Double
    if self == .diverging {
      let reach = max(abs(range.lowerBound), abs(range.upperBound))
      position = reach > 0 ? 0.5 + 0.5 * clamped / reach : 0.5
    } else {
      let extent = range.upperBound - range.lowerBound
      position = extent > 0 ? (clamped - range.lowerBound) / extent : 0.5
    }
    let scaled = position * Double(anchors.count - 1)
    let index = min(Int(saturating: scaled), anchors.count - 2)
    return anchors[index].mixed(with: anchors[index + 1], fraction: scaled - Double(index))
  }

  /// The same scale as a gnuplot palette for `range`.
  func gnuplotPalette(over range: ClosedRange<Double>) -> String {
    let steps = 64
    let entries = (0...steps).map { step in
      let fraction = Double(step) / Double(steps)
      let value = range.lowerBound + (range.upperBound - range.lowerBound) * fraction
      return "\(fraction) \"\(colour(of: value, in: range).hex)\""
    }
    return "defined (\(entries.joined(separator: ", ")))"
  }
}
