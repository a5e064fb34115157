import Networks

/// Where the windows of a convolution or a pooling lie along one axis.
package struct WindowAxis: Sendable, Equatable {
  /// The extent of the image.
  package let input: Int
  /// Pixels of a window.
  package let kernel: Int
  package let stride: Int
  /// Pixels from one pixel of a window to the next.
  package let dilation: Int
  /// Pixels of the border before and behind the image.
  package let before: Int
  package let after: Int
  /// The number of windows.
  package let output: Int

  /// From the first pixel of a window to the last, and one more.
  var extent: Int { (kernel - 1) * dilation + 1 }

  /// The windows whose pixel `offset` lies on the image.
  func windows(withPixel offset: Int) -> Range<Int> {
    let shift = offset * dilation - before
    // 0 <= window * stride + shift < input.
    let first = shift >= 0 ? 0 : (-shift + stride - 1) / stride
    let end = input - shift <= 0 ? 0 : (input - shift + stride - 1) / stride
    return min(first, output)..<max(min(first, output), min(end, output))
  }
}

/// Where the windows lie on an image of channels first.
package struct WindowGeometry: Sendable, Equatable {
  package let rows: WindowAxis
  package let columns: WindowAxis

  /// Windows of an image.
  package var positions: Int { rows.output * columns.output }
  /// Pixels of an image.
  package var pixels: Int { rows.input * columns.input }
  /// Pixels of a window.
  package var windowPixels: Int { rows.kernel * columns.kernel }

  /// Whether every window is one pixel, in the order of the image.
  var isIdentity: Bool {
    [rows, columns].allSatisfy {
      $0.kernel == 1 && $0.stride == 1 && $0.before == 0 && $0.output == $0.input
    }
  }

  /// Calls `body` for every pixel of a window and every row of windows in a range: the number of the
  /// pixel, the row of windows, the columns of windows whose pixel lies on the image, and where on the
  /// image the pixel of window column 0 would lie. Rows of windows whose pixel lies outside have no columns.
  @inline(__always)
  func forEachRun(
    rowsOfWindows: Range<Int>,
    _ body: (_ pixel: Int, _ row: Int, _ inside: Range<Int>, _ origin: Int) -> Void
  ) {
    for kernelRow in 0..<rows.kernel {
      let insideRows = rows.windows(withPixel: kernelRow)
      for kernelColumn in 0..<columns.kernel {
        let inside = columns.windows(withPixel: kernelColumn)
        let pixel = kernelRow * columns.kernel + kernelColumn
        let shift = kernelColumn * columns.dilation - columns.before
        for row in rowsOfWindows {
          let imageRow = row * rows.stride + kernelRow * rows.dilation - rows.before
          let isInside = insideRows.contains(row)
          body(
            pixel, row, isInside ? inside : inside.lowerBound..<inside.lowerBound,
            imageRow * columns.input + shift)
        }
      }
    }
  }
}
