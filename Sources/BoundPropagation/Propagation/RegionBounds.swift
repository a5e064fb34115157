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
  /// Of every node of products with scales, these.
  private(set) var scales: [[ScaleLines]]
  /// What the mean of dv lies between, of nodes that numbers less their mean are made of, by the node of these.
  private(set) var means: [Int: (lower: Double, upper: Double)] = [:]
  /// At least ‖dv‖ in l2 of every node that has been reached.
  private(set) var lengths: [Double]

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
    scales = [[ScaleLines]](repeating: [], count: network.nodes.count)
    underflow = [Double](repeating: 0, count: network.nodes.count)
    singleUnderflow = underflow
    lengths = [Double](repeating: .infinity, count: network.nodes.count)
    let length = Self.length(magnitudes[0])
    lengths[0] = region.norm == .linf ? length : min(length, region.radius)
  }

  /// At least the root of the sum of squares.
  private static func length(_ sizes: [Double]) -> Double {
    Rounding.up(Rounding.up(sizes.reduce(0) { $0 + $1 * $1 }).squareRoot())
  }

  /// Finds what follows for a node from those before it. Of a power node the intervals of its input have to be
  /// known, see ``setInterval(_:_:_:)``.
  ///
  /// - Parameters:
  ///   - known: bounds on a region that holds this one. Where they were reached they are from the same reference, and
  ///   what rounding costs there, it costs at most here; intervals that were restated say nothing of rounding.
  ///   - norms: of every map of an affine node at least its norm; without them lengths follow from sizes alone.
  ///   - products: of a node of products with scales what <c0, dc> of every group lies between.
  mutating func reach(
    _ node: Int, known: RegionBounds? = nil, norms: [Double]? = nil,
    products: (lower: [Double], upper: [Double])? = nil
  ) {
    switch network.nodes[node] {
    case .input: break
    case .affine(let affine):
      if let known, !known.errors[node].isEmpty {
        errors[node] = known.errors[node]
        magnitudes[node] = known.magnitudes[node]
        underflow[node] = known.underflow[node]
        singleErrors[node] = known.singleErrors[node]
        singleUnderflow[node] = known.singleUnderflow[node]
        lengths[node] = min(known.lengths[node], lengthAfter(affine, node, norms))
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
      lengths[node] = lengthAfter(affine, node, norms)
    case .power(let power):
      let lines = PowerLines(power)
      let (low, high) = (lower[power.input], upper[power.input])
      let (z, h) = (reference.values[power.input], reference.values[node])
      above[node] = z.indices.map { lines.above(low[$0], high[$0], z[$0], h[$0], at: $0) }
      magnitudes[node] = z.indices.map {
        let (least, most) = lines.values(low[$0], high[$0], z[$0], h[$0], at: $0)
        return max(least.magnitude, most.magnitude)
      }
      // phi is convex: between z0 and the interval it is steepest at the end.
      let error = 2 * power.relativeError + 8 * Rounding.unit
      let slope = z.indices.reduce(0.0) {
        let slope = power.slope((z[$1] + max(0, high[$1])).nextUp, at: $1) * (1 + error)
        return slope.isNaN ? .infinity : max($0, slope)
      }
      let offset = Self.length(h.map { 2 * power.relativeError * $0 })
      lengths[node] = min(
        Self.length(magnitudes[node]),
        Rounding.up(Rounding.up(slope) * lengths[power.input] + offset))
    case .scaled(let scaled):
      let old = known.flatMap { $0.scales[node].isEmpty ? nil : $0.scales[node] }
      scales[node] = scaleLines(scaled, products: products, known: old)
      magnitudes[node] = scaledMagnitudes(scaled, node)
      lengths[node] = Self.length(magnitudes[node])
    }
  }

  /// At least ‖dv‖ of an affine node.
  private func lengthAfter(_ affine: BoundedNetwork.AffineNode, _ node: Int, _ norms: [Double]?)
    -> Double
  {
    let plain = Self.length(magnitudes[node])
    guard let norms else { return plain }
    let sum = zip(affine.terms, norms).reduce(0.0) { sum, term in
      let product = term.1 * lengths[term.0.node]
      return product.isNaN ? .infinity : sum + product
    }
    return min(plain, Rounding.up(sum + Self.length(errors[node])))
  }

  /// At least |dy| of products with scales.
  private func scaledMagnitudes(_ scaled: BoundedNetwork.ScaledNode, _ node: Int) -> [Double] {
    let (v, y) = (reference.values[scaled.input], reference.values[node])
    let range = interval(scaled.input)
    return v.indices.map { j in
      let line = scales[node][scaled.groups.group(of: j)]
      guard line.isBounded else {
        guard let limit = scaled.limit else { return .infinity }
        let most = max(0, (reference.values[limit][j] + upper[limit][j]).nextUp) * (1 + 1.1e-9)
        return Rounding.up(max(y[j].magnitude, (most - y[j]).magnitude))
      }
      let (s, t) = (line.scale + line.scales.lower, line.scale + line.scales.upper)
      let (low, high) = (v[j] + range.lower[j], v[j] + range.upper[j])
      let ends = [low * s, low * t, high * s, high * t]
      let size = ends.reduce(0.0) { $1.isNaN ? .infinity : max($0, $1.magnitude) }
      let reach = ends.reduce(0.0) { $1.isNaN ? .infinity : max($0, ($1 - y[j]).magnitude) }
      return Rounding.up(reach + 16 * Rounding.unit * (size + y[j].magnitude))
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

  /// States what the mean lies between that a node subtracts.
  mutating func setMean(_ node: Int, _ low: Double, _ high: Double) { means[node] = (low, high) }

  /// States what dz of a node lies between. An empty interval says that the region is empty.
  mutating func setInterval(_ node: Int, _ low: [Double], _ high: [Double]) {
    lower[node] = low
    upper[node] = high
    for i in low.indices {
      magnitudes[node][i] = min(magnitudes[node][i], max(low[i].magnitude, high[i].magnitude))
    }
  }
}
