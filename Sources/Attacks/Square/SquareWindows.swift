import Foundation
import LinearCore
import Networks

/// The sets of coordinates that ``SquareAttack`` changes together, and the patterns it puts there.
///
/// Images that a classifier says it reads have squares of pixels for sets, in all channels at once. So has a dimension
/// that is the square of a side of at least 8, which is taken for an image of that side, row after row. Other inputs
/// have no known structure: their sets are random ones of as many coordinates.
struct SquareWindows {
  let dimension: Int
  /// Whether sets are squares; a vector is one row of pixels.
  let isImage: Bool
  let rows: Int
  let columns: Int
  let channels: Int
  private let isChannelsLast: Bool

  /// The least extent of an image that a pattern fits into.
  private static var leastExtent: Int { 3 }

  init(dimension: Int, image: ImageAxes? = nil) {
    self.dimension = dimension
    if let image, image.count == dimension, min(image.rows, image.columns) >= Self.leastExtent {
      (rows, columns, channels) = (image.rows, image.columns, image.channels)
      (isImage, isChannelsLast) = (true, image.isChannelsLast)
      return
    }
    let root = Int(saturating: Double(dimension).squareRoot().rounded())
    isImage = root >= 8 && root * root == dimension
    (rows, columns) = isImage ? (root, root) : (1, dimension)
    (channels, isChannelsLast) = (1, false)
  }

  private var pixels: Int { rows * columns }

  /// The largest side of a square, or the length of a vector.
  var extent: Int { isImage ? min(rows, columns) : dimension }

  /// The coordinate of a pixel in a channel.
  @inline(__always)
  func coordinate(_ pixel: Int, channel: Int) -> Int {
    isChannelsLast ? pixel * channels + channel : channel * pixels + pixel
  }

  /// The share of the pixels that the given one of `queries` queries changes: the published schedule
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
    guard isImage else {
      return min(
        max(Int(saturating: (share * Double(dimension)).rounded()), isSigned ? 1 : 3), dimension)
    }
    let size = max(
      Int(saturating: (share * Double(pixels)).squareRoot().rounded()), isSigned ? 1 : 3)
    return min(isSigned || size % 2 == 1 ? size : size + 1, extent)
  }

  /// How many pixels a set of a size has.
  func count(size: Int) -> Int { isImage ? size * size : size }

  /// Writes a random set of the size, in the order of the patterns.
  ///
  /// - Parameter order: for vectors a permutation of the coordinates, left as another one.
  @inline(__always)
  func draw(
    size: Int, _ stream: inout RandomStream, order: UnsafeMutablePointer<Int32>,
    into set: UnsafeMutablePointer<Int32>
  ) {
    if isImage {
      let row = Self.index(below: rows - size + 1, &stream)
      let column = Self.index(below: columns - size + 1, &stream)
      for i in 0..<size {
        for j in 0..<size { set[i * size + j] = Int32((row + i) * columns + column + j) }
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
    let (rows, columns) = (size, isImage ? size : 1)
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
