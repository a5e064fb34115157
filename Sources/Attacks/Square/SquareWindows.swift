import Foundation
import LinearCore

/// The sets of coordinates that ``SquareAttack`` changes together, and the patterns it puts there.
///
/// A dimension that is the square of a side of at least 8 is taken for an image of that side, row after
/// row, whose sets are squares. Other inputs have no known structure: their sets are random ones of as
/// many coordinates.
struct SquareWindows {
  let dimension: Int
  /// The side of the image, or nil for a plain vector.
  let side: Int?

  init(dimension: Int) {
    self.dimension = dimension
    let root = Int(saturating: Double(dimension).squareRoot().rounded())
    side = root >= 8 && root * root == dimension ? root : nil
  }

  /// The share of the coordinates that the given one of `queries` queries changes: the published schedule
  /// for 10,000 queries, rescaled.
  static func share(query: Int, of queries: Int, initial: Double) -> Double {
    let scaled = Int(saturating: Double(query) / Double(queries) * 10_000)
    let halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000].count { scaled > $0 }
    return initial / Double(1 << halvings)
  }

  /// The size of a set: the side of a square, or the number of coordinates.
  ///
  /// - Parameter isSigned: whether the set takes one value (linf). Otherwise it takes a pattern, which
  ///   needs at least 3 and, in squares, an odd size.
  func size(share: Double, isSigned: Bool) -> Int {
    guard let side else {
      return min(
        max(Int(saturating: (share * Double(dimension)).rounded()), isSigned ? 1 : 3), dimension)
    }
    let size = max(
      Int(saturating: (share * Double(dimension)).squareRoot().rounded()), isSigned ? 1 : 3)
    return min(isSigned || size % 2 == 1 ? size : size + 1, side)
  }

  /// How many coordinates a set of a size has.
  func count(size: Int) -> Int { side == nil ? size : size * size }

  /// Writes a random set of the size, in the order of the patterns.
  ///
  /// - Parameter order: a permutation of the coordinates, left as another one.
  @inline(__always)
  func draw(
    size: Int, _ stream: inout RandomStream, order: UnsafeMutablePointer<Int32>,
    into set: UnsafeMutablePointer<Int32>
  ) {
    if let side {
      let places = side - size + 1
      let row = Self.index(below: places, &stream)
      let column = Self.index(below: places, &stream)
      for i in 0..<size {
        for j in 0..<size { set[i * size + j] = Int32((row + i) * side + column + j) }
      }
      return
    }
    for i in 0..<size {
      let other = i + Self.index(below: dimension - i, &stream)
      (order[i], order[other]) = (order[other], order[i])
      set[i] = order[i]
    }
  }

  /// A uniform number in 0..<bound; the bias of rounding is below 2^-40.
  @inline(__always)
  static func index(below bound: Int, _ stream: inout RandomStream) -> Int {
    min(Int(saturating: stream.nextUniform() * Double(bound)), bound - 1)
  }

  /// The pattern of a size and its transpose, of norm 1 (l2 or l1).
  ///
  /// One half is a pyramid of the sums over k of 1 / k^2 (l2; 1 / k^4 for l1) for all k-th rings that a
  /// coordinate lies in, the other one is minus a pyramid. For vectors the halves and rings are those of
  /// one dimension.
  func patterns<Scalar: LinearScalar>(size: Int, norm: Norm) -> [[Scalar]] {
    let power = norm == .l1 ? 4.0 : 2.0
    let (rows, columns) = (size, side == nil ? 1 : size)
    let upper = Self.pyramid(rows / 2, columns, power, norm)
    let lower = Self.pyramid(rows - rows / 2, columns, power, norm)
    let values = Self.normalized(upper + lower.map { -$0 }, norm)
    let transposed = (0..<rows * columns).map { k in values[(k % rows) * columns + k / rows] }
    return [values.map { Scalar($0) }, transposed.map { Scalar($0) }]
  }

  /// (rows, columns), of norm 1.
  private static func pyramid(_ rows: Int, _ columns: Int, _ power: Double, _ norm: Norm)
    -> [Double]
  {
    var values = [Double](repeating: 0, count: rows * columns)
    for k in 0..<max(rows / 2, columns / 2) + 1 {
      let (top, left) = (rows / 2 - k, columns / 2 - k)
      for i in max(top, 0)..<max(min(top + 2 * k + 1, rows), 0) {
        for j in max(left, 0)..<min(left + 2 * k + 1, columns) {
          values[i * columns + j] += 1 / pow(Double(k + 1), power)
        }
      }
    }
    return normalized(values, norm)
  }

  private static func normalized(_ values: [Double], _ norm: Norm) -> [Double] {
    let size = norm.length(values)
    return size > 0 ? values.map { $0 / size } : values
  }
}
