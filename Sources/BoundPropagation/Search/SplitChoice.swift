import LinearCore

/// Which neuron to cut a part by: the one whose lines cost the least margin most, directly and through the intervals of
/// the neurons behind it.
struct SplitChoice {
  let bounds: RegionBounds
  /// The coefficients of dh of every power node in the bound of the least margin.
  let coefficients: [[Double]?]

  struct Candidate {
    let split: DeepCertificate.Split
    let score: Double
  }

  /// The best candidates, best first.
  func candidates(_ count: Int) -> [Candidate] {
    let network = bounds.network
    var importance = [[Double]?](repeating: nil, count: network.nodes.count)
    var found: [Candidate] = []
    for node in stride(from: network.nodes.count - 1, to: 0, by: -1) {
      switch network.nodes[node] {
      case .input: break
      case .affine(let affine):
        guard let own = importance[node] else { continue }
        for term in affine.terms { add(own, through: term.map, to: &importance[term.node]) }
      case .scaled(let scaled):
        guard let own = importance[node] else { continue }
        let scales = bounds.scales[node].map(\.scale)
        add(
          own.indices.map { own[$0] * scales[scaled.groups.group(of: $0)] },
          through: .identity(count: own.count), to: &importance[scaled.input])
      case .power(let power):
        let direct = coefficients[node] ?? [Double](repeating: 0, count: network.sizes[node])
        let indirect = importance[node] ?? [Double](repeating: 0, count: network.sizes[node])
        let (own, passed) = scores(node, power, direct, indirect)
        found += own
        if importance[power.input] == nil {
          importance[power.input] = passed
        } else {
          for j in passed.indices { importance[power.input]![j] += passed[j] }
        }
      }
    }
    return Array(found.sorted { $0.score > $1.score }.prefix(count))
  }

  private func scores(
    _ node: Int, _ power: BoundedNetwork.PowerNode, _ direct: [Double], _ indirect: [Double]
  ) -> (candidates: [Candidate], passed: [Double]) {
    let lines = PowerLines(power)
    let (low, high) = (bounds.lower[power.input], bounds.upper[power.input])
    let z0 = bounds.reference.values[power.input]
    var found: [Candidate] = []
    var passed = [Double](repeating: 0, count: z0.count)
    for j in z0.indices {
      let line = bounds.above[node][j]
      passed[j] = indirect[j] * line.slope.magnitude
      if lines.isDead(upper: high[j], z0[j]) || lines.isLinear(lower: low[j], z0[j]) { continue }
      let width = high[j] - low[j]
      guard width > 0, width.isFinite else { continue }
      // Where the chord is farthest from the power.
      let touching = lines.touching(line.slope, at: j) - z0[j]
      let cut = min(max(touching, low[j] + 0.05 * width), high[j] - 0.05 * width)
      let threshold = power.exponent == 1 ? -z0[j] : cut
      let gap =
        line.slope * threshold + line.intercept + bounds.reference.values[node][j]
        - power.value(z0[j] + threshold, at: j)
      guard threshold > low[j], threshold < high[j], gap > 0 else { continue }
      let cost = max(0, -direct[j])
      let score = (cost + 0.5 * indirect[j]) * gap
      found.append(
        Candidate(
          split: DeepCertificate.Split(node: power.input, neuron: j, threshold: threshold),
          score: score))
      // A narrower interval has a chord that is closer.
      passed[j] += cost * gap / width * 2
    }
    return (found, passed)
  }

  private func add(_ own: [Double], through map: LinearMap, to target: inout [Double]?) {
    let row = Matrix(rows: 1, columns: own.count, elements: own)
    var sum = Matrix<Double>(
      rows: 1, columns: map.inputCount,
      elements: target ?? [Double](repeating: 0, count: map.inputCount))
    map.ofMagnitudes.accumulate(row, into: &sum)
    target = sum.elements
  }
}

extension LinearMap {
  /// The map of the sizes of all entries.
  fileprivate var ofMagnitudes: LinearMap {
    switch self {
    case .identity, .centering: self
    case .diagonal(let values): .diagonal(values.map(\.magnitude))
    case .dense(let map): .dense(map.ofMagnitudes)
    case .windows(let map): .windows(map.ofMagnitudes)
    case .sparse(let map): .sparse(map.magnitudes)
    }
  }
}
