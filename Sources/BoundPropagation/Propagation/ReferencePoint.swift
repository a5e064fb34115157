import LinearCore

/// What every node is near at an input x: numbers v0 that all bounds are measured from, dv = v - v0.
///
/// They need not be exact. With dv = sum of M dx + r for an affine node, r = (sum of M x0 + shift) - v0 is bounded
/// here.
struct ReferencePoint {
  /// v0 of every node.
  let values: [[Double]]
  /// At least |r| for every number of every affine node; empty for other nodes.
  let residuals: [[Double]]

  init(_ network: BoundedNetwork, at input: [Double]) {
    let values = network.values(input)
    self.values = values
    residuals = network.nodes.map { node in
      guard case .affine(let affine) = node else { return [] }
      var sizes = affine.shift.map(\.magnitude)
      var count = 2
      for term in affine.terms {
        count += term.map.inputCount + 1
        let sum = term.map.appliedMagnitudes(values[term.node].map(\.magnitude))
        for i in sizes.indices { sizes[i] += sum[i] }
      }
      let gamma = Rounding.gamma(count)
      return sizes.map { Rounding.up(gamma * $0) + Double(count) * Rounding.tiny }
    }
  }
}
