import Foundation
import Runs
import Studies

/// The mean of repeated measurements, with the 95% interval of Student's t distribution.
package struct MeanInterval: Codable, Sendable, Equatable {
  /// The share of intervals that hold the true mean of normal measurements.
  package static let confidence = 0.95

  /// The mean of the finite values; nil without any.
  package let mean: Double?
  /// Half the width of the interval around the mean; nil for fewer than two finite values.
  package let halfWidth: Double?
  /// The finite values.
  package let count: Int
  /// Values that are infinite, for example radii at which no attack succeeded. Not part of the mean.
  package let infinite: Int
  /// Values that are not a number: what could not be measured. Not part of the mean.
  package let missing: Int

  /// The interval of some values.
  package init(_ values: [Double]) {
    let finite = values.filter(\.isFinite)
    count = finite.count
    missing = values.count(where: \.isNaN)
    infinite = values.count - finite.count - missing
    guard !finite.isEmpty else {
      mean = nil
      halfWidth = nil
      return
    }
    let n = Double(finite.count)
    let mean = finite.reduce(0) { $0 + $1 / n }
    self.mean = mean
    guard finite.count > 1 else {
      halfWidth = nil
      return
    }
    let variance = finite.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    let quantile = StudentDistribution.centralQuantile(Self.confidence, degrees: finite.count - 1)
    halfWidth = quantile * (variance / n).squareRoot()
  }

  /// The lower end; the mean itself where there is no width, NaN without values.
  package var lower: Double { (mean ?? .nan) - (halfWidth ?? 0) }

  /// The upper end; the mean itself where there is no width, NaN without values.
  package var upper: Double { (mean ?? .nan) + (halfWidth ?? 0) }

  /// As a table shows it, with `digits` after the point: "0.707 ± 0.002", "0.707 (n = 1)", "∞", "–";
  /// what is not part of the mean is counted behind: "0.707 ± 0.002, 1 ∞, 2 missing".
  package func text(digits: Int = 3) -> String {
    guard let mean else {
      return infinite > 0 ? (missing > 0 ? "∞, \(missing) missing" : "∞") : "–"
    }
    var text = Self.number(mean, digits: digits)
    if let halfWidth {
      text += " ± \(Self.number(halfWidth, digits: digits))"
    } else if count + infinite + missing > 1 {
      text += " (n = 1)"
    }
    if infinite > 0 { text += ", \(infinite) ∞" }
    if missing > 0 { text += ", \(missing) missing" }
    return text
  }

  /// A number with so many digits after the point, or in scientific notation where that shows none or
  /// far too many of its digits.
  static func number(_ value: Double, digits: Int) -> String {
    let size = abs(value)
    let isPlain = size == 0 || (size >= 0.5 * pow(10, -Double(digits)) && size < 1e6)
    return String(format: isPlain ? "%.\(digits)f" : "%.2e", value)
  }
}
