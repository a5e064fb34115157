import Formats
import Networks

extension GraphBuilder {
  /// A function of every number of a value.
  mutating func apply(_ function: ElementwiseFunction, to value: Value) throws(NetworkError)
    -> Value
  {
    try append(
      ElementwiseChain(function, count: Shape.count(value.shape)), [value], shape: value.shape)
  }

  /// A function of every number of a value and a constant; both are repeated to a common shape.
  mutating func apply(
    _ function: ElementwiseFunction, to value: Value, operand: Tensor
  ) throws(NetworkError) -> Value {
    let shape = try Shape.broadcast(value.shape, operand.shape)
    let repeated = try self.repeated(value, to: shape)
    var own = operand
    if operand.count != 1,
      case .constant(let tensor) = try self.repeated(.constant(operand), to: shape)
    {
      own = tensor
    }
    return try append(
      ElementwiseChain(function, count: Shape.count(shape)), [repeated], constants: [own],
      shape: shape)
  }

  /// A function of two values, repeated to a common shape.
  mutating func combine(
    _ function: BinaryOperation.Function, _ left: Value, _ right: Value
  ) throws(NetworkError) -> Value {
    switch (left, right) {
    case (_, .constant(let operand)):
      // A power that is the same everywhere has quicker loops.
      if function == .raise, operand.count == 1,
        try Shape.broadcast(left.shape, operand.shape).count == left.shape.count
      {
        return try apply(.power(operand.doubles[0]), to: left)
      }
      return try apply(function.withConstantRight, to: left, operand: operand)
    case (.constant(let operand), _):
      return try apply(function.withConstantLeft, to: right, operand: operand)
    default: break
    }
    let shape = try Shape.broadcast(left.shape, right.shape)
    let count = try Shape.count(shape)
    var places: [[Int32]?] = []
    for value in [left, right] {
      let own = try Shape.count(value.shape)
      if own != count { try take(bytes: 4 * count) }
      places.append(own == count ? nil : Shape.repetition(of: value.shape, to: shape))
    }
    return try append(
      BinaryOperation(
        function: function, count: count, places: places,
        sizes: [try Shape.count(left.shape), try Shape.count(right.shape)]),
      [left, right], shape: shape)
  }

  /// A value repeated along axes of extent 1.
  mutating func repeated(_ value: Value, to shape: [Int]) throws(NetworkError) -> Value {
    guard try Shape.count(value.shape) != Shape.count(shape) else {
      return try reshaped(value, shape)
    }
    let old = value.shape
    return try rearranged(value, shape: shape) {
      Shape.repetition(of: old, to: shape) ?? []
    }
  }
}

extension BinaryOperation.Function {
  /// The function of x and c that is this of (x, c).
  var withConstantRight: ElementwiseFunction {
    switch self {
    case .add: .add
    case .subtract: .subtract
    case .multiply: .multiply
    case .divide: .divide
    case .maximum: .maximum
    case .minimum: .minimum
    case .raise: .raise
    }
  }

  /// The function of x and c that is this of (c, x).
  var withConstantLeft: ElementwiseFunction {
    switch self {
    case .subtract: .subtractFrom
    case .divide: .divideInto
    case .raise: .raiseFrom
    default: withConstantRight
    }
  }
}
