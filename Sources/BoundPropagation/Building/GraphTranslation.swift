import Graphs
import LinearCore
import Networks

extension BoundedNetwork {
  /// The imported network as it is evaluated.
  /// - Throws: `NetworkError` that names the operator of which no bounds are known.
  package init(_ plan: GraphPlan) throws(NetworkError) {
    var translation = GraphTranslation(plan)
    self = try translation.run()
  }
}

/// An imported graph on its way to linear maps and powers.
struct GraphTranslation {
  /// What a slot of the graph holds.
  enum Value {
    case node(Int)
    /// factor_j relu(z_j)^exponent, kept apart until somebody needs it otherwise: relu, and then a power, is one
    /// power.
    case monomial(Monomial)
  }

  struct Monomial {
    /// The node of z.
    let node: Int
    var exponent: Double
    /// Positive numbers; nil where all are 1.
    var factors: [Double]?
    /// What they may be off by, relative to themselves.
    var error = 0.0
  }

  let plan: GraphPlan
  var network: BoundedNetwork
  var values: [Int: Value] = [0: .node(0)]
  /// How often every slot is read.
  let uses: [Int: Int]
  /// Whether nobody else reads the value at hand, so that a constant may be added to it in place.
  var isOwned = false

  init(_ plan: GraphPlan) {
    self.plan = plan
    uses = plan.steps.reduce(into: [plan.output: 1]) { uses, step in
      for slot in step.inputs { uses[slot, default: 0] += 1 }
    }
    network = BoundedNetwork(inputDimension: plan.sizes[0])
  }

  mutating func run() throws(NetworkError) -> BoundedNetwork {
    for (number, step) in plan.steps.enumerated() {
      do throws(NetworkError) { try translate(step) } catch {
        throw NetworkError(
          "step \(number + 1) (\(step.operation.description)): \(error.description)")
      }
    }
    let last = try node(of: plan.output)
    if last != network.output {
      _ = try network.append(
        [(last, .identity(count: network.sizes[last]))], shift: zeros(network.sizes[last]))
    }
    try network.endInLinear()
    return network
  }

  func zeros(_ count: Int) -> [Double] { [Double](repeating: 0, count: count) }

  /// The node that holds the numbers of a slot.
  mutating func node(of slot: Int) throws(NetworkError) -> Int {
    switch values[slot] {
    case .node(let node): return node
    case .monomial(let monomial):
      let node = try materialized(monomial)
      values[slot] = .node(node)
      return node
    case nil: preconditionFailure("a slot that nothing has filled")
    }
  }

  mutating func materialized(_ monomial: Monomial) throws(NetworkError) -> Int {
    let p = monomial.exponent
    guard p >= 1 else {
      throw NetworkError("bounds of a power \(p) of relu are not known, expected at least 1")
    }
    guard let factors = monomial.factors else {
      return try network.append(power: p, of: monomial.node)
    }
    if p == 1 {
      let node = try network.append(power: 1, of: monomial.node)
      return try network.append([(node, .diagonal(factors))], shift: zeros(factors.count))
    }
    // factor = 1 / c^(p-1); the power of the C library is right to a unit in the last place, and its exponent is
    // rounded.
    let norms = factors.map { Double.power($0, -1 / (p - 1)) }
    guard norms.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw NetworkError("factors of a power are out of range")
    }
    return try network.append(
      power: p, of: monomial.node, norms: norms,
      normError: (monomial.error + 1000 * Rounding.unit) / (p - 1) + 4 * Rounding.unit)
  }

  mutating func appendMap(_ map: LinearMap, _ step: GraphPlan.Step, shift: [Double]? = nil)
    throws(NetworkError)
  {
    let input = try node(of: step.inputs[0])
    values[step.output] = .node(
      try network.append([(input, map)], shift: shift ?? zeros(map.outputCount)))
  }

  private mutating func translate(_ step: GraphPlan.Step) throws(NetworkError) {
    switch step.operation {
    case let product as DenseProduct: try appendMap(map(product, step), step)
    case let convolution as Convolution: try appendMap(map(convolution, step), step)
    case let product as StackedProduct: try appendMap(map(product, step), step)
    case let moved as Rearrangement:
      try appendMap(
        .selection(inputCount: moved.inputCount, places: moved.places), step,
        shift: moved.places.map { $0 < 0 ? moved.filling : 0 })
    case let joined as Concatenation: try translate(joined, step)
    case let mean as WindowMean: try appendMap(map(mean), step)
    case let pooling as MaxPooling: try translate(pooling, step)
    case let reduction as Reduction: try appendMap(map(reduction), step)
    case let binary as BinaryOperation: try translate(binary, step)
    case let chain as ElementwiseChain: try translate(chain, step)
    default: throw unknown
    }
  }

  var unknown: NetworkError { NetworkError("bounds of this operator are not known") }

  private mutating func translate(_ joined: Concatenation, _ step: GraphPlan.Step)
    throws(NetworkError)
  {
    let total = joined.lengths.reduce(0, +)
    var terms: [(node: Int, map: LinearMap)] = []
    var offset = 0
    for (part, length) in joined.lengths.enumerated() {
      var places = [Int32](repeating: -1, count: joined.outer * total)
      for stretch in 0..<joined.outer {
        for i in 0..<length {
          places[stretch * total + offset + i] = Int32(stretch * length + i)
        }
      }
      let node = try node(of: step.inputs[part])
      terms.append((node, .selection(inputCount: network.sizes[node], places: places)))
      offset += length
    }
    values[step.output] = .node(
      try network.append(terms, shift: zeros(joined.outer * total)))
  }
}
