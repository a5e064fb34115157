import DeepNetworks
import LinearCore

/// Linear maps of images that are stored channels last.
extension LinearMap {
  /// A convolution with filters (filters, kernel x kernel x channels), a filter row by row and channels last.
  static func convolution(
    _ input: FeatureShape, kernel: Int, stride: Int, padding: Int, _ weights: Matrix<Double>
  ) -> LinearMap {
    let pixels = kernel * kernel
    let channels = input.channels
    // Channels first, as window maps have them.
    var turned = Matrix<Double>(rows: weights.rows, columns: weights.columns)
    for filter in 0..<weights.rows {
      for pixel in 0..<pixels {
        for channel in 0..<channels {
          turned[filter, channel * pixels + pixel] = weights[filter, pixel * channels + channel]
        }
      }
    }
    return .windows(
      WindowMap(
        inputCount: input.count, input: .last(channels: channels),
        output: .last(channels: weights.rows), groups: 1, channels: channels,
        filters: weights.rows, windowPixels: pixels,
        places: windows(input, kernel: kernel, stride: stride, padding: padding),
        weights: turned))
  }

  /// For every window the places of its numbers inside of the image.
  static func patches(_ input: FeatureShape, kernel: Int, stride: Int, padding: Int) -> [[Int32]] {
    let pixels = kernel * kernel
    let places = windows(input, kernel: kernel, stride: stride, padding: padding)
    return (0..<places.count / pixels).map { position in
      places[position * pixels..<(position + 1) * pixels].filter { $0 >= 0 }.flatMap { pixel in
        (0..<input.channels).map { pixel * Int32(input.channels) + Int32($0) }
      }
    }
  }

  /// For every window its pixels, -1 outside.
  private static func windows(
    _ input: FeatureShape, kernel: Int, stride: Int, padding: Int
  ) -> [Int32] {
    let rows = (input.rows + 2 * padding - kernel) / stride + 1
    let columns = (input.columns + 2 * padding - kernel) / stride + 1
    var places: [Int32] = []
    for row in 0..<rows {
      for column in 0..<columns {
        for kernelRow in 0..<kernel {
          for kernelColumn in 0..<kernel {
            let y = row * stride - padding + kernelRow
            let x = column * stride - padding + kernelColumn
            let isInside = (0..<input.rows).contains(y) && (0..<input.columns).contains(x)
            places.append(isInside ? Int32(y * input.columns + x) : -1)
          }
        }
      }
    }
    return places
  }

  /// Means of windows, channel by channel.
  static func means(_ input: FeatureShape, window: Int, stride: Int) -> LinearMap {
    let pixels = window * window
    let places = windows(input, kernel: window, stride: stride, padding: 0)
    let positions = places.count / pixels
    var (starts, entries) = ([0], [Int32]())
    for position in 0..<positions {
      for channel in 0..<input.channels {
        for pixel in 0..<pixels {
          entries.append(
            places[position * pixels + pixel] * Int32(input.channels) + Int32(channel))
        }
        starts.append(entries.count)
      }
    }
    return .sparse(
      SparseMap(
        inputCount: input.count, starts: starts, places: entries,
        values: [Double](repeating: 1 / Double(pixels), count: entries.count)))
  }

  /// The mean of every channel.
  static func meansOfChannels(_ input: FeatureShape) -> LinearMap {
    let places = (0..<input.channels).flatMap { channel in
      (0..<input.pixels).map { Int32($0 * input.channels + channel) }
    }
    return .sparse(
      SparseMap(
        inputCount: input.count, starts: (0...input.channels).map { $0 * input.pixels },
        places: places,
        values: [Double](repeating: 1 / Double(input.pixels), count: places.count)))
  }

  /// Numbers at places of others; 0 for the place -1.
  static func selection(inputCount: Int, places: [Int32], factor: Double = 1) -> LinearMap {
    var starts = [0]
    var entries: [Int32] = []
    for place in places {
      if place >= 0 { entries.append(place) }
      starts.append(entries.count)
    }
    return .sparse(
      SparseMap(
        inputCount: inputCount, starts: starts, places: entries,
        values: [Double](repeating: factor, count: entries.count)))
  }
}
