import LinearCore

/// Windows of images in columns, to be multiplied with filters: window values down, windows across.
extension WindowGeometry {
  /// Whether a row of windows is as long as a row of the image, one window a pixel: then the pixels of one
  /// place of all windows are one stretch of the image, but for the border.
  private var isEven: Bool {
    rows.stride == 1 && columns.stride == 1 && columns.output == columns.input
  }

  /// Copies rows of windows of one image, whose lines are `leading` numbers apart.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func gather<Scalar: LinearScalar>(
    _ image: UnsafePointer<Scalar>, channels: Int, _ rows: Range<Int>,
    into patches: UnsafeMutablePointer<Scalar>, leading: Int
  ) {
    let (across, stride) = (columns.output, columns.stride)
    for channel in 0..<channels {
      let plane = image + channel * pixels
      let block = patches + channel * windowPixels * leading
      if isEven {
        forEachStretch(rowsOfWindows: rows) { pixel, stretch, origin in
          let line = block + pixel.number * leading
          (line + stretch.lowerBound).update(
            from: plane + origin + stretch.lowerBound, count: stretch.count)
          clearBorder(line, rows: rows, pixel)
        }
        continue
      }
      forEachRun(rowsOfWindows: rows) { pixel, row, inside, origin in
        let line = block + pixel * leading + (row - rows.lowerBound) * across
        for column in 0..<inside.lowerBound { line[column] = 0 }
        if stride == 1 {
          Self.copy(inside.count, plane + origin + inside.lowerBound, to: line + inside.lowerBound)
        } else {
          for column in inside { line[column] = plane[origin + column * stride] }
        }
        for column in inside.upperBound..<across { line[column] = 0 }
      }
    }
  }

  /// Adds rows of windows to the image that they were copied from; what lies outside of it is cleared.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func scatter<Scalar: LinearScalar>(
    _ patches: UnsafeMutablePointer<Scalar>, channels: Int, _ rows: Range<Int>, leading: Int,
    addingTo image: UnsafeMutablePointer<Scalar>
  ) {
    let (across, stride) = (columns.output, columns.stride)
    for channel in 0..<channels {
      let plane = image + channel * pixels
      let block = patches + channel * windowPixels * leading
      if isEven {
        forEachStretch(rowsOfWindows: rows) { pixel, stretch, origin in
          let line = block + pixel.number * leading
          clearBorder(line, rows: rows, pixel)
          Self.add(
            stretch.count, line + stretch.lowerBound, to: plane + origin + stretch.lowerBound)
        }
        continue
      }
      forEachRun(rowsOfWindows: rows) { pixel, row, inside, origin in
        let line = block + pixel * leading + (row - rows.lowerBound) * across
        if stride == 1 {
          Self.add(inside.count, line + inside.lowerBound, to: plane + origin + inside.lowerBound)
        } else {
          for column in inside { plane[origin + column * stride] += line[column] }
        }
      }
    }
  }

  /// A pixel of a window, and the windows for which it lies on the image.
  private struct Pixel {
    let number: Int
    let rows: Range<Int>
    let columns: Range<Int>
  }

  /// Calls `body` for every pixel of a window of an even geometry: where among the windows the stretch of
  /// the image lies, and where on the image the pixel of window 0 would lie.
  @inline(__always)
  private func forEachStretch(
    rowsOfWindows: Range<Int>,
    _ body: (_ pixel: Pixel, _ stretch: Range<Int>, _ origin: Int) -> Void
  ) {
    let across = columns.output
    for kernelRow in 0..<rows.kernel {
      let inside = rows.windows(withPixel: kernelRow).clamped(to: rowsOfWindows)
      for kernelColumn in 0..<columns.kernel {
        let pixel = Pixel(
          number: kernelRow * columns.kernel + kernelColumn, rows: inside,
          columns: columns.windows(withPixel: kernelColumn))
        let first = (inside.lowerBound - rowsOfWindows.lowerBound) * across
        let isEmpty = inside.isEmpty || pixel.columns.isEmpty
        let start = first + pixel.columns.lowerBound
        let end = first + (inside.count - 1) * across + pixel.columns.upperBound
        body(
          pixel, isEmpty ? 0..<0 : start..<end,
          (rowsOfWindows.lowerBound + kernelRow * rows.dilation - rows.before) * columns.input
            + kernelColumn * columns.dilation - columns.before)
      }
    }
  }

  /// Zeros for the windows whose pixel lies outside of the image.
  @inline(__always)
  private func clearBorder<Scalar: LinearScalar>(
    _ line: UnsafeMutablePointer<Scalar>, rows: Range<Int>, _ pixel: Pixel
  ) {
    let across = columns.output
    for row in rows {
      let own = line + (row - rows.lowerBound) * across
      if pixel.rows.contains(row), !pixel.columns.isEmpty {
        for column in 0..<pixel.columns.lowerBound { own[column] = 0 }
        for column in pixel.columns.upperBound..<across { own[column] = 0 }
      } else {
        own.update(repeating: 0, count: across)
      }
    }
  }

  /// y <- x, without a call for what are often few numbers.
  @inline(__always)
  private static func copy<Scalar: LinearScalar>(
    _ count: Int, _ x: UnsafePointer<Scalar>, to y: UnsafeMutablePointer<Scalar>
  ) {
    var i = 0
    while i &+ 8 <= count {
      let lane = UnsafeRawPointer(x + i).loadUnaligned(as: SIMD8<Scalar>.self)
      UnsafeMutableRawPointer(y + i).storeBytes(of: lane, as: SIMD8<Scalar>.self)
      i &+= 8
    }
    while i < count {
      y[i] = x[i]
      i &+= 1
    }
  }

  /// y <- y + x, likewise.
  @inline(__always)
  private static func add<Scalar: LinearScalar>(
    _ count: Int, _ x: UnsafePointer<Scalar>, to y: UnsafeMutablePointer<Scalar>
  ) {
    var i = 0
    while i &+ 8 <= count {
      let sum =
        UnsafeRawPointer(x + i).loadUnaligned(as: SIMD8<Scalar>.self)
        + UnsafeRawPointer(y + i).loadUnaligned(as: SIMD8<Scalar>.self)
      UnsafeMutableRawPointer(y + i).storeBytes(of: sum, as: SIMD8<Scalar>.self)
      i &+= 8
    }
    while i < count {
      y[i] += x[i]
      i &+= 1
    }
  }
}
