import LinearCore

/// The error norm of ``ToleranceGroup``, by fixed pieces of the groups that threads share.
struct ErrorNorm {
  /// A stretch of one group.
  private struct Piece {
    var start: Int
    var count: Int
    var relative: Double
    var absolute: Double
  }

  private static let pieceLength = 4096
  /// How many components one thread takes at a time, at least.
  private static let blockLength = 16384

  private var pieces: [Piece] = []
  /// The number of pieces before each group, and of all.
  private var firstPiece = [0]
  private var groupCounts: [Double] = []
  /// The number of pieces before each block, and of all.
  private var firstOfBlock = [0]

  /// Refuses groups that do not cover 0..<count exactly once.
  init(_ groups: [ToleranceGroup], count: Int) throws(IntegrationError) {
    var covered = 0
    for group in groups.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
      let range = group.range
      try Self.check(group)
      if range.lowerBound < covered {
        throw .toleranceGroups(component: range.lowerBound, problem: "have more than one for")
      }
      if range.lowerBound > covered {
        throw .toleranceGroups(component: covered, problem: "have none for")
      }
      if range.upperBound > count {
        throw .toleranceGroups(component: count, problem: "go beyond the state, which has no")
      }
      covered = range.upperBound
      append(group)
    }
    if covered < count { throw .toleranceGroups(component: covered, problem: "have none for") }
    if firstOfBlock.last != pieces.count { firstOfBlock.append(pieces.count) }
  }

  private static func check(_ group: ToleranceGroup) throws(IntegrationError) {
    if group.range.isEmpty {
      throw .invalid(
        field: "the range of a tolerance group", found: "\(group.range)", expected: "components")
    }
    if !(group.absolute > 0 && group.absolute.isFinite) {
      throw .invalid(
        field: "the absolute tolerance", found: "\(group.absolute)", expected: "a positive number")
    }
    if !(group.relative >= 0 && group.relative.isFinite) {
      throw .invalid(
        field: "the relative tolerance", found: "\(group.relative)",
        expected: "a number that is not negative")
    }
  }

  private mutating func append(_ group: ToleranceGroup) {
    for start in stride(
      from: group.range.lowerBound, to: group.range.upperBound, by: Self.pieceLength)
    {
      pieces.append(
        Piece(
          start: start, count: min(Self.pieceLength, group.range.upperBound - start),
          relative: group.relative, absolute: group.absolute))
      let block = pieces[firstOfBlock[firstOfBlock.count - 1]]
      if start + Self.pieceLength - block.start >= Self.blockLength {
        firstOfBlock.append(pieces.count)
      }
    }
    firstPiece.append(pieces.count)
    groupCounts.append(Double(group.range.count))
  }

  /// The number of sums that ``maximum(sums:sumOfSquares:)`` has to be given room for.
  var sumCount: Int { pieces.count }

  /// The maximum over the groups, where `sumOfSquares(start, count, absolute, relative)` is that of one
  /// piece; not finite where one of them is not.
  func maximum(
    sums: UnsafeMutablePointer<Double>,
    sumOfSquares: (_ start: Int, _ count: Int, _ absolute: Double, _ relative: Double) -> Double
  ) -> Double {
    pieces.withUnsafeBufferPointer { pieces in
      firstOfBlock.withUnsafeBufferPointer { blocks in
        Parallel.forEach(blocks.count - 1) { block in
          for index in blocks[block]..<blocks[block + 1] {
            let piece = pieces[index]
            sums[index] = sumOfSquares(piece.start, piece.count, piece.absolute, piece.relative)
          }
        }
      }
    }
    var largest = 0.0
    for group in groupCounts.indices {
      var sum = 0.0
      for index in firstPiece[group]..<firstPiece[group + 1] { sum += sums[index] }
      let mean = sum / groupCounts[group]
      // Not `max`, which would lose a NaN.
      if !(mean <= largest) { largest = mean }
      if !mean.isFinite { return mean }
    }
    return largest.squareRoot()
  }
}
