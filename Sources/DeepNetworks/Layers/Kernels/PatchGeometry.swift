import LinearCore
import Networks

/// Where the windows of a convolution or pooling lie on an image.
struct PatchGeometry {
  let input: FeatureShape
  /// The extents of a window in pixels.
  let kernelRows: Int
  let kernelColumns: Int
  let stride: Int
  let padding: Int
  /// Window positions down and across.
  let rows: Int
  let columns: Int

  /// The most values that all windows of one image may have: 1 GiB in single precision.
  private static let largestPatches = 1 << 28

  /// Windows of `kernel` x `kernel` pixels, `stride` apart, on an image with a border of `padding` zeros.
  /// - Throws: `NetworkError` where there is no such window.
  init(input: FeatureShape, kernel: Int, stride: Int, padding: Int) throws(NetworkError) {
    guard (1...FeatureShape.largestWindow).contains(kernel), stride >= 1, padding >= 0,
      padding < kernel
    else {
      throw NetworkError(
        "a window of \(kernel) pixels, stride \(stride) and padding \(padding); expected a window "
          + "of 1 to \(FeatureShape.largestWindow) pixels, a stride of at least 1 and a padding from "
          + "0 to less than the window")
    }
    guard input.rows + 2 * padding >= kernel, input.columns + 2 * padding >= kernel else {
      throw NetworkError(
        "a window of \(kernel)x\(kernel) pixels does not fit on \(input) with padding \(padding)")
    }
    self.input = input
    (kernelRows, kernelColumns) = (kernel, kernel)
    self.stride = stride
    self.padding = padding
    rows = (input.rows + 2 * padding - kernel) / stride + 1
    columns = (input.columns + 2 * padding - kernel) / stride + 1
    // Extents of at most 2^20 and windows of at most 2^10: products of three stay within 64 bits.
    guard patchCount <= Self.largestPatches / positions else {
      throw NetworkError(
        "\(positions) windows of \(kernel)x\(kernel)x\(input.channels) values on \(input) with padding "
          + "\(padding); expected at most \(Self.largestPatches) values in all windows of a sample")
    }
  }

  /// Windows that ``init(input:kernel:stride:padding:)`` has accepted before, when the network was built.
  /// - Precondition: there are such windows.
  init(accepted input: FeatureShape, kernel: Int, stride: Int, padding: Int) {
    do throws(NetworkError) {
      try self.init(input: input, kernel: kernel, stride: stride, padding: padding)
    } catch {
      preconditionFailure("a shape that the layer does not accept: \(error)")
    }
  }

  /// One window over the whole image.
  init(wholeOf input: FeatureShape) {
    self.input = input
    (kernelRows, kernelColumns) = (input.rows, input.columns)
    (stride, padding, rows, columns) = (1, 0, 1, 1)
  }

  /// The number of window positions.
  var positions: Int { rows * columns }
  /// Pixels of a window.
  var pixelsOfWindow: Int { kernelRows * kernelColumns }
  /// Values of a window.
  var patchCount: Int { pixelsOfWindow * input.channels }

  /// Copies the windows of one image: (positions, patchCount), zeros outside the image. A window is
  /// stored row by row, channels last.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func gather<Scalar: LinearScalar>(
    _ image: UnsafePointer<Scalar>, into patches: UnsafeMutablePointer<Scalar>
  ) {
    forEachRun { patch, pixel, count, isInside in
      if isInside {
        (patches + patch).update(from: image + pixel, count: count)
      } else {
        (patches + patch).update(repeating: 0, count: count)
      }
    }
  }

  /// Adds windows, (positions, patchCount), to the image they were copied from.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func scatter<Scalar: LinearScalar>(
    _ patches: UnsafePointer<Scalar>, addingTo image: UnsafeMutablePointer<Scalar>
  ) {
    forEachRun { patch, pixel, count, isInside in
      guard isInside else { return }
      let (source, target) = (patches + patch, image + pixel)
      for i in 0..<count { target[i] += source[i] }
    }
  }

  /// Calls `body` for stretches of windows that lie wholly inside or wholly outside the image: where the
  /// stretch starts among the windows and in the image, and its length in values.
  @inline(__always)
  private func forEachRun(
    _ body: (_ patch: Int, _ pixel: Int, _ count: Int, _ isInside: Bool) -> Void
  ) {
    let channels = input.channels
    var patch = 0
    for row in 0..<rows {
      for column in 0..<columns {
        let firstColumn = column * stride - padding
        let left = max(0, -firstColumn)
        let right = min(kernelColumns, input.columns - firstColumn)
        for kernelRow in 0..<kernelRows {
          let imageRow = row * stride - padding + kernelRow
          if imageRow < 0 || imageRow >= input.rows {
            body(patch, 0, kernelColumns * channels, false)
          } else {
            if left > 0 { body(patch, 0, left * channels, false) }
            body(
              patch + left * channels,
              (imageRow * input.columns + firstColumn + left) * channels,
              (right - left) * channels, true)
            if right < kernelColumns {
              body(patch + right * channels, 0, (kernelColumns - right) * channels, false)
            }
          }
          patch += kernelColumns * channels
        }
      }
    }
  }

  /// Calls `body` with every window position and every pixel of its window; without padding only.
  @inline(__always)
  func forEachPixelOfWindows(_ body: (_ position: Int, _ pixel: Int) -> Void) {
    for position in 0..<positions {
      let (row, column) = (position / columns * stride, position % columns * stride)
      for kernelRow in 0..<kernelRows {
        for kernelColumn in 0..<kernelColumns {
          body(position, (row + kernelRow) * input.columns + column + kernelColumn)
        }
      }
    }
  }
}
