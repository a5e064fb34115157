import Formats
import Networks

/// Operators that treat every number by itself.
enum ONNXElementwise {
  static let operators: [String: ONNXOperator.Meaning] =
    simple.merging(parametric) { $1 }.merging(binary) { $1 }

  private static func unary(_ function: ElementwiseFunction) -> ONNXOperator.Meaning {
    { (node, graph) throws(NetworkError) in [try graph.apply(function, to: node.input(0))] }
  }

  private static let simple: [String: ONNXOperator.Meaning] = [
    "Relu": unary(.relu), "Sigmoid": unary(.sigmoid), "Tanh": unary(.tanh),
    "Softplus": unary(.softplus), "Softsign": unary(.softsign), "HardSwish": unary(.hardSwish),
    "Erf": unary(.erf), "Sqrt": unary(.squareRoot), "Exp": unary(.exponential),
    "Log": unary(.logarithm), "Reciprocal": unary(.power(-1)), "Abs": unary(.absolute),
    "Neg": { (node, graph) throws(NetworkError) in
      if case .constant(let tensor) = try node.input(0),
        let negative = try ConstantArithmetic.combine(
          "Sub", Tensor(shape: [], elements: .int64([0])), tensor)
      {
        return [.constant(negative)]
      }
      return [try graph.apply(.multiply, to: node.input(0), operand: scalar(-1))]
    },
    "Gelu": { (node, graph) throws(NetworkError) in
      guard try node.text("approximate", default: "none") == "none" else {
        throw NetworkError("its approximation by tanh is not supported")
      }
      return [try graph.apply(.gelu, to: node.input(0))]
    },
  ]

  private static let parametric: [String: ONNXOperator.Meaning] = [
    "LeakyRelu": { (node, graph) throws(NetworkError) in
      [try graph.apply(.leakyRelu(node.number("alpha", default: 0.01)), to: node.input(0))]
    },
    "Elu": { (node, graph) throws(NetworkError) in
      [try graph.apply(.elu(alpha: node.number("alpha", default: 1), gamma: 1), to: node.input(0))]
    },
    "Selu": { (node, graph) throws(NetworkError) in
      let function = ElementwiseFunction.elu(
        alpha: try node.number("alpha", default: 1.67326319217681884765625),
        gamma: try node.number("gamma", default: 1.05070102214813232421875))
      return [try graph.apply(function, to: node.input(0))]
    },
    "Celu": { (node, graph) throws(NetworkError) in
      let alpha = try node.number("alpha", default: 1)
      guard alpha != 0 else { throw NetworkError("its alpha is 0") }
      return [try graph.apply(.celu(alpha), to: node.input(0))]
    },
    "HardSigmoid": { (node, graph) throws(NetworkError) in
      let function = ElementwiseFunction.hardSigmoid(
        alpha: try node.number("alpha", default: 0.2), beta: try node.number("beta", default: 0.5))
      return [try graph.apply(function, to: node.input(0))]
    },
    "PRelu": { (node, graph) throws(NetworkError) in
      let (value, slopes) = (try node.input(0), try node.constant(1, "slope"))
      guard try Shape.broadcast(value.shape, slopes.shape) == value.shape else {
        throw NetworkError("a slope of shape \(Shape.text(slopes.shape))")
      }
      return [try graph.apply(.parametricRelu, to: value, operand: slopes)]
    },
    "Clip": { (node, graph) throws(NetworkError) in
      let low = try bound(node, "min", 1) ?? -.infinity
      let high = try bound(node, "max", 2) ?? .infinity
      return [try graph.apply(.clip(low, high), to: node.input(0))]
    },
  ]

  private static let binary: [String: ONNXOperator.Meaning] = [
    "Add": two("Add", .add), "Sub": two("Sub", .subtract), "Mul": two("Mul", .multiply),
    "Div": two("Div", .divide), "Pow": two("Pow", .raise), "Mod": two("Mod", nil),
    "Equal": two("Equal", nil), "Less": two("Less", nil), "LessOrEqual": two("LessOrEqual", nil),
    "Greater": two("Greater", nil), "GreaterOrEqual": two("GreaterOrEqual", nil),
    "And": two("And", nil), "Or": two("Or", nil), "Sum": many("Sum", .add),
    "Max": many("Max", .maximum), "Min": many("Min", .minimum),
    "Mean": { (node, graph) throws(NetworkError) in
      let sum = try all("Sum", .add, node, &graph)
      return [try graph.apply(.divide, to: sum, operand: scalar(Double(node.inputs.count)))]
    },
  ]

  private static func two(_ name: String, _ function: BinaryOperation.Function?)
    -> ONNXOperator.Meaning
  {
    { (node, graph) throws(NetworkError) in
      [try combined(name, function, node.input(0), node.input(1), &graph)]
    }
  }

  private static func many(_ name: String, _ function: BinaryOperation.Function)
    -> ONNXOperator.Meaning
  {
    { (node, graph) throws(NetworkError) in [try all(name, function, node, &graph)] }
  }

  private static func all(
    _ name: String, _ function: BinaryOperation.Function, _ node: ONNXOperator,
    _ graph: inout GraphBuilder
  ) throws(NetworkError) -> GraphBuilder.Value {
    let values = try node.allInputs()
    var result = values[0]
    for value in values.dropFirst() {
      result = try combined(name, function, result, value, &graph)
    }
    return result
  }

  private static func combined(
    _ name: String, _ function: BinaryOperation.Function?, _ left: GraphBuilder.Value,
    _ right: GraphBuilder.Value, _ graph: inout GraphBuilder
  ) throws(NetworkError) -> GraphBuilder.Value {
    if let a = left.tensor, let b = right.tensor {
      try graph.take(bytes: 8 * Shape.count(try Shape.broadcast(a.shape, b.shape)))
      if let integers = try ConstantArithmetic.combine(name, a, b) { return .constant(integers) }
    }
    guard let function else {
      throw NetworkError(
        "it does not compare integers that are constants; nothing else is supported")
    }
    return try graph.combine(function, left, right)
  }

  /// An end of a range: an attribute before version 11, an input since.
  private static func bound(_ node: ONNXOperator, _ name: String, _ index: Int)
    throws(NetworkError) -> Double?
  {
    if node.version < 11 {
      return node.node.attributes[name] == nil ? nil : try node.number(name, default: 0)
    }
    guard node.optional(index) != nil else { return nil }
    let tensor = try node.constant(index, name)
    guard tensor.count == 1, let value = tensor.doubles.first, !value.isNaN else {
      throw NetworkError("its \(name) has shape \(Shape.text(tensor.shape)); expected a number")
    }
    return value
  }

  static func scalar(_ value: Double) -> Tensor {
    Tensor(shape: [], elements: .float64([value]))
  }
}
