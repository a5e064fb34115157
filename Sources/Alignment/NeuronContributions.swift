import LinearCore
import Networks

/// How much each hidden neuron can contribute to the output: ||v_j|| ||w_j||, with v_j the column of
/// output weights (|v_j| for one output).
///
/// |v_j h_j(x)| <= ||v_j|| ||w_j|| ||x||^p, so leaving neurons out changes the output by at most the sum
/// of their contributions times ||x||^p.
public struct NeuronContributions: Sendable, Equatable {
  /// One number a neuron, in the network's order.
  public let values: [Double]
  /// The neurons from the largest contribution to the smallest.
  public let order: [Int]

  /// The contributions of a network's neurons.
  public init<Scalar: LinearScalar>(_ network: PReLUNetwork<Scalar>) {
    let hidden = network.hiddenWeights.rowNorms().map { Double($0) }
    let output = network.outputWeights.transposed.rowNorms().map { Double($0) }
    let values = zip(hidden, output).map { $0 * $1 }
    self.values = values
    order = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }
  }

  /// The contributions from the largest to the smallest.
  public var sorted: [Double] { order.map { values[$0] } }

  /// The sum of all contributions.
  public var total: Double { values.reduce(0, +) }

  /// The smallest set of neurons that holds the share `mass` of the total, largest first: the
  /// *dominant* neurons.
  public func dominant(mass: Double = 0.99) -> [Int] {
    precondition(mass > 0 && mass <= 1, "a share of the total")
    let target = mass * total
    var sum = 0.0
    var result: [Int] = []
    for j in order {
      if sum >= target { break }
      sum += values[j]
      result.append(j)
    }
    return result
  }

  /// How many neurons it takes to hold the share `mass` of the total.
  public func effectiveNeurons(mass: Double = 0.99) -> Int { dominant(mass: mass).count }
}
