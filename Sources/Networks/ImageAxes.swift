/// How the pixels and channels of an image lie in a sample.
package struct ImageAxes: Sendable, Equatable {
  package let rows: Int
  package let columns: Int
  package let channels: Int
  /// Whether the channels of a pixel lie side by side; otherwise the pixels of a channel do.
  package let isChannelsLast: Bool

  /// The axes of images of these extents.
  package init(rows: Int, columns: Int, channels: Int, isChannelsLast: Bool) {
    (self.rows, self.columns, self.channels) = (rows, columns, channels)
    self.isChannelsLast = isChannelsLast
  }

  /// The numbers of a sample.
  package var count: Int { rows * columns * channels }
}

/// A classifier that may know that its samples are images.
package protocol ImageClassifier {
  /// Nil where samples are vectors to it.
  var imageAxes: ImageAxes? { get }
}
