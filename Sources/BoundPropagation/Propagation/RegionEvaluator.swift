import LinearCore

/// The slopes and multipliers of the passes of one evaluation.
package struct PassParameters: Sendable {
  /// By the node whose numbers are bounded. Its rows are first its numbers from below, then its numbers from above; the
  /// rows of the node of the outputs are the margins.
  package var choices: [Int: DeepCertificate.Choice] = [:]

  package init() {}
}

/// Bounds of all pre-activations of a network on a region, one layer after the other, each by ``BackwardPass``; and then of
/// linear functions of the outputs.
///
/// Every slope and multiplier gives a true bound. Those that are not given follow a rule.
struct RegionEvaluator: Sendable {
  let network: BoundedNetwork
  /// The nodes that powers read.
  let preActivations: Set<Int>
  /// The norm that regions without box are balls of, and for nodes that are one map of the input at least the dual
  /// norm of every row.
  let norm: Norm
  let rowNorms: [Int: [Double]]
  /// Affine nodes that products with scales read: their numbers are bounded as well.
  let scaledInputs: Set<Int>
  /// Of every map of every affine node at least its norm in l2; empty where no lengths are asked for.
  private let mapNorms: [[Double]]

  init(_ network: BoundedNetwork, norm: Norm) {
    self.network = network
    self.norm = norm
    let nodes = Set(network.powers.map(\.power.input))
    preActivations = nodes
    let scaled = network.scaledNodes.map(\.scaled)
    scaledInputs = Set(
      scaled.flatMap { [$0.input, $0.lengths] }.filter {
        if case .affine = network.nodes[$0] { !nodes.contains($0) } else { false }
      })
    let last = scaled.map(\.lengths).max() ?? 0
    mapNorms = network.nodes.enumerated().map { number, node in
      guard case .affine(let affine) = node, number <= last else { return [] }
      return affine.terms.map(\.map.normBound)
    }
    let unit = InputRegion(
      center: [Double](repeating: 0, count: network.inputDimension), norm: norm, radius: 1)
    rowNorms = Dictionary(
      uniqueKeysWithValues: nodes.compactMap { node in
        guard case .affine(let affine) = network.nodes[node], affine.terms.count == 1,
          affine.terms[0].node == 0, case .dense(let map) = affine.terms[0].map
        else { return nil }
        let matrix = map.entries
        return matrix.withPointer { entries in
          (node, (0..<matrix.rows).map { -unit.least(entries + $0 * matrix.columns) })
        }
      })
  }

  /// What is chosen for the rows of some numbers of a node, given the bounds before it.
  typealias Chooser = (_ node: Int, _ numbers: [Int], RegionBounds) -> DeepCertificate.Choice?

  /// Numbers that the rows of one pass have in one node, at most.
  private static let largestPass = 1 << 22

  /// Bounds on a region that is cut to half-spaces; nil where the region is seen to be empty.
  ///
  /// - Parameters:
  ///   - known: bounds on a region that holds this one.
  ///   - choose: makes the choices of nodes, instead of `parameters`.
  func bounds(
    _ reference: ReferencePoint, _ region: InputRegion, halfSpaces: [HalfSpace] = [],
    parameters: PassParameters = PassParameters(), known: RegionBounds? = nil,
    choose: Chooser? = nil
  ) -> RegionBounds? {
    var parameters = parameters
    var bounds = RegionBounds(network, reference, region)
    for node in network.nodes.indices {
      if node > 0 { reach(node, &bounds, known) }
      if scaledInputs.contains(node) { boundValues(of: node, &bounds, known) }
      guard preActivations.contains(node) else { continue }
      var (low, high) = bounds.plainInterval(node)
      if let norms = rowNorms[node], region.lower == nil, region.norm == norm {
        for i in low.indices {
          let reach =
            (region.radius * norms[i]) * (1 + 4 * Rounding.unit) + bounds.errors[node][i]
            + bounds.underflow[node]
          (low[i], high[i]) = (max(low[i], -reach), min(high[i], reach))
        }
      }
      if let known {
        for i in low.indices {
          low[i] = max(low[i], known.lower[node][i])
          high[i] = min(high[i], known.upper[node][i])
        }
      }
      clip(&low, &high, halfSpaces, node)
      if rowNorms[node] == nil || region.lower != nil || region.norm != norm
        || !halfSpaces.isEmpty
      {
        tighten(&low, &high, node, bounds, halfSpaces, &parameters, choose)
        clip(&low, &high, halfSpaces, node)
      }
      // An interval that is NaN is empty to nobody.
      if zip(low, high).contains(where: { $0 > $1 }) { return nil }
      bounds.setInterval(node, low, high)
    }
    return bounds
  }

  private func reach(_ node: Int, _ bounds: inout RegionBounds, _ known: RegionBounds?) {
    guard case .scaled(let scaled) = network.nodes[node] else {
      return bounds.reach(
        node, known: known, norms: mapNorms[node].isEmpty ? nil : mapNorms[node])
    }
    bounds.reach(node, known: known, products: products(scaled, bounds))
  }

  /// What <c0, dc> of every group lies between.
  private func products(_ scaled: BoundedNetwork.ScaledNode, _ bounds: RegionBounds) -> (
    lower: [Double], upper: [Double]
  ) {
    let c = bounds.reference.values[scaled.lengths]
    var (lower, upper) = ([Double](), [Double]())
    let slopes = SlopeRule.slopes(bounds, before: scaled.lengths + 1)
    let pass = BackwardPass(bounds: bounds, slopes: slopes)
    let block = max(8, Self.largestPass / (2 * max(1, network.sizes.max()!)))
    for start in stride(from: 0, to: scaled.groups.count, by: block) {
      let groups = start..<min(scaled.groups.count, start + block)
      var rows = Matrix<Double>(rows: 2 * groups.count, columns: c.count)
      for (row, group) in groups.enumerated() {
        scaled.groups.forEachPlace(group) { i in
          rows[row, i] = c[i]
          rows[row + groups.count, i] = -c[i]
        }
      }
      let found = pass.lowerBounds(
        BackwardPass.Rows(node: scaled.lengths, coefficients: rows)
      ).bounds
      lower += found.prefix(groups.count)
      upper += found.suffix(groups.count).map { -$0 }
    }
    return (lower, upper)
  }

  /// What the mean of dv lies between.
  private func mean(of node: Int, _ count: Int, _ bounds: RegionBounds) -> (
    lower: Double, upper: Double
  ) {
    let shares = [Double](repeating: 1 / Double(count), count: count)
    let pass = BackwardPass(bounds: bounds, slopes: SlopeRule.slopes(bounds, before: node + 1))
    let found = pass.lowerBounds(
      BackwardPass.Rows(node: node, coefficients: Matrix([shares, shares.map { -$0 }]))
    ).bounds
    let size = Rounding.up(bounds.magnitudes[node].reduce(0, +) / Double(count))
    // The shares are rounded. What is not a number says nothing.
    let doubt = 4 * Rounding.unit * size
    let (lower, upper) = (found[0] - doubt, -found[1] + doubt)
    return (lower >= -size ? lower : -size, upper <= size ? upper : size)
  }

  /// Numbers of a node that are few enough to be bounded one by one.
  private static let fewNumbers = 256

  /// Bounds numbers that only products with scales read.
  private func boundValues(of node: Int, _ bounds: inout RegionBounds, _ known: RegionBounds?) {
    guard case .affine(let affine) = network.nodes[node] else { return }
    var (low, high) = bounds.plainInterval(node)
    func narrow(_ lower: [Double], _ upper: [Double]) {
      for i in low.indices {
        if lower[i] > low[i] { low[i] = lower[i] }
        if upper[i] < high[i] { high[i] = upper[i] }
      }
    }
    if let known, !known.lower[node].isEmpty { narrow(known.lower[node], known.upper[node]) }
    if affine.terms.count == 1, case .centering(let count) = affine.terms[0].map {
      let source = affine.terms[0].node
      let mean = mean(of: source, count, bounds)
      bounds.setMean(node, mean.lower, mean.upper)
      let range = bounds.interval(source)
      func doubt(_ a: Double, _ b: Double, _ i: Int) -> Double {
        4 * Rounding.unit * (a.magnitude + b.magnitude) + 2 * bounds.errors[node][i]
      }
      narrow(
        range.lower.indices.map {
          range.lower[$0] - mean.upper - doubt(range.lower[$0], mean.upper, $0)
        },
        range.upper.indices.map {
          range.upper[$0] - mean.lower + doubt(range.upper[$0], mean.lower, $0)
        })
    }
    if network.sizes[node] <= Self.fewNumbers {
      var parameters = PassParameters()
      tighten(&low, &high, node, bounds, [], &parameters, nil)
    }
    // An interval that is empty is bounded by any numbers.
    for i in low.indices where low[i] > high[i] { swap(&low[i], &high[i]) }
    bounds.setInterval(node, low, high)
  }

  private func clip(
    _ low: inout [Double], _ high: inout [Double], _ halfSpaces: [HalfSpace], _ node: Int
  ) {
    for half in halfSpaces where half.node == node {
      if half.isAbove {
        low[half.neuron] = max(low[half.neuron], half.threshold)
      } else {
        high[half.neuron] = min(high[half.neuron], half.threshold)
      }
    }
  }

  /// Bounds of the numbers of a node whose powers are not known to be linear.
  private func tighten(
    _ low: inout [Double], _ high: inout [Double], _ node: Int, _ bounds: RegionBounds,
    _ halfSpaces: [HalfSpace], _ parameters: inout PassParameters, _ choose: Chooser?
  ) {
    let z = bounds.reference.values[node]
    let lines = network.powers.filter { $0.power.input == node }.map { PowerLines($0.power) }
    let open = low.indices.filter { i in
      lines.isEmpty
        || lines.contains {
          !$0.isDead(upper: high[i], z[i]) && !$0.isLinear(lower: low[i], z[i])
        }
    }
    let size = max(1, network.sizes.max()!)
    let block = max(8, Self.largestPass / (2 * size))
    if let choose, open.count <= block { parameters.choices[node] = choose(node, open, bounds) }
    for start in stride(from: 0, to: open.count, by: block) {
      let chosen = Array(open[start..<min(open.count, start + block)])
      let pass = self.pass(
        to: node, bounds, halfSpaces, parameters,
        rows: chosen + chosen.map { $0 + network.sizes[node] })
      let found = pass.lowerBounds(ofNumbers: chosen, node: node).bounds
      for (row, i) in chosen.enumerated() {
        // Bounds that are NaN say nothing.
        if found[row] > low[i] { low[i] = found[row] }
        if -found[row + chosen.count] < high[i] { high[i] = -found[row + chosen.count] }
      }
    }
  }

  /// A pass from a node with what the parameters say of its rows.
  func pass(
    to node: Int, _ bounds: RegionBounds, _ halfSpaces: [HalfSpace],
    _ parameters: PassParameters, rows: [Int]
  ) -> BackwardPass {
    var slopes = SlopeRule.slopes(bounds, before: node)
    guard let choice = parameters.choices[node] else {
      return BackwardPass(bounds: bounds, slopes: slopes)
    }
    let places = Dictionary(uniqueKeysWithValues: choice.rows.enumerated().map { ($1, $0) })
    for chosen in choice.slopes {
      let shared = slopes.shared[chosen.node]
      var own = Matrix<Double>(
        rows: rows.count, columns: shared.count,
        elements: rows.flatMap { _ in shared })
      for (place, row) in rows.enumerated() {
        guard let values = places[row].map({ chosen.values[$0] }) else { continue }
        for (column, value) in zip(chosen.columns, values) { own[place, column] = value }
      }
      slopes.ofRows[chosen.node] = own
    }
    var pass = BackwardPass(bounds: bounds, slopes: slopes)
    guard !choice.multipliers.isEmpty, !halfSpaces.isEmpty else { return pass }
    pass.halfSpaces = halfSpaces
    var multipliers = Matrix<Double>(rows: rows.count, columns: halfSpaces.count)
    for (place, row) in rows.enumerated() {
      if let values = places[row].map({ choice.multipliers[$0] }) {
        multipliers.setRow(place, values)
      }
    }
    pass.multipliers = multipliers
    return pass
  }

  /// At most C v for every row of coefficients of the outputs v, where the bounds hold.
  func leastOutputs(
    _ rows: Matrix<Double>, _ bounds: RegionBounds, halfSpaces: [HalfSpace] = [],
    parameters: PassParameters = PassParameters()
  ) -> [Double] {
    let pass = pass(
      to: network.output, bounds, halfSpaces, parameters, rows: Array(0..<rows.rows))
    let found = pass.lowerBounds(
      BackwardPass.Rows(node: network.output, coefficients: rows)
    ).bounds
    return leastOutputs(rows, bounds, found: found)
  }

  /// At most C v where C dv is at least what was found.
  func leastOutputs(_ rows: Matrix<Double>, _ bounds: RegionBounds, found: [Double]) -> [Double] {
    let values = bounds.reference.values[network.output]
    return (0..<rows.rows).map { row in
      var (sum, size) = (0.0, 0.0)
      for (j, value) in values.enumerated() where rows[row, j] != 0 {
        sum += rows[row, j] * value
        size += (rows[row, j] * value).magnitude
      }
      let error = Rounding.gamma(values.count + 4) * (size + found[row].magnitude)
      return sum + found[row] - error
    }
  }
}

/// Slopes of lines below where nobody has chosen any.
enum SlopeRule {
  /// For p = 1 the slope 0 or 1, whichever leaves the smaller area; for p > 1 that of the chord.
  static func slopes(_ bounds: RegionBounds, before node: Int) -> LowerSlopes {
    var shared = [[Double]](repeating: [], count: bounds.network.nodes.count)
    for (number, power) in bounds.network.powers where number < node {
      let z = bounds.reference.values[power.input]
      let (low, high) = (bounds.lower[power.input], bounds.upper[power.input])
      shared[number] = z.indices.map { i in
        power.exponent == 1
          ? (z[i] + high[i] > -(z[i] + low[i]) ? 1 : 0) : bounds.above[number][i].slope
      }
    }
    return LowerSlopes(shared: shared)
  }
}
