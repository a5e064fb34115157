import Formats
import Networks

/// Normalisations, reductions and softmax.
enum ONNXNormalizations {
  static let operators: [String: ONNXOperator.Meaning] = normalizations.merging(reductions) { $1 }

  private static let normalizations: [String: ONNXOperator.Meaning] = [
    "BatchNormalization": { (node, graph) throws(NetworkError) in [try batch(node, &graph)] },
    "LayerNormalization": { (node, graph) throws(NetworkError) in [try layer(node, &graph)] },
    "InstanceNormalization": { (node, graph) throws(NetworkError) in [try instance(node, &graph)] },
    "GroupNormalization": { (node, graph) throws(NetworkError) in [try group(node, &graph)] },
    "Softmax": { (node, graph) throws(NetworkError) in [try softmax(node, &graph, false)] },
    "LogSoftmax": { (node, graph) throws(NetworkError) in [try softmax(node, &graph, true)] },
  ]

  /// scale (x - mean) / sqrt(variance + epsilon) + shift, one of each a channel.
  private static func batch(_ node: ONNXOperator, _ graph: inout GraphBuilder)
    throws(NetworkError) -> GraphBuilder.Value
  {
    guard try node.integer("training_mode", default: 0) == 0 else {
      throw NetworkError("it is in training mode; export the model after model.eval()")
    }
    try node.refuseFurtherOutputs()
    let value = try node.input(0)
    guard value.shape.count >= 2 else {
      throw NetworkError("a value of shape \(Shape.text(value.shape)); expected batch and channels")
    }
    var numbers: [[Double]] = []
    for (index, what) in ["scale", "shift", "mean", "variance"].enumerated() {
      let tensor = try node.constant(index + 1, what)
      guard tensor.shape == [value.shape[1]] else {
        throw NetworkError(
          "its \(what) has shape \(Shape.text(tensor.shape)); expected \(value.shape[1]) channels")
      }
      try GraphBuilder.check(tensor)
      numbers.append(tensor.doubles)
    }
    let epsilon = try node.number("epsilon", default: 1e-5)
    var (factors, summands): ([Double], [Double]) = ([], [])
    for c in numbers[0].indices {
      let factor = numbers[0][c] / (numbers[3][c] + epsilon).squareRoot()
      guard factor.isFinite else {
        throw NetworkError("the variance \(numbers[3][c]) of channel \(c)")
      }
      factors.append(factor)
      summands.append(numbers[1][c] - numbers[2][c] * factor)
    }
    func perChannel(_ values: [Double]) -> Tensor {
      Tensor(shape: [values.count], elements: .float64(values)).channels(axes: value.shape.count)
    }
    let scaled = try graph.apply(.multiply, to: value, operand: perChannel(factors))
    return try graph.apply(.add, to: scaled, operand: perChannel(summands))
  }

  private static func layer(_ node: ONNXOperator, _ graph: inout GraphBuilder)
    throws(NetworkError) -> GraphBuilder.Value
  {
    let value = try node.input(0)
    let axis = try Shape.axis(node.integer("axis", default: -1), of: value.shape.count)
    var result = try graph.normalized(
      value, from: axis, epsilon: node.number("epsilon", default: 1e-5))
    for (index, function) in [(1, ElementwiseFunction.multiply), (2, .add)]
    where node.optional(index) != nil {
      let operand = try node.constant(index, index == 1 ? "scale" : "shift")
      guard try Shape.broadcast(value.shape, operand.shape) == value.shape else {
        throw NetworkError("a scale or shift of shape \(Shape.text(operand.shape))")
      }
      result = try graph.apply(function, to: result, operand: operand)
    }
    return result
  }

  private static func instance(_ node: ONNXOperator, _ graph: inout GraphBuilder)
    throws(NetworkError) -> GraphBuilder.Value
  {
    let value = try node.input(0)
    guard value.shape.count >= 3 else {
      throw NetworkError("images of shape \(Shape.text(value.shape))")
    }
    let normalized = try graph.normalized(
      value, from: 2, epsilon: node.number("epsilon", default: 1e-5))
    return try affine(node, normalized, &graph)
  }

  private static func group(_ node: ONNXOperator, _ graph: inout GraphBuilder)
    throws(NetworkError) -> GraphBuilder.Value
  {
    let value = try node.input(0)
    let groups = try node.integer("num_groups", default: 0)
    guard value.shape.count >= 2, groups >= 1, value.shape[1] % groups == 0 else {
      throw NetworkError("\(groups) groups of a value of shape \(Shape.text(value.shape))")
    }
    let shape = value.shape
    let grouped = try graph.reshaped(
      value, [shape[0], groups, shape[1] / groups] + shape.dropFirst(2))
    let normalized = try graph.normalized(
      grouped, from: 2, epsilon: node.number("epsilon", default: 1e-5))
    // One factor a group before version 21, one a channel since.
    if node.version < 21 {
      return try graph.reshaped(
        affine(node, normalized, &graph), shape)
    }
    return try affine(node, graph.reshaped(normalized, shape), &graph)
  }

  /// x scale + shift, one of each along axis 1.
  private static func affine(
    _ node: ONNXOperator, _ value: GraphBuilder.Value, _ graph: inout GraphBuilder
  ) throws(NetworkError) -> GraphBuilder.Value {
    var result = value
    for (index, function) in [(1, ElementwiseFunction.multiply), (2, .add)] {
      let operand = try node.constant(index, index == 1 ? "scale" : "shift")
      guard operand.shape == [value.shape[1]] else {
        throw NetworkError(
          "a scale or shift of shape \(Shape.text(operand.shape)); expected [\(value.shape[1])]")
      }
      result = try graph.apply(
        function, to: result, operand: operand.channels(axes: value.shape.count))
    }
    return result
  }

  /// Before version 13 all axes from one on together, since then one axis.
  private static func softmax(
    _ node: ONNXOperator, _ graph: inout GraphBuilder, _ isLogarithmic: Bool
  ) throws(NetworkError) -> GraphBuilder.Value {
    let value = try node.input(0)
    let count = value.shape.count
    let axis = try Shape.axis(
      node.integer("axis", default: node.version < 13 ? 1 : -1), of: count)
    return try graph.softmax(
      value, axes: axis..<(node.version < 13 ? count : axis + 1), isLogarithmic: isLogarithmic)
  }

  private static let reductions: [String: ONNXOperator.Meaning] = [
    "ReduceSum": reduction(.sum, since: 13), "ReduceMean": reduction(.mean, since: 18),
    "ReduceMax": reduction(.largest, since: 18), "ReduceMin": reduction(.smallest, since: 18),
    "ReduceL2": reduction(.euclideanNorm, since: 18),
    "ReduceL1": reduction(.absoluteSum, since: 18),
    "ReduceSumSquare": reduction(.squares, since: 18),
    "ReduceLogSumExp": reduction(.logSumExp, since: 18),
  ]

  /// - Parameter version: from which on the axes are an input.
  private static func reduction(_ function: Reduction.Function, since version: Int)
    -> ONNXOperator.Meaning
  {
    { (node, graph) throws(NetworkError) in
      let value = try node.input(0)
      let given = try node.list("axes", orInput: 1, since: version) ?? []
      let isKept = try node.integer("keepdims", default: 1) != 0
      if given.isEmpty, try node.integer("noop_with_empty_axes", default: 0) != 0 {
        return [value]
      }
      let axes =
        given.isEmpty
        ? Array(value.shape.indices) : try Shape.axes(given, of: value.shape.count)
      return [try graph.reduced(value, axes: axes, keepsAxes: isKept, function)]
    }
  }
}
