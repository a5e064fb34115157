import Formats
import Networks

/// Matrix products and convolutions.
enum ONNXProducts {
  static let operators: [String: ONNXOperator.Meaning] = [
    "MatMul": { (node, graph) throws(NetworkError) in
      [try graph.product(node.input(0), node.input(1))]
    },
    "Gemm": { (node, graph) throws(NetworkError) in [try gemm(node, &graph)] },
    "Conv": { (node, graph) throws(NetworkError) in [try convolution(node, &graph)] },
  ]

  /// alpha A' B' + beta C.
  private static func gemm(_ node: ONNXOperator, _ graph: inout GraphBuilder) throws(NetworkError)
    -> GraphBuilder.Value
  {
    let (alpha, beta) = (
      try node.number("alpha", default: 1), try node.number("beta", default: 1)
    )
    var (a, b) = (try node.input(0), try node.input(1))
    guard a.shape.count == 2, b.shape.count == 2 else {
      throw NetworkError(
        "factors of shapes \(Shape.text(a.shape)) and \(Shape.text(b.shape)); expected matrices")
    }
    if try node.integer("transA", default: 0) != 0 { a = try graph.transposed(a, [1, 0]) }
    let isTransposed = try node.integer("transB", default: 0) != 0
    var result: GraphBuilder.Value
    if isTransposed, a.tensor == nil, let weights = b.tensor {
      // As PyTorch stores weights: no copy is needed.
      result = try graph.dense(a, weights: weights)
    } else {
      if isTransposed { b = try graph.transposed(b, [1, 0]) }
      result = try graph.product(a, b)
    }
    if alpha != 1 {
      result = try graph.apply(.multiply, to: result, operand: ONNXElementwise.scalar(alpha))
    }
    guard var c = node.optional(2) else { return result }
    if beta != 1 { c = try graph.apply(.multiply, to: c, operand: ONNXElementwise.scalar(beta)) }
    guard try Shape.broadcast(result.shape, c.shape) == result.shape else {
      throw NetworkError(
        "a summand of shape \(Shape.text(c.shape)) for a product of shape \(Shape.text(result.shape))"
      )
    }
    return try graph.combine(.add, result, c)
  }

  private static func convolution(_ node: ONNXOperator, _ graph: inout GraphBuilder)
    throws(NetworkError) -> GraphBuilder.Value
  {
    let value = try node.input(0)
    let filters = try node.constant(1, "filters")
    guard filters.shape.count >= 3, filters.shape.allSatisfy({ $0 >= 1 }) else {
      throw NetworkError("filters of shape \(Shape.text(filters.shape))")
    }
    let windows = try ONNXWindows.description(node, kernel: Array(filters.shape.dropFirst(2)))
    let result = try graph.convolution(
      value, filters: filters, windows, groups: node.integer("group", default: 1))
    guard node.optional(2) != nil else { return result }
    let bias = try node.constant(2, "bias")
    guard bias.shape == [filters.shape[0]] else {
      throw NetworkError(
        "a bias of shape \(Shape.text(bias.shape)) for \(filters.shape[0]) filters")
    }
    return try graph.apply(
      .add, to: result, operand: bias.channels(axes: result.shape.count))
  }
}

/// Windows on images.
enum ONNXWindows {
  static let operators: [String: ONNXOperator.Meaning] = [
    "MaxPool": { (node, graph) throws(NetworkError) in
      return [
        try graph.pooling(node.input(0), poolingWindows(node)) {
          MaxPooling(geometry: $0, channels: $1)
        }
      ]
    },
    "AveragePool": { (node, graph) throws(NetworkError) in
      let countsBorder = try node.integer("count_include_pad", default: 0) != 0
      return [
        try graph.pooling(node.input(0), poolingWindows(node)) {
          WindowMean(geometry: $0, channels: $1, countsBorder: countsBorder)
        }
      ]
    },
    "GlobalAveragePool": { (node, graph) throws(NetworkError) in [try whole(.mean, node, &graph)] },
    "GlobalMaxPool": { (node, graph) throws(NetworkError) in [try whole(.largest, node, &graph)] },
  ]

  private static func whole(
    _ function: Reduction.Function, _ node: ONNXOperator, _ graph: inout GraphBuilder
  ) throws(NetworkError) -> GraphBuilder.Value {
    let value = try node.input(0)
    guard value.shape.count >= 3 else {
      throw NetworkError("images of shape \(Shape.text(value.shape))")
    }
    return try graph.reduced(
      value, axes: Array(2..<value.shape.count), keepsAxes: true, function)
  }

  private static func poolingWindows(_ node: ONNXOperator) throws(NetworkError)
    -> WindowDescription
  {
    guard let kernel = try node.integers("kernel_shape") else {
      throw NetworkError("its attribute 'kernel_shape' is missing")
    }
    var windows = try description(node, kernel: kernel)
    windows.roundsUp = try node.integer("ceil_mode", default: 0) != 0
    return windows
  }

  /// The attributes that convolutions and poolings share.
  static func description(_ node: ONNXOperator, kernel: [Int]) throws(NetworkError)
    -> WindowDescription
  {
    let axes = kernel.count
    guard axes <= Shape.maximumAxes else { throw NetworkError("windows of \(axes) axes") }
    if let own = try node.integers("kernel_shape"), own != kernel {
      throw NetworkError(
        "kernel_shape is \(Shape.text(own)), but its filters have \(Shape.text(kernel))")
    }
    let padding: WindowDescription.Padding
    switch try node.text("auto_pad", default: "NOTSET") {
    case "NOTSET", "": padding = .explicit
    case "SAME_UPPER": padding = .sameUpper
    case "SAME_LOWER": padding = .sameLower
    case "VALID": padding = .valid
    case let other: throw NetworkError("auto_pad is '\(other.shortened)'")
    }
    let ones = [Int](repeating: 1, count: axes)
    return WindowDescription(
      kernel: kernel, strides: try node.integers("strides") ?? ones,
      dilations: try node.integers("dilations") ?? ones,
      pads: try node.integers("pads") ?? [Int](repeating: 0, count: 2 * axes), padding: padding)
  }
}

extension Tensor {
  /// One number a channel, to be used with values of so many axes, channels second.
  func channels(axes: Int) -> Tensor {
    Tensor(shape: [count] + [Int](repeating: 1, count: max(0, axes - 2)), elements: elements)
  }
}
