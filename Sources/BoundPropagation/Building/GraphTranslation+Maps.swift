import Graphs
import LinearCore
import Networks

/// Linear steps.
extension GraphTranslation {
  func map(_ product: DenseProduct, _ step: GraphPlan.Step) -> LinearMap {
    let (inner, columns) = (product.inner, product.columns)
    let stored = Matrix<Double>(
      rows: product.isTransposed ? columns : inner, columns: product.isTransposed ? inner : columns,
      elements: step.constants[0].doubles)
    let weights = product.isTransposed ? stored : stored.transposed
    if product.rows == 1 { return .dense(weights) }
    // Every row of the sample is a window of one pixel.
    return .windows(
      WindowMap(
        inputCount: product.rows * inner, input: .last(channels: inner),
        output: .last(channels: columns), groups: 1, channels: inner, filters: columns,
        windowPixels: 1, places: (0..<product.rows).map { Int32($0) }, weights: weights))
  }

  func map(_ convolution: Convolution, _ step: GraphPlan.Step) throws(NetworkError) -> LinearMap {
    guard convolution.images == 1 else {
      throw NetworkError("bounds of convolutions of several images of a sample are not known")
    }
    let geometry = convolution.geometry
    let (groups, channels) = (convolution.groups, convolution.channels)
    return .windows(
      WindowMap(
        inputCount: groups * channels * geometry.pixels, input: .first(pixels: geometry.pixels),
        output: .first(pixels: geometry.positions), groups: groups, channels: channels,
        filters: convolution.filters, windowPixels: geometry.windowPixels,
        places: Self.windows(geometry),
        weights: Matrix(
          rows: groups * convolution.filters, columns: channels * geometry.windowPixels,
          elements: step.constants[0].doubles)))
  }

  /// For every window its pixels, -1 outside.
  static func windows(_ geometry: WindowGeometry) -> [Int32] {
    var places: [Int32] = []
    let (rows, columns) = (geometry.rows, geometry.columns)
    for row in 0..<rows.output {
      for column in 0..<columns.output {
        for kernelRow in 0..<rows.kernel {
          for kernelColumn in 0..<columns.kernel {
            let y = row * rows.stride - rows.before + kernelRow * rows.dilation
            let x = column * columns.stride - columns.before + kernelColumn * columns.dilation
            let isInside = (0..<rows.input).contains(y) && (0..<columns.input).contains(x)
            places.append(isInside ? Int32(y * columns.input + x) : -1)
          }
        }
      }
    }
    return places
  }

  func map(_ mean: WindowMean) -> LinearMap {
    let geometry = mean.geometry
    let (windows, shares) = (Self.windows(geometry), mean.shares)
    var (starts, places, values) = ([0], [Int32](), [Double]())
    for channel in 0..<mean.channels {
      for position in 0..<geometry.positions {
        for pixel in 0..<geometry.windowPixels {
          let place = windows[position * geometry.windowPixels + pixel]
          if place < 0 { continue }
          places.append(Int32(channel * geometry.pixels) + place)
          values.append(shares[position])
        }
        starts.append(places.count)
      }
    }
    return .sparse(
      SparseMap(
        inputCount: mean.channels * geometry.pixels, starts: starts, places: places,
        values: values))
  }

  func map(_ reduction: Reduction) throws(NetworkError) -> LinearMap {
    guard [.sum, .mean].contains(reduction.function) else { throw unknown }
    let (count, length) = (reduction.count, reduction.length)
    let share = reduction.function == .mean ? 1 / Double(length) : 1
    return .sparse(
      SparseMap(
        inputCount: count * length, starts: (0...count).map { $0 * length },
        places: (0..<count * length).map { Int32($0) },
        values: [Double](repeating: share, count: count * length)))
  }

  /// Products with a constant, entry by entry.
  func map(_ product: StackedProduct, _ step: GraphPlan.Step) throws(NetworkError) -> LinearMap {
    guard let constant = product.constant else {
      throw NetworkError("bounds of a product of two computed values are not known")
    }
    let numbers = step.constants[0].doubles
    let entries = product.starts.count * product.rows * product.columns * product.inner
    guard entries <= 1 << 26 else { throw NetworkError("a product of too many numbers") }
    var (starts, places, values) = ([0], [Int32](), [Double]())
    for start in product.starts {
      for row in 0..<product.rows {
        for column in 0..<product.columns {
          for k in 0..<product.inner {
            let left = start.left + row * product.inner + k
            let right = start.right + k * product.columns + column
            places.append(Int32(constant == .left ? right : left))
            values.append(numbers[constant == .left ? left : right])
          }
          starts.append(places.count)
        }
      }
    }
    return .sparse(
      SparseMap(
        inputCount: constant == .left ? product.sizes.right : product.sizes.left, starts: starts,
        places: places, values: values))
  }
}
