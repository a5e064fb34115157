import Foundation

/// Roots of continuous functions between two points of different sign.
enum BracketedRoot {
  /// The first point found after the sign change, at most `tolerance` behind the last one before it.
  ///
  /// ITP: Oliveira and Takahashi, *An enhancement of the bisection method average performance preserving
  /// minmax optimality*, ACM Transactions on Mathematical Software 47 (2020). Never takes more than one
  /// step longer than bisection.
  ///
  /// - Parameters:
  ///   - start, end: start < end, with values of different sign; `valueAtEnd` may be zero.
  static func find(
    from start: Double, value valueAtStart: Double, to end: Double, value valueAtEnd: Double,
    tolerance: Double, _ function: (Double) -> Double
  ) -> Double {
    var (a, fa, b, fb) = (start, valueAtStart, end, valueAtEnd)
    let halfTolerance = tolerance / 2
    let stepsOfBisection = max(0, ceil(log2((b - a) / tolerance)))
    // The paper's constants kappa_1 = 0.2 / (b - a), kappa_2 = 2 and n_0 = 1.
    let truncation = 0.2 / (b - a)
    var room = halfTolerance * exp2(stepsOfBisection + 1)
    while b - a > tolerance {
      let middle = a + (b - a) / 2
      let radius = room - (b - a) / 2
      room /= 2
      var point = (fb * a - fa * b) / (fb - fa)
      if !(point > a && point < b) { point = middle }
      let side = middle >= point ? 1.0 : -1
      let shift = truncation * (b - a) * (b - a)
      point = shift <= (middle - point).magnitude ? point + side * shift : middle
      if (point - middle).magnitude > radius { point = middle - side * radius }
      if !(point > a && point < b) { point = middle }
      if !(point > a && point < b) { break }
      let value = function(point)
      if fa > 0 ? value > 0 : value < 0 {
        (a, fa) = (point, value)
      } else {
        (b, fb) = (point, value)
      }
    }
    return b
  }
}
