import Runs
import Studies

/// A straight line y = intercept + slope x by least squares, with the uncertainty of its slope: on
/// logarithms of both quantities, the exponent of a power law.
package struct LineFit: Codable, Sendable, Equatable {
  /// The value at x = 0.
  package let intercept: Double
  /// The slope.
  package let slope: Double
  /// The standard error of the slope, sqrt(sum residual^2 / (n - 2) / sum (x - mean)^2); nil for two
  /// points.
  package let standardError: Double?
  /// Half the width of the slope's 95% interval, Student's t with n - 2 degrees of freedom; nil for two
  /// points.
  package let slopeHalfWidth: Double?
  /// The points.
  package let count: Int

  /// The line through some points. Points that are not finite are left out.
  ///
  /// - Returns: nil where fewer than two different x are left.
  package init?(x: [Double], y: [Double]) {
    precondition(x.count == y.count, "as many x as y")
    let points = zip(x, y).filter { $0.0.isFinite && $0.1.isFinite }
    let n = Double(points.count)
    let meanX = points.reduce(0) { $0 + $1.0 / n }
    let meanY = points.reduce(0) { $0 + $1.1 / n }
    let spread = points.reduce(0) { $0 + ($1.0 - meanX) * ($1.0 - meanX) }
    guard points.count >= 2, Set(points.map(\.0)).count >= 2, spread > 0 else { return nil }
    let slope = points.reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) } / spread
    self.slope = slope
    intercept = meanY - slope * meanX
    count = points.count
    guard points.count > 2 else {
      standardError = nil
      slopeHalfWidth = nil
      return
    }
    // From centred values: intercept + slope x would lose digits far from the origin.
    let residual = points.reduce(0) { sum, point in
      let difference = (point.1 - meanY) - slope * (point.0 - meanX)
      return sum + difference * difference
    }
    let error = (residual / (n - 2) / spread).squareRoot()
    standardError = error
    slopeHalfWidth =
      error
      * StudentDistribution.centralQuantile(MeanInterval.confidence, degrees: points.count - 2)
  }

  /// The line at `x`.
  package func value(at x: Double) -> Double { intercept + slope * x }
}
