/// The values that coordinates of a valid input may take: one range for all of them, or one for each.
public enum InputBox<Scalar: LinearScalar>: Sendable, Equatable {
  /// Every coordinate lies in the same range, such as 0...1 for pixels.
  case uniform(ClosedRange<Scalar>)
  /// Coordinate j lies in lower[j]...upper[j]; bounds may be infinite, or equal where a coordinate is fixed.
  case perCoordinate(lower: [Scalar], upper: [Scalar])

  /// The number of coordinates it is made for; nil where it suits any.
  package var dimension: Int? {
    switch self {
    case .uniform: nil
    case .perCoordinate(let lower, _): lower.count
    }
  }

  /// The values that coordinate `j` may take.
  package func range(at j: Int) -> ClosedRange<Scalar> {
    switch self {
    case .uniform(let range): range
    case .perCoordinate(let lower, let upper): lower[j]...upper[j]
    }
  }

  /// The same bounds, each replaced by what `body` makes of it; `body` must not decrease.
  package func map<Other: LinearScalar>(_ body: (Scalar) -> Other) -> InputBox<Other> {
    switch self {
    case .uniform(let range): .uniform(body(range.lowerBound)...body(range.upperBound))
    case .perCoordinate(let lower, let upper):
      .perCoordinate(lower: lower.map(body), upper: upper.map(body))
    }
  }

  /// The position of the first number outside the box, row by row.
  package func firstOutside(_ inputs: Matrix<Scalar>) -> Int? {
    let bounds = BoxBounds(self, dimension: inputs.columns)
    return inputs.withPointer { bounds.firstOutside($0, rows: inputs.rows) }
  }
}

extension InputBox: CustomStringConvertible {
  /// The range in words; of several ranges the smallest and the largest bound.
  public var description: String {
    switch self {
    case .uniform(let range): "\(range)"
    case .perCoordinate(let lower, let upper):
      "\(lower.min() ?? 0)...\(upper.max() ?? 0) (a range a coordinate)"
    }
  }
}

/// The bounds of a box as loops over the coordinates read them: two arrays in memory.
package final class BoxBounds<Scalar: LinearScalar>: Sendable {
  package let dimension: Int
  /// The smallest value of every coordinate, -infinity where there is none.
  package nonisolated(unsafe) let lower: UnsafePointer<Scalar>
  /// The largest value of every coordinate, infinity where there is none.
  package nonisolated(unsafe) let upper: UnsafePointer<Scalar>

  /// Bounds of `dimension` coordinates, infinite without a box.
  ///
  /// - Precondition: a box with a range a coordinate has `dimension` of them.
  package init(_ box: InputBox<Scalar>?, dimension: Int) {
    let lower = UnsafeMutablePointer<Scalar>.allocate(capacity: max(1, dimension))
    let upper = UnsafeMutablePointer<Scalar>.allocate(capacity: max(1, dimension))
    switch box {
    case nil:
      lower.initialize(repeating: -.infinity, count: dimension)
      upper.initialize(repeating: .infinity, count: dimension)
    case .uniform(let range):
      lower.initialize(repeating: range.lowerBound, count: dimension)
      upper.initialize(repeating: range.upperBound, count: dimension)
    case .perCoordinate(let least, let largest):
      precondition(
        least.count == dimension && largest.count == dimension, "one range a coordinate")
      for j in 0..<dimension {
        (lower + j).initialize(to: least[j])
        (upper + j).initialize(to: largest[j])
      }
    }
    self.dimension = dimension
    (self.lower, self.upper) = (UnsafePointer(lower), UnsafePointer(upper))
  }

  deinit {
    lower.deallocate()
    upper.deallocate()
  }

  fileprivate func firstOutside(_ inputs: UnsafePointer<Scalar>, rows: Int) -> Int? {
    for row in 0..<rows {
      for j in 0..<dimension {
        let value = inputs[row * dimension + j]
        if !(value >= lower[j] && value <= upper[j]) { return row * dimension + j }
      }
    }
    return nil
  }
}
