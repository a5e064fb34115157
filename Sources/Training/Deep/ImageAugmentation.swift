import DeepNetworks
import LinearCore

/// Random changes of training images that keep their class: a shifted crop, and a mirror image.
public struct ImageAugmentation: Sendable, Equatable, Codable {
  /// The border of zeros, in pixels, around the image from which a window of the image's size is cut:
  /// images move by up to as much in every direction.
  public var padding: Int
  /// Whether images are mirrored, left to right, with probability 1/2.
  public var flips: Bool

  /// The usual choice for CIFAR-10.
  public init(padding: Int = 4, flips: Bool = true) {
    self.padding = padding
    self.flips = flips
  }

  /// Changed images.
  ///
  /// - Parameters:
  ///   - images: (n, shape.count).
  ///   - shape: the shape of an image.
  ///   - stream: image i draws from the child ("image", numbers[i]).
  ///   - numbers: the images' numbers in the data, so that what happens to one does not depend on its
  ///     place in the batch.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func apply<Scalar: LinearScalar>(
    to images: Matrix<Scalar>, shape: FeatureShape, stream: RandomStream, numbers: [Int]
  ) -> Matrix<Scalar> {
    precondition(images.columns == shape.count && images.rows == numbers.count)
    var result = Matrix<Scalar>(rows: images.rows, columns: images.columns)
    result.withMutablePointer { target in
      images.withPointer { source in
        nonisolated(unsafe) let (target, source) = (target, source)
        Parallel.forEachBlock(of: images.rows, size: 32) { _, range in
          for i in range {
            var generator = stream.child("image", numbers[i])
            let down = Int.random(in: -padding...padding, using: &generator)
            let right = Int.random(in: -padding...padding, using: &generator)
            let mirrors = flips && Bool.random(using: &generator)
            copy(
              source + i * shape.count, shape, down: down, right: right, mirrors: mirrors,
              into: target + i * shape.count)
          }
        }
      }
    }
    return result
  }

  /// Copies the part of an image that the window shows; the rest of `target` stays.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func copy<Scalar: LinearScalar>(
    _ source: UnsafePointer<Scalar>, _ shape: FeatureShape, down: Int, right: Int, mirrors: Bool,
    into target: UnsafeMutablePointer<Scalar>
  ) {
    let (columns, channels) = (shape.columns, shape.channels)
    let shown = max(0, right)..<max(0, right, min(columns, columns + right))
    for row in 0..<shape.rows {
      let sourceRow = row - down
      guard (0..<shape.rows).contains(sourceRow) else { continue }
      let (from, to) = (source + sourceRow * columns * channels, target + row * columns * channels)
      guard mirrors else {
        (to + shown.lowerBound * channels).update(
          from: from + (shown.lowerBound - right) * channels, count: shown.count * channels)
        continue
      }
      for column in shown {
        (to + (columns - 1 - column) * channels).update(
          from: from + (column - right) * channels, count: channels)
      }
    }
  }

  /// - Throws: ``TrainingError`` for a border that makes no sense on these images.
  func validate(for shape: FeatureShape) throws(TrainingError) {
    guard (0..<min(shape.rows, shape.columns)).contains(padding) else {
      throw .invalid(
        field: "crop-padding", found: "\(padding)",
        expected: "0 or more pixels, and fewer than an image of \(shape) has")
    }
  }
}
