import Formats
import LinearCore
import Networks

/// A network of three kinds of steps, of which bounds are known: linear maps, relu(z)^p number by number, and products
/// with scales. It is a function of real numbers; the weights are exact.
package struct BoundedNetwork: Sendable {
  /// Numbers of one kind, made from others that stand before them.
  package enum Node: Sendable {
    case input
    case affine(AffineNode)
    case power(PowerNode)
    case scaled(ScaledNode)
  }

  /// y = sum of M x over some nodes, plus a constant.
  package struct AffineNode: Sendable {
    package var terms: [(node: Int, map: LinearMap)]
    package var shift: [Double]
  }

  /// y_j = relu(z_j)^p / c_j^(p-1), c_j = ‖w_j‖ the length of the weights, or 1.
  package struct PowerNode: Sendable {
    package let input: Int
    package let exponent: Double
    /// c_j as computed; infinity stands for y_j = 0. Nil where all are 1.
    package let norms: [Double]?
    /// What the norms may be off by, relative to themselves.
    package let normError: Double
  }

  /// From the input on.
  package private(set) var nodes: [Node]
  /// Numbers of every node.
  package private(set) var sizes: [Int]
  /// The node of the outputs, the last one.
  package var output: Int { nodes.count - 1 }
  package var inputDimension: Int { sizes[0] }
  package var outputCount: Int { sizes[output] }

  /// A network that is only its input.
  package init(inputDimension: Int) {
    nodes = [.input]
    sizes = [inputDimension]
  }

  /// A network of (x - mean) / deviation, as one of x.
  package init(standardizing base: BoundedNetwork, mean: [Double], deviation: [Double])
    throws(NetworkError)
  {
    self.init(inputDimension: base.inputDimension)
    let node = try append(
      [(0, .diagonal(deviation.map { 1 / $0 }))], shift: zip(mean, deviation).map { -$0 / $1 })
    for (number, old) in base.nodes.enumerated().dropFirst() {
      switch old {
      case .input: preconditionFailure("one input")
      case .affine(let affine):
        _ = try append(
          affine.terms.map { ($0.node + node, $0.map) }, shift: affine.shift)
      case .power(let power):
        _ = try append(
          power: power.exponent, of: power.input + node, norms: power.norms,
          normError: power.normError)
      case .scaled(let scaled): _ = try append(scaled.moved(by: node))
      }
      precondition(nodes.count == number + node + 1)
    }
  }

  /// Numbers that all nodes may have together: a bound is a row of them.
  private static let largestSize = 1 << 24

  /// Appends linear maps and returns their node.
  /// - Precondition: the maps fit the nodes.
  package mutating func append(
    _ terms: [(node: Int, map: LinearMap)], shift: [Double]
  ) throws(NetworkError) -> Int {
    precondition(!terms.isEmpty)
    for term in terms {
      precondition(
        term.map.inputCount == sizes[term.node] && term.map.outputCount == shift.count,
        "a map that does not fit")
    }
    return try append(.affine(AffineNode(terms: terms, shift: shift)), size: shift.count)
  }

  /// Appends relu(z)^p / c^(p-1) and returns its node.
  package mutating func append(
    power exponent: Double, of node: Int, norms: [Double]? = nil, normError: Double = 0
  ) throws(NetworkError) -> Int {
    try Degree.check(exponent)
    precondition(norms.map { $0.count == sizes[node] } ?? true, "one norm a number")
    return try append(
      .power(
        PowerNode(
          input: node, exponent: exponent, norms: exponent == 1 ? nil : norms,
          normError: normError)), size: sizes[node])
  }

  /// Appends a product with scales and returns its node.
  package mutating func append(_ scaled: ScaledNode) throws(NetworkError) -> Int {
    switch scaled.groups {
    case .whole(let count): precondition(count == sizes[scaled.lengths], "one group of all")
    case .parts(_, let ofValues): precondition(ofValues.count == sizes[scaled.input])
    }
    if let limit = scaled.limit {
      let isRead = powers.contains { $0.power.input == limit }
      precondition(sizes[limit] == sizes[scaled.input] && isRead, "a limit that a power reads")
    }
    return try append(.scaled(scaled), size: sizes[scaled.input])
  }

  private mutating func append(_ node: Node, size: Int) throws(NetworkError) -> Int {
    nodes.append(node)
    sizes.append(size)
    guard sizes.reduce(0, +) <= Self.largestSize else {
      throw NetworkError(
        "more than \(Self.largestSize) numbers of one sample; bounds of so large a network are not computed"
      )
    }
    return nodes.count - 1
  }

  /// Adds constants to an affine node that had none, where nobody else reads it; false where that is not so.
  package mutating func shift(_ node: Int, by values: [Double]) -> Bool {
    guard case .affine(var affine) = nodes[node], affine.shift.allSatisfy({ $0 == 0 }),
      node == nodes.count - 1
    else { return false }
    affine.shift = values
    nodes[node] = .affine(affine)
    return true
  }

  /// The nodes of relu(z)^p, first to last.
  package var powers: [(node: Int, power: PowerNode)] {
    nodes.enumerated().compactMap { number, node in
      if case .power(let power) = node { (number, power) } else { nil }
    }
  }

  /// The nodes of products with scales, first to last.
  package var scaledNodes: [(node: Int, scaled: ScaledNode)] {
    nodes.enumerated().compactMap { number, node in
      if case .scaled(let scaled) = node { (number, scaled) } else { nil }
    }
  }

  /// f(x) in double precision.
  package func outputs(_ input: [Double]) -> [Double] { values(input)[output] }

  /// What every node is at x, in double precision.
  func values(_ input: [Double]) -> [[Double]] {
    precondition(input.count == inputDimension)
    var values = [input]
    for node in nodes.dropFirst() {
      switch node {
      case .input: preconditionFailure("one input")
      case .affine(let affine):
        var sum = affine.shift
        for term in affine.terms {
          for (i, value) in term.map.applied(values[term.node]).enumerated() { sum[i] += value }
        }
        values.append(sum)
      case .power(let power):
        values.append(values[power.input].enumerated().map { power.value($1, at: $0) })
      case .scaled(let scaled):
        values.append(scaled.values(values[scaled.input], values[scaled.lengths]))
      }
    }
    return values
  }
}

extension BoundedNetwork.PowerNode {
  /// c_j.
  func norm(_ j: Int) -> Double { norms?[j] ?? 1 }

  /// relu(z)^p / c_j^(p-1), as computed; see ``relativeError``.
  func value(_ z: Double, at j: Int) -> Double {
    if !(z > 0) { return z.isNaN ? z : 0 }
    if exponent == 1 { return z }
    let ratio = z / norm(j)
    if exponent == 2 { return z * ratio }
    if exponent == 3 { return z * ratio * ratio }
    return z * Double.power(ratio, exponent - 1)
  }

  /// p relu(z)^(p-1) / c_j^(p-1): the slope, as computed.
  func slope(_ z: Double, at j: Int) -> Double {
    if exponent == 1 { return z > 0 ? 1 : 0 }
    guard z > 0 else { return 0 }
    let ratio = z / norm(j)
    if exponent == 2 { return 2 * ratio }
    if exponent == 3 { return 3 * ratio * ratio }
    return exponent * Double.power(ratio, exponent - 1)
  }

  /// What ``value(_:at:)`` may be off by, relative to itself: four operations, a ratio that is off by its norm and a
  /// rounding to the power p - 1, and a power of the C library, which is right to one unit in the last place.
  var relativeError: Double {
    exponent == 1
      ? 0 : 1.01 * ((exponent - 1) * (normError + 2 * Rounding.unit) + 8 * Rounding.unit)
  }
}
