import Networks

/// The extents of what one sample is at some place of a network: an image whose values are stored row by
/// row, channels last, or a vector, which is one pixel of many channels.
public struct FeatureShape: Sendable, Equatable, Codable, CustomStringConvertible {
  /// The number of pixel rows.
  public let rows: Int
  /// The number of pixel columns.
  public let columns: Int
  /// The number of values of a pixel; of a vector all its numbers.
  public let channels: Int

  /// The shape of an image.
  public init(rows: Int, columns: Int, channels: Int) {
    self.rows = rows
    self.columns = columns
    self.channels = channels
  }

  /// The shape of a vector.
  public init(vector count: Int) {
    self.init(rows: 1, columns: 1, channels: count)
  }

  /// Pixels of an image.
  public var pixels: Int { rows * columns }

  /// Values of a sample.
  public var count: Int { rows * columns * channels }

  /// Rows, columns and channels, such as "32x32x3".
  public var description: String { "\(rows)x\(columns)x\(channels)" }

  /// The most pixels that the side of a window may have.
  static let largestWindow = 1024
  /// The largest extent: products of a few of them stay within 64 bits.
  static let largestExtent = 1 << 20
  /// The most values of a sample: 1 GiB in single precision.
  static let largestCount = 1 << 28

  /// - Throws: `NetworkError` for an extent below 1, or for more values than a sample may have.
  func checked() throws(NetworkError) -> FeatureShape {
    let extents = 1...FeatureShape.largestExtent
    guard extents.contains(rows), extents.contains(columns), extents.contains(channels),
      count <= FeatureShape.largestCount
    else {
      throw NetworkError(
        "a sample of \(description) values; expected extents from 1 to \(FeatureShape.largestExtent) "
          + "and at most \(FeatureShape.largestCount) values")
    }
    return self
  }
}
