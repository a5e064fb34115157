import LinearCore

/// What is known of a network on a region of inputs: intervals of the pre-activations, measured from a
/// ``ReferencePoint``, and what follows from them for all nodes.
struct RegionBounds {
  let network: BoundedNetwork
  let reference: ReferencePoint
  let region: InputRegion
  /// Of every node that a power reads, what dz lies between; empty for other nodes.
  private(set) var lower: [[Double]]
  private(set) var upper: [[Double]]
  /// At least |dv| of every number of every node that has been reached.
  private(set) var magnitudes: [[Double]]
  /// What a coefficient of a number of an affine node costs: rounding of the product with the map, and the
  /// residual of the reference.
  private(set) var errors: [[Double]]
  /// The same for products in single precision, beside ``errors``; empty where there are none.
  private(set) var singleErrors: [[Double]]
  private(set) var singleUnderflow: [Double]
  /// Products that underflow, of every affine node.
  private(set) var underflow: [Double]
  /// Of every power node, lines above on the intervals.
  private(set) var above: [[PowerLines.Line]]

  /// Nothing known but the region. Nodes are to be reached in their order by ``reach(_:)``.
  init(_ network: BoundedNetwork, _ reference: ReferencePoint, _ region: InputRegion) {
    self.network = network
    self.reference = reference
    self.region = region
    let none = [[Double]](repeating: [], count: network.nodes.count)
    (lower, upper, errors, singleErrors) = (none, none, none, none)
    magnitudes = none
    magnitudes[0] = region.largest()
    above = [[PowerLines.Line]](repeating: [], count: network.nodes.count)
    underflow = [Double](repeating: 0, count: network.nodes.count)
    singleUnderflow = underflow
  }

  /// Finds what follows for a node from those before it. Of a power node the intervals of its input have to be
  /// known, see ``setInterval(_:_:_:)``.
  ///
  /// - Parameter known: bounds on a region that holds this one. Where they were reached they are from the same reference, and
  ///   what rounding costs there, it costs at most here; intervals that were restated say nothing of rounding.
  mutating func reach(_ node: Int, known: RegionBounds? = nil) {
    switch network.nodes[node] {
    case .input: break
    case .affine(let affine):
      if let known, !known.errors[node].isEmpty {
        errors[node] = known.errors[node]
        magnitudes[node] = known.magnitudes[node]
        underflow[node] = known.underflow[node]
        singleErrors[node] = known.singleErrors[node]
        singleUnderflow[node] = known.singleUnderflow[node]
        return
      }
      var error = reference.residuals[node]
      var size = error
      for term in affine.terms {
        let gamma = Rounding.gamma(network.sizes[node] + 2)
        let sum = term.map.appliedMagnitudes(magnitudes[term.node])
        for i in error.indices {
          let bound = Rounding.up(sum[i])
          size[i] += bound
          error[i] += gamma * bound
        }
        let total = magnitudes[term.node].reduce(0, +)
        underflow[node] += Double(network.sizes[node]) * Rounding.tiny * (total + 1)
        if case .dense(let map) = term.map, map.single != nil, affine.terms.count == 1 {
          let error = DenseMap.singleError(network.sizes[node])
          singleErrors[node] = sum.map { Rounding.up(error * Rounding.up($0)) }
          // A coefficient that becomes 0 counts times the map; an entry that does, times coefficients of ordinary size
          // and the input; both halves of paired rows.
          singleUnderflow[node] = Rounding.up(
            4 * DenseMap.singleTiny
              * (sum.reduce(0, +) + 2 * DenseMap.ordinary.upperBound * Double(network.sizes[node])
                * total))
        }
      }
      errors[node] = error.map(Rounding.up)
      magnitudes[node] = size.map(Rounding.up)
    case .power(let power):
      let lines = PowerLines(power)
      let (low, high) = (lower[power.input], upper[power.input])
      let (z, h) = (reference.values[power.input], reference.values[node])
      above[node] = z.indices.map { lines.above(low[$0], high[$0], z[$0], h[$0], at: $0) }
      magnitudes[node] = z.indices.map {
        let (least, most) = lines.values(low[$0], high[$0], z[$0], h[$0], at: $0)
        return max(least.magnitude, most.magnitude)
      }
    }
  }

  /// What follows from the sizes alone.
  func plainInterval(_ node: Int) -> (lower: [Double], upper: [Double]) {
    (magnitudes[node].map { -$0 }, magnitudes[node])
  }

  /// States what dz of a node that has not been reached lies between, for who asks for nothing else.
  mutating func restate(_ node: Int, _ low: [Double], _ high: [Double]) {
    lower[node] = low
    upper[node] = high
  }

  /// States what dz of a node lies between. An empty interval says that the region is empty.
  mutating func setInterval(_ node: Int, _ low: [Double], _ high: [Double]) {
    lower[node] = low
    upper[node] = high
    for i in low.indices {
      magnitudes[node][i] = min(magnitudes[node][i], max(low[i].magnitude, high[i].magnitude))
    }
  }
}
