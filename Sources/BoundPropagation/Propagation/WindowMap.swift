import LinearCore

/// A convolution as a linear map: y(f, w) = sum over channels c of the group of f and pixels k of the window w of
/// weight(f, c, k) x(c, place(w, k)).
package struct WindowMap: Sendable {
  /// How numbers of an image are numbered: channel * channelStride + pixel * pixelStride.
  package struct Layout: Sendable {
    package let channelStride: Int
    package let pixelStride: Int

    package init(channelStride: Int, pixelStride: Int) {
      (self.channelStride, self.pixelStride) = (channelStride, pixelStride)
    }

    /// Channels first or last, in an image of so many pixels and channels.
    package static func first(pixels: Int) -> Layout {
      Layout(channelStride: pixels, pixelStride: 1)
    }
    package static func last(channels: Int) -> Layout {
      Layout(channelStride: 1, pixelStride: channels)
    }
  }

  let inputCount: Int
  let input: Layout
  let output: Layout
  let groups: Int
  /// Channels and filters of one group.
  let channels: Int
  let filters: Int
  /// Windows of an image, and pixels of a window.
  let positions: Int
  let windowPixels: Int
  /// For every window its pixels; -1 outside of the image. No pixel occurs twice in a window.
  let places: [Int32]
  /// (groups x filters, channels x windowPixels).
  let weights: Matrix<Double>
  let magnitudes: Matrix<Double>

  var outputCount: Int { groups * filters * positions }
  private var patch: Int { channels * windowPixels }

  /// A convolution.
  /// - Precondition: shapes fit together.
  package init(
    inputCount: Int, input: Layout, output: Layout, groups: Int, channels: Int, filters: Int,
    windowPixels: Int, places: [Int32], weights: Matrix<Double>
  ) {
    precondition(weights.rows == groups * filters && weights.columns == channels * windowPixels)
    self.inputCount = inputCount
    (self.input, self.output) = (input, output)
    (self.groups, self.channels, self.filters) = (groups, channels, filters)
    self.windowPixels = windowPixels
    positions = places.count / windowPixels
    self.places = places
    self.weights = weights
    magnitudes = Matrix(
      rows: weights.rows, columns: weights.columns, elements: weights.elements.map(\.magnitude))
  }

  var ofMagnitudes: WindowMap {
    WindowMap(
      inputCount: inputCount, input: input, output: output, groups: groups, channels: channels,
      filters: filters, windowPixels: windowPixels, places: places, weights: magnitudes)
  }

  /// The places among the inputs of every entry of a row, in the order of the weights; -1 outside.
  private func inputPlaces(window: Int, group: Int) -> [Int] {
    var result = [Int](repeating: -1, count: patch)
    for channel in 0..<channels {
      let first = (group * channels + channel) * input.channelStride
      for pixel in 0..<windowPixels {
        let place = Int(places[window * windowPixels + pixel])
        if place >= 0 {
          result[channel * windowPixels + pixel] = first + place * input.pixelStride
        }
      }
    }
    return result
  }

  /// The place of y(filter, window).
  private func outputPlace(_ filter: Int, _ window: Int) -> Int {
    filter * output.channelStride + window * output.pixelStride
  }

  func applied(_ x: [Double], _ weights: Matrix<Double>) -> [Double] {
    var result = [Double](repeating: 0, count: outputCount)
    for group in 0..<groups {
      for window in 0..<positions {
        let places = inputPlaces(window: window, group: group)
        let values = places.map { $0 < 0 ? 0 : x[$0] }
        weights.withPointer { weights in
          values.withUnsafeBufferPointer { values in
            for filter in group * filters..<(group + 1) * filters {
              let row = weights + filter * patch
              var sum = 0.0
              for k in 0..<patch { sum += row[k] * values[k] }
              result[outputPlace(filter, window)] = sum
            }
          }
        }
      }
    }
    return result
  }

  /// Calls `body` with the place and the number of every entry of a row.
  func forEachEntry(ofRow row: Int, _ body: (Int, Double) -> Void) {
    let window = row / output.pixelStride % positions
    let filter = row / output.channelStride % (groups * filters)
    let places = inputPlaces(window: window, group: filter / filters)
    for (k, place) in places.enumerated() where place >= 0 { body(place, weights[filter, k]) }
  }

  /// Windows that are multiplied together.
  private static let windowsOfTile = 512

  /// target <- target + A M. Windows that a row does not look at cost nothing.
  func accumulate(_ a: Matrix<Double>, into target: inout Matrix<Double>) {
    for group in 0..<groups {
      let groupWeights = weights.rows(in: group * filters..<(group + 1) * filters)
      var pending: [(row: Int, window: Int)] = []
      func flush() {
        guard !pending.isEmpty else { return }
        var gathered = Matrix<Double>(rows: pending.count, columns: filters)
        for (number, (row, window)) in pending.enumerated() {
          for filter in 0..<filters {
            gathered[number, filter] = a[row, outputPlace(group * filters + filter, window)]
          }
        }
        var products = Matrix<Double>(rows: pending.count, columns: patch)
        RowArithmetic.multiply(gathered, groupWeights, addingTo: &products)
        scatter(products, pending, group, into: &target)
        pending.removeAll(keepingCapacity: true)
      }
      for row in 0..<a.rows {
        for window in 0..<positions where looksAt(a, row, group, window) {
          pending.append((row, window))
          if pending.count == Self.windowsOfTile { flush() }
        }
      }
      flush()
    }
  }

  private func looksAt(_ a: Matrix<Double>, _ row: Int, _ group: Int, _ window: Int) -> Bool {
    a.withPointer { a in
      let line = a + row * outputCount
      for filter in group * filters..<(group + 1) * filters
      where line[outputPlace(filter, window)] != 0 {
        return true
      }
      return false
    }
  }

  private func scatter(
    _ products: Matrix<Double>, _ windows: [(row: Int, window: Int)], _ group: Int,
    into target: inout Matrix<Double>
  ) {
    let width = inputCount
    target.withMutablePointer { target in
      products.withPointer { products in
        for (number, (row, window)) in windows.enumerated() {
          let (source, line) = (products + number * patch, target + row * width)
          for channel in 0..<channels {
            let first = (group * channels + channel) * input.channelStride
            for pixel in 0..<windowPixels {
              let place = Int(places[window * windowPixels + pixel])
              if place >= 0 {
                line[first + place * input.pixelStride] += source[channel * windowPixels + pixel]
              }
            }
          }
        }
      }
    }
  }
}
