import Formats
import LinearCore

/// The extents of an image whose pixels are stored row by row, channels last.
public struct ImageShape: Sendable, Equatable, Codable {
  /// The number of pixel rows.
  public let rows: Int
  /// The number of pixel columns.
  public let columns: Int
  /// Values a pixel, 1 for grey.
  public let channels: Int

  /// A shape; one channel is a grey image.
  public init(rows: Int, columns: Int, channels: Int = 1) {
    self.rows = rows
    self.columns = columns
    self.channels = channels
  }

  /// The number of values of an image, rows x columns x channels.
  public var count: Int { rows * columns * channels }
}

/// Labelled samples, with what is known about where they come from.
///
/// The initialiser takes anything; ``validated()`` checks it.
public struct Dataset: Sendable, Equatable {
  /// What reports call the data.
  public var name: String
  /// The samples, one a row, in units of ``unit``: (n, D).
  public var inputs: Matrix<Float>
  /// The unit of length of ``inputs``, ``groupCenters`` and ``valueRange``, a power of two: 1 unless a file
  /// holds numbers out of the range in which single precision computes.
  public var unit: Double = 1
  /// The samples in the user's units, where single precision loses digits of ``inputs``: (n, D).
  public var exactInputs: Matrix<Double>?
  /// The class of every sample, in 0..<classCount. Of two classes, 1 is the positive one.
  public var labels: [Int]
  /// The number of classes.
  public var classCount: Int
  /// What the source of the data calls the classes, one value a class; nil where these are the numbers
  /// 0..<classCount. See ``classes``.
  public var classValues: [ClassLabel]?
  /// The subclass of every sample, where subclasses are known.
  public var groups: [Int]?
  /// The class of every subclass.
  public var groupLabels: [Int]?
  /// What the source of the data calls the subclasses, one value a subclass; nil where these are numbers
  /// from 0.
  public var groupValues: [ClassLabel]?
  /// The true centres of the subclasses, (K, D); nil where only ``groupMeans()`` are to be had.
  public var groupCenters: Matrix<Float>?
  /// The form of a sample, if it is an image.
  public var imageShape: ImageShape?
  /// The box in which every coordinate of a valid input lies, such as 0...1 for pixels.
  public var valueRange: ClosedRange<Float>?
  /// The box of valid inputs where it is another than ``valueRange``, in units of ``unit``.
  public var inputBox: InputBox<Float>?
  /// The extents of a sample where it has several axes; ``inputs`` hold it row-major.
  public var sampleShape: [Int]?
  /// How images lie in a sample, where somebody says it.
  package var layout: InputLayout?
  /// Whether the source has labels; without, all are 0.
  package var isLabelled = true
  /// What was understood of a file that its user may not expect, a line each.
  package var notes: [String] = []

  /// Creates a data set without checking it.
  public init(
    name: String, inputs: Matrix<Float>, labels: [Int], classCount: Int,
    classValues: [ClassLabel]? = nil, groups: [Int]? = nil, groupLabels: [Int]? = nil,
    groupValues: [ClassLabel]? = nil, groupCenters: Matrix<Float>? = nil,
    imageShape: ImageShape? = nil,
    valueRange: ClosedRange<Float>? = nil
  ) {
    self.name = name
    self.inputs = inputs
    self.labels = labels
    self.classCount = classCount
    self.classValues = classValues
    self.groups = groups
    self.groupLabels = groupLabels
    self.groupValues = groupValues
    self.groupCenters = groupCenters
    self.imageShape = imageShape
    self.valueRange = valueRange
  }

  /// The number of samples, n.
  public var count: Int { inputs.rows }

  /// The number of coordinates of a sample, D.
  public var dimension: Int { inputs.columns }

  /// The value of every class, in the order of its number.
  public var classes: [ClassLabel] { classValues ?? ClassLabel.numbers(classCount) }

  /// The number of subclasses, where they are known.
  public var groupCount: Int? { groupLabels?.count }

  /// The listed samples, in that order.
  ///
  /// - Precondition: the indices lie in 0..<count.
  public func subset(_ indices: [Int]) -> Dataset {
    var result = self
    result.inputs = inputs.rows(at: indices)
    result.exactInputs = exactInputs?.rows(at: indices)
    result.labels = indices.map { labels[$0] }
    result.groups = groups.map { groups in indices.map { groups[$0] } }
    return result
  }

  /// The first `limit` samples, all of them if there are fewer.
  public func prefix(_ limit: Int) -> Dataset {
    limit >= count ? self : subset(Array(0..<max(0, limit)))
  }
}
