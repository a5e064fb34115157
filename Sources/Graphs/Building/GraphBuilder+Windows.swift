import Formats
import Networks

/// What a file says about the windows of a convolution or a pooling, an entry an axis of the image.
struct WindowDescription {
  enum Padding: Sendable { case explicit, sameUpper, sameLower, valid }

  var kernel: [Int]
  var strides: [Int]
  var dilations: [Int]
  /// The border before the image, axis by axis, and then behind it.
  var pads: [Int]
  var padding = Padding.explicit
  /// Whether the last window may reach beyond the border.
  var roundsUp = false

  /// Larger numbers make no sense and would leave 64 bits.
  private static let largest = 1 << 24

  /// The windows on images of some extents, one or two.
  /// - Throws: `NetworkError` where there are none.
  func geometry(_ extents: [Int]) throws(NetworkError) -> WindowGeometry {
    guard (1...2).contains(extents.count) else {
      throw NetworkError(
        "images with \(extents.count) axes; expected one or two beside batch and channels")
    }
    let count = extents.count
    guard kernel.count == count, strides.count == count, dilations.count == count,
      pads.count == 2 * count
    else {
      throw NetworkError("windows of \(kernel.count) axes on an image of \(count)")
    }
    var axes: [WindowAxis] = []
    for axis in 0..<count { axes.append(try self.axis(axis, of: count, extents[axis])) }
    if count == 1 {
      axes.insert(
        WindowAxis(
          input: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0, output: 1), at: 0)
    }
    let geometry = WindowGeometry(rows: axes[0], columns: axes[1])
    guard geometry.windowPixels <= Self.largest else {
      throw NetworkError("windows of more than \(Self.largest) pixels")
    }
    return geometry
  }

  private func axis(_ axis: Int, of count: Int, _ input: Int) throws(NetworkError) -> WindowAxis {
    let (kernel, stride, dilation) = (kernel[axis], strides[axis], dilations[axis])
    let sizes = 1...Self.largest
    guard sizes.contains(kernel), sizes.contains(stride), sizes.contains(dilation) else {
      throw NetworkError("a window of \(kernel) pixels, stride \(stride) and dilation \(dilation)")
    }
    let extent = (kernel - 1) * dilation + 1
    var (before, after) = (pads[axis], pads[axis + count])
    switch padding {
    case .explicit: break
    case .valid: (before, after) = (0, 0)
    case .sameUpper, .sameLower:
      let border = max(0, ((input + stride - 1) / stride - 1) * stride + extent - input)
      before = padding == .sameUpper ? border / 2 : border - border / 2
      after = border - before
    }
    guard (0...Self.largest).contains(before), (0...Self.largest).contains(after) else {
      throw NetworkError("a border of \(before) and \(after) pixels")
    }
    let room = input + before + after - extent
    guard room >= 0 else {
      throw NetworkError(
        "a window of \(extent) pixels on \(input) with a border of \(before) and \(after)")
    }
    var output = room / stride + 1
    if roundsUp {
      output = (room + stride - 1) / stride + 1
      // No window starts behind the image.
      if (output - 1) * stride >= input + before { output -= 1 }
    }
    return WindowAxis(
      input: input, kernel: kernel, stride: stride, dilation: dilation, before: before,
      after: after, output: output)
  }
}

extension GraphBuilder {
  /// A convolution with constant filters, (filters, channels of a group, kernel...), without bias.
  ///
  /// - Parameter value: (images, channels, extents...).
  mutating func convolution(
    _ value: Value, filters: Tensor, _ windows: WindowDescription, groups: Int
  ) throws(NetworkError) -> Value {
    let shape = value.shape
    guard shape.count >= 3, filters.shape.count == shape.count else {
      throw NetworkError(
        "filters of shape \(Shape.text(filters.shape)) for a value of shape \(Shape.text(shape))")
    }
    let (count, channels) = (filters.shape[0], filters.shape[1])
    guard groups >= 1, count >= 1, channels >= 1, count % groups == 0,
      shape[1] % groups == 0, shape[1] / groups == channels,
      Array(filters.shape.dropFirst(2)) == windows.kernel
    else {
      throw NetworkError(
        "filters of shape \(Shape.text(filters.shape)) in \(groups) groups for a value of shape "
          + Shape.text(shape))
    }
    try Self.check(filters)
    let geometry = try windows.geometry(Array(shape.dropFirst(2)))
    var result = [shape[0], count]
    result +=
      shape.count == 3
      ? [geometry.columns.output] : [geometry.rows.output, geometry.columns.output]
    _ = try Shape.count(result)
    return try append(
      Convolution(
        geometry: geometry, images: shape[0], groups: groups, channels: channels,
        filters: count / groups),
      [value], constants: [filters], shape: result)
  }

  /// A pooling of images; `operation` gets the windows and the number of planes.
  mutating func pooling(
    _ value: Value, _ windows: WindowDescription,
    _ operation: (WindowGeometry, Int) -> any GraphOperation
  ) throws(NetworkError) -> Value {
    let shape = value.shape
    guard shape.count >= 3 else {
      throw NetworkError(
        "images of shape \(Shape.text(shape)); expected batch, channels and pixels")
    }
    let geometry = try windows.geometry(Array(shape.dropFirst(2)))
    let result =
      Array(shape.prefix(2))
      + (shape.count == 3
        ? [geometry.columns.output] : [geometry.rows.output, geometry.columns.output])
    _ = try Shape.count(result)
    return try append(operation(geometry, shape[0] * shape[1]), [value], shape: result)
  }
}
