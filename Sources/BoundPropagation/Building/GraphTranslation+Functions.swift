import Formats
import Graphs
import LinearCore
import Networks

/// Steps of one number at a time, and of two values.
extension GraphTranslation {
  mutating func translate(_ chain: ElementwiseChain, _ step: GraphPlan.Step) throws(NetworkError) {
    var value = values[step.inputs[0]]!
    isOwned = uses[step.inputs[0]] == 1
    for link in chain.links {
      let operand = link.operand.map { step.constants[$0].doubles }
      value = try applied(
        link.function, operand.map { spread($0, chain.count) } ?? [], chain.count, to: value)
      isOwned = true
    }
    values[step.output] = value
  }

  private func spread(_ numbers: [Double], _ count: Int) -> [Double] {
    numbers.count == 1 ? [Double](repeating: numbers[0], count: count) : numbers
  }

  private mutating func node(_ value: Value) throws(NetworkError) -> Int {
    switch value {
    case .node(let node): node
    case .monomial(let monomial): try materialized(monomial)
    }
  }

  /// factor x + shift.
  private mutating func scaled(
    _ value: Value, by factors: [Double]?, shift: [Double]?
  ) throws(NetworkError) -> Value {
    let node = try node(value)
    let count = network.sizes[node]
    if isOwned, factors == nil, let shift, network.shift(node, by: shift) { return value }
    return .node(
      try network.append(
        [(node, factors.map { .diagonal($0) } ?? .identity(count: count))],
        shift: shift ?? zeros(count)))
  }

  private mutating func applied(
    _ function: ElementwiseFunction, _ c: [Double], _ count: Int, to value: Value
  ) throws(NetworkError) -> Value {
    switch function {
    case .add: return try scaled(value, by: nil, shift: c)
    case .subtract: return try scaled(value, by: nil, shift: c.map { -$0 })
    case .subtractFrom:
      return try scaled(value, by: [Double](repeating: -1, count: count), shift: c)
    case .multiply: return try multiplied(value, c, error: 0)
    case .divide: return try multiplied(value, c.map { 1 / $0 }, error: 2 * Rounding.unit)
    case .relu:
      if case .monomial = value { return value }
      return .monomial(Monomial(node: try node(value), exponent: 1))
    case .leakyRelu(let slope):
      return try leaky(value, [Double](repeating: slope, count: count))
    case .parametricRelu: return try leaky(value, c)
    case .absolute: return try leaky(value, [Double](repeating: -1, count: count))
    case .clip(let low, let high): return try clipped(value, low, high, count)
    case .hardSigmoid(let alpha, let beta):
      let inner = try scaled(
        value, by: [Double](repeating: alpha, count: count),
        shift: [Double](repeating: beta, count: count))
      return try clipped(inner, 0, 1, count)
    case .maximum: return try largest(value, c)
    case .minimum: return try smallest(value, c)
    case .power(let exponent): return try raised(value, exponent, count)
    case .squareRoot: return try raised(value, 0.5, count)
    case .normalizedPower(let exponent):
      let sums = try node(value)
      if exponent == 1 { return .monomial(Monomial(node: sums, exponent: 1)) }
      return .node(try network.append(power: exponent, of: sums, norms: c))
    default: throw NetworkError("bounds of \(name(function)) are not known")
    }
  }

  private func name(_ function: ElementwiseFunction) -> String {
    String("\(function)".prefix { $0 != "(" })
  }

  /// The product with constants; a monomial stays one where they are positive.
  private mutating func multiplied(_ value: Value, _ factors: [Double], error: Double)
    throws(NetworkError) -> Value
  {
    if case .monomial(var monomial) = value, factors.allSatisfy({ $0 > 0 && $0.isFinite }) {
      monomial.factors = monomial.factors.map { zip($0, factors).map { $0 * $1 } } ?? factors
      monomial.error += error + 2 * Rounding.unit
      return .monomial(monomial)
    }
    return try scaled(value, by: factors, shift: nil)
  }

  /// x for x > 0 and slope x below: slope x + (1 - slope) relu(x).
  private mutating func leaky(_ value: Value, _ slopes: [Double]) throws(NetworkError) -> Value {
    if case .monomial = value { return value }
    let node = try node(value)
    let positive = try network.append(power: 1, of: node)
    return .node(
      try network.append(
        [(node, .diagonal(slopes)), (positive, .diagonal(slopes.map { 1 - $0 }))],
        shift: zeros(slopes.count)))
  }

  /// c + relu(x - c).
  private mutating func largest(_ value: Value, _ c: [Double]) throws(NetworkError) -> Value {
    if c.allSatisfy({ $0 == -.infinity }) { return value }
    if c.allSatisfy({ $0 == 0 }) { return try applied(.relu, [], c.count, to: value) }
    guard c.allSatisfy(\.isFinite) else { throw NetworkError("a bound is not finite") }
    let shifted = try node(shiftedCopy(value, by: c.map { -$0 }))
    let positive = try network.append(power: 1, of: shifted)
    return .node(try network.append([(positive, .identity(count: c.count))], shift: c))
  }

  /// c - relu(c - x).
  private mutating func smallest(_ value: Value, _ c: [Double]) throws(NetworkError) -> Value {
    if c.allSatisfy({ $0 == .infinity }) { return value }
    guard c.allSatisfy(\.isFinite) else { throw NetworkError("a bound is not finite") }
    let minus = [Double](repeating: -1, count: c.count)
    let input = try node(value)
    let below = try network.append([(input, .diagonal(minus))], shift: c)
    let positive = try network.append(power: 1, of: below)
    return .node(try network.append([(positive, .diagonal(minus))], shift: c))
  }

  /// x + shift as a node of its own.
  private mutating func shiftedCopy(_ value: Value, by shift: [Double]) throws(NetworkError)
    -> Value
  {
    let node = try node(value)
    return .node(
      try network.append([(node, .identity(count: shift.count))], shift: shift))
  }

  private mutating func clipped(_ value: Value, _ low: Double, _ high: Double, _ count: Int)
    throws(NetworkError) -> Value
  {
    let raised = try largest(value, [Double](repeating: low, count: count))
    return try smallest(raised, [Double](repeating: high, count: count))
  }

  /// x^e.
  private mutating func raised(_ value: Value, _ exponent: Double, _ count: Int)
    throws(NetworkError) -> Value
  {
    if exponent == 1 { return value }
    if case .monomial(var monomial) = value, exponent > 0 {
      monomial.exponent *= exponent
      if let factors = monomial.factors {
        monomial.factors = factors.map { Double.power($0, exponent) }
        monomial.error = 1.01 * exponent * monomial.error + 4 * Rounding.unit
      }
      return .monomial(monomial)
    }
    guard exponent >= 2, exponent == exponent.rounded(), exponent <= 64 else {
      throw NetworkError("bounds of a power \(exponent) of numbers of any sign are not known")
    }
    let node = try node(value)
    let minus = [Double](repeating: -1, count: count)
    let opposite = try network.append([(node, .diagonal(minus))], shift: zeros(count))
    let (up, down) = (
      try network.append(power: exponent, of: node),
      try network.append(power: exponent, of: opposite)
    )
    let isEven = exponent.truncatingRemainder(dividingBy: 2) == 0
    return .node(
      try network.append(
        [
          (up, .identity(count: count)),
          (down, isEven ? .identity(count: count) : .diagonal(minus)),
        ], shift: zeros(count)))
  }

  mutating func translate(_ binary: BinaryOperation, _ step: GraphPlan.Step) throws(NetworkError) {
    if binary.function == .multiply, let product = try product(binary, step) {
      values[step.output] = product
      return
    }
    guard [.add, .subtract, .maximum, .minimum].contains(binary.function) else {
      throw NetworkError("bounds of a \(binary.function) of two computed values are not known")
    }
    var terms: [(node: Int, map: LinearMap)] = []
    for (side, places) in binary.places.enumerated() {
      let node = try node(of: step.inputs[side])
      let count = network.sizes[node]
      // The larger of both is a + relu(b - a), the smaller a - relu(a - b).
      let isNegative =
        binary.function == .subtract && side == 1
        || binary.function == .maximum && side == 0 || binary.function == .minimum && side == 1
      let sign = isNegative ? -1.0 : 1
      if let places {
        terms.append((node, .selection(inputCount: count, places: places, factor: sign)))
      } else {
        terms.append(
          (
            node,
            isNegative ? .diagonal([Double](repeating: -1, count: count)) : .identity(count: count)
          ))
      }
    }
    let sum = try network.append(terms, shift: zeros(binary.count))
    guard [.maximum, .minimum].contains(binary.function) else {
      values[step.output] = .node(sum)
      return
    }
    let positive = try network.append(power: 1, of: sum)
    let first: LinearMap =
      binary.places[0].map { .selection(inputCount: network.sizes[terms[0].node], places: $0) }
      ?? .identity(count: binary.count)
    let sign = binary.function == .maximum ? 1.0 : -1
    values[step.output] = .node(
      try network.append(
        [
          (terms[0].node, first),
          (positive, .diagonal([Double](repeating: sign, count: binary.count))),
        ], shift: zeros(binary.count)))
  }

  /// The product of two powers of the same relu, or of a value with itself; nil for others.
  private mutating func product(_ binary: BinaryOperation, _ step: GraphPlan.Step)
    throws(NetworkError) -> Value?
  {
    guard binary.places.allSatisfy({ $0 == nil }) else { return nil }
    if case .monomial(let a) = values[step.inputs[0]]!,
      case .monomial(let b) = values[step.inputs[1]]!,
      a.node == b.node
    {
      var result = a
      result.exponent += b.exponent
      result.error += b.error + 2 * Rounding.unit
      if let factors = b.factors {
        result.factors = a.factors.map { zip($0, factors).map { $0 * $1 } } ?? factors
      }
      return .monomial(result)
    }
    guard step.inputs[0] == step.inputs[1] else { return nil }
    return try raised(values[step.inputs[0]]!, 2, binary.count)
  }

  /// The largest number of every window, one pixel after the other: m <- m + relu(x - m).
  mutating func translate(_ pooling: MaxPooling, _ step: GraphPlan.Step) throws(NetworkError) {
    let geometry = pooling.geometry
    let windows = Self.windows(geometry)
    let (pixels, positions) = (geometry.windowPixels, geometry.positions)
    let inside = (0..<positions).map { position in
      windows[position * pixels..<(position + 1) * pixels].filter { $0 >= 0 }
    }
    guard inside.allSatisfy({ !$0.isEmpty }) else {
      throw NetworkError("bounds of windows that lie outside of the image are not known")
    }
    let input = try node(of: step.inputs[0])
    let (size, count) = (network.sizes[input], pooling.channels * positions)
    func places(_ number: Int) -> [Int32] {
      (0..<pooling.channels).flatMap { channel in
        inside.map { number < $0.count ? Int32(channel * geometry.pixels) + $0[number] : -1 }
      }
    }
    var largest = try network.append(
      [(input, .selection(inputCount: size, places: places(0)))], shift: zeros(count))
    for number in 1..<max(1, inside.map(\.count).max() ?? 1) {
      let next = places(number)
      // Windows that have no such pixel compare nothing: relu(0).
      let present = next.map { $0 < 0 ? 0.0 : -1 }
      let difference = try network.append(
        [(input, .selection(inputCount: size, places: next)), (largest, .diagonal(present))],
        shift: zeros(count))
      let gain = try network.append(power: 1, of: difference)
      largest = try network.append(
        [(largest, .identity(count: count)), (gain, .identity(count: count))],
        shift: zeros(count))
    }
    values[step.output] = .node(largest)
  }
}
