import LinearCore

/// The lines below the bias term bias S^(q/2), S = ‖x + d‖², on an interval of S, and which of them suits a relaxation.
///
/// A line of slope c touches the term at s(c), where bias S^(q/2) - c S is least. The dual value is largest in c where the
/// solution of the relaxation has S = s(c): a smaller S asks for a smaller c. Where the solution is outside of the
/// interval, c goes beyond the slopes of the term, and is the multiplier of the end of the interval too.
struct LengthLine {
  /// The interval of S.
  let squares: ClosedRange<Double>
  private let problem: DecisionProblem
  private let half: Double

  /// Nil where the term is a line, or has no length in it.
  init?(_ problem: DecisionProblem, squares: ClosedRange<Double>) {
    guard problem.biasHasLength, problem.biasDegree != 2, squares.lowerBound < squares.upperBound
    else { return nil }
    self.problem = problem
    self.squares = squares
    half = problem.biasDegree / 2
  }

  private var isConvex: Bool { (problem.bias > 0) == (half > 1) }

  /// The slope to begin with, where S is expected at `square`.
  func slope(at square: Double) -> Double { problem.biasSlope(at: square, squares: squares) }

  /// S - s(c) for the S of a solution, and the derivative of s; of concave terms, whose lines touch at the ends, s is
  /// undecided for the chord.
  func excess(of square: Double, slope c: Double) -> (value: Double, derivative: Double) {
    let (a, b) = (squares.lowerBound, squares.upperBound)
    guard isConvex else {
      let chord = slope(at: square)
      let tolerance = 1e-12 * (chord.magnitude + c.magnitude)
      if (c - chord).magnitude <= tolerance { return (square - min(max(square, a), b), 0) }
      return (square - (c > chord ? b : a), 0)
    }
    let ratio = c / (problem.bias * half)
    let touching = ratio > 0 ? Double.power(ratio, 1 / (half - 1)) : half > 1 ? 0 : .infinity
    guard touching > a, touching < b else { return (square - min(max(touching, a), b), 0) }
    return (square - touching, touching / ((half - 1) * c))
  }

  /// By how much the line of slope c is below the term at S, about.
  func gap(at square: Double, slope c: Double) -> Double {
    let s = min(max(square, squares.lowerBound), squares.upperBound)
    func difference(_ s: Double) -> Double { problem.biasTerm(s) - c * s }
    let least: Double
    if isConvex {
      let ratio = c / (problem.bias * half)
      let touching = ratio > 0 ? Double.power(ratio, 1 / (half - 1)) : squares.lowerBound
      least = difference(min(max(touching, squares.lowerBound), squares.upperBound))
    } else {
      least = min(difference(squares.lowerBound), difference(squares.upperBound))
    }
    return max(0, difference(s) - least)
  }

  /// Whether the bias keeps the label for all of the interval.
  var isKept: Bool { squares.upperBound <= safeSquare }

  /// Where to cut off what the bias keeps; nil where that is nothing or all.
  var safeCut: Double? {
    safeSquare > squares.lowerBound && safeSquare < squares.upperBound ? safeSquare : nil
  }

  private var safeSquare: Double { problem.biasReach * problem.biasReach * (1 - 1e-12) }

  /// Where to cut the interval, near the S of a solution; nil where it is too small for a cut.
  func cut(at square: Double) -> Double? {
    let (a, b) = (squares.lowerBound, squares.upperBound)
    guard b - a > 1e-9 * (b + 1e-300) else { return nil }
    return min(max(square, a + 0.2 * (b - a)), b - 0.2 * (b - a))
  }
}
