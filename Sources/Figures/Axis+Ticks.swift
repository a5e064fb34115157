import Foundation

/// A mark on an axis; minor marks have no label.
struct Tick: Hashable, Sendable {
  var value: Double
  /// gnuplot enhanced text made of digits and an exponent.
  var label: String?
}

extension Axis {
  /// The marks of a logarithmic axis over `range`: whole decades where two of them fit, else
  /// 1, 2, 5, else even steps. A linear axis leaves the choice to gnuplot.
  static func logarithmicTicks(over range: ClosedRange<Double>, maximum: Int = 8) -> [Tick] {
    let tolerance = 1e-9
    let first = Int(saturating: (log10(range.lowerBound) - tolerance).rounded(.up))
    let last = Int(saturating: (log10(range.upperBound) + tolerance).rounded(.down))
    if last > first { return decades(first...last, over: range, maximum: maximum) }
    var ticks: [Tick] = []
    for exponent in (first - 1)...(last + 1) {
      for digit in 1...9 {
        let value = power(exponent) * Double(digit)
        guard range.contains(value) else { continue }
        ticks.append(Tick(value: value, label: [1, 2, 5].contains(digit) ? plain(value) : nil))
      }
    }
    if ticks.count(where: { $0.label != nil }) >= 2 { return ticks }
    return evenTicks(over: range)
  }

  private static func decades(
    _ exponents: ClosedRange<Int>, over range: ClosedRange<Double>, maximum: Int
  ) -> [Tick] {
    let step = (exponents.count + maximum - 1) / maximum
    var ticks: [Tick] = []
    for exponent in (exponents.lowerBound - 1)...(exponents.upperBound + 1) {
      let isLabelled = exponent % step == 0 && exponents.contains(exponent)
      if exponents.contains(exponent) {
        ticks.append(Tick(value: power(exponent), label: isLabelled ? decade(exponent) : nil))
      }
      guard step == 1, exponents.count <= 6 else { continue }
      for digit in 2...9 where range.contains(power(exponent) * Double(digit)) {
        ticks.append(Tick(value: power(exponent) * Double(digit), label: nil))
      }
    }
    return ticks
  }

  private static func evenTicks(over range: ClosedRange<Double>) -> [Tick] {
    let rough = (range.upperBound - range.lowerBound) / 5
    let magnitude = power(Int(saturating: log10(rough).rounded(.down)))
    let step = ([1, 2, 5, 10].first { $0 * magnitude >= rough } ?? 10) * magnitude
    guard range.upperBound / step < 1e15 else { return [] }
    let first = Int(saturating: (range.lowerBound / step).rounded(.up))
    let last = Int(saturating: (range.upperBound / step).rounded(.down))
    guard first <= last, last - first <= 20 else { return [] }
    return (first...last).map { Tick(value: Double($0) * step, label: plain(Double($0) * step)) }
  }

  private static func power(_ exponent: Int) -> Double { pow(10, Double(exponent)) }

  private static func decade(_ exponent: Int) -> String {
    switch exponent {
    case 0: "1"
    case 1: "10"
    case ..<0: "10^{\u{2212}\(-exponent)}"
    default: "10^{\(exponent)}"
    }
  }

  private static func plain(_ value: Double) -> String {
    String(format: "%.4g", value)
  }
}
