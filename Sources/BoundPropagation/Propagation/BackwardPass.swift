import LinearCore

/// Slopes of the lines below the powers, which may be anything: every choice gives a bound.
package struct LowerSlopes: Sendable {
  /// For every power node one slope a number, for all rows.
  package var shared: [[Double]]
  /// For power nodes where they differ from row to row, (rows, numbers).
  package var ofRows: [Matrix<Double>?]

  init(shared: [[Double]]) {
    self.shared = shared
    ofRows = [Matrix<Double>?](repeating: nil, count: shared.count)
  }
}

/// A half-space of the values of the network: s (dz - threshold) >= 0, s = 1 above and -1 below.
package struct HalfSpace: Sendable, Equatable, Codable {
  /// A node that a power reads, and one of its numbers.
  package let node: Int
  package let neuron: Int
  package let isAbove: Bool
  /// Measured from the reference.
  package let threshold: Double

  var sign: Double { isAbove ? 1 : -1 }
}

/// Backward linear bound propagation (Zhang et al., *Efficient neural network robustness certification with general
/// activation functions*, NeurIPS 2018; with half-spaces: Wang et al., *Beta-CROWN*, NeurIPS 2021).
///
/// For rows C of coefficients of one node, C dv is bounded below on a region. From the node back to the input, dv of
/// a node is replaced by what it is made of: exactly for linear maps, and by a line below or above for powers, by
/// the sign of the coefficient. What is left is <g, dx> plus a constant, whose least value on the region is explicit.
/// On half-spaces, - sum of beta s (dz - threshold) with beta >= 0 may be added, which is not positive there.
///
/// Rounding: every coefficient that is computed instead of the exact one is off by at most gamma times a sum of
/// products, and what this does to the bound is at most the same times a bound of |dv|, ``RegionBounds/errors``. So
/// the statement is about the network in real arithmetic.
struct BackwardPass {
  let bounds: RegionBounds
  let slopes: LowerSlopes
  /// The half-spaces that the region is cut to.
  var halfSpaces: [HalfSpace] = []
  /// beta of every row and half-space.
  var multipliers: Matrix<Double>?
  /// Whether coefficients are kept.
  var keepsTrace = false

  /// Coefficients on the way, for gradients.
  struct Trace {
    /// Of dh of every power node, and of dy of products with scales.
    var ofPowers: [Matrix<Double>?]
    /// Of dx.
    var ofInput: Matrix<Double>
  }

  private var network: BoundedNetwork { bounds.network }

  /// Rows of coefficients of one node.
  struct Rows {
    let node: Int
    let coefficients: Matrix<Double>
  }

  /// At most C dv for every row; NaN or -infinity where nothing can be said.
  func lowerBounds(_ rows: Rows) -> (bounds: [Double], trace: Trace?) {
    let count = rows.coefficients.rows
    var state = State(rows: count, nodes: network.nodes.count)
    state.coefficients[rows.node] = rows.coefficients
    return finish(&state, from: rows.node)
  }

  /// At most s dv_i of chosen numbers i of an affine node, for s = 1 and then for s = -1.
  func lowerBounds(ofNumbers chosen: [Int], node: Int) -> (bounds: [Double], trace: Trace?) {
    guard case .affine(let affine) = network.nodes[node] else {
      var identity = Matrix<Double>(rows: 2 * chosen.count, columns: network.sizes[node])
      for (row, i) in chosen.enumerated() {
        identity[row, i] = 1
        identity[row + chosen.count, i] = -1
      }
      return lowerBounds(Rows(node: node, coefficients: identity))
    }
    var state = State(rows: 2 * chosen.count, nodes: network.nodes.count)
    state.isPaired = true
    // The rows of the maps are exact; the cost of a product is counted nonetheless.
    for term in affine.terms {
      state.add(Self.withNegatives(term.map.rows(at: chosen)), to: term.node, bounds)
    }
    for (row, i) in chosen.enumerated() {
      let error = bounds.errors[node][i] + bounds.underflow[node]
      state.errors[row] += error
      state.errors[row + chosen.count] += error
    }
    // Half-spaces of the node itself are followed from there.
    return finish(&state, from: node)
  }

  private static func withNegatives(_ rows: Matrix<Double>) -> Matrix<Double> {
    Matrix(
      rows: 2 * rows.rows, columns: rows.columns,
      elements: rows.elements + rows.elements.map { -$0 })
  }

  /// Rows on their way back.
  private struct State {
    var coefficients: [Matrix<Double>?]
    var constants: [Double]
    /// Sums of the sizes of what the constants are made of.
    var sizes: [Double]
    var errors: [Double]
    var trace: [Matrix<Double>?]
    /// Whether the second half of the rows began as the negatives of the first half.
    var isPaired = false

    init(rows: Int, nodes: Int) {
      coefficients = [Matrix<Double>?](repeating: nil, count: nodes)
      trace = coefficients
      constants = [Double](repeating: 0, count: rows)
      (sizes, errors) = (constants, constants)
    }

    /// Adds coefficients of a node.
    mutating func add(_ matrix: Matrix<Double>, to node: Int, _ bounds: RegionBounds) {
      guard coefficients[node] != nil else {
        coefficients[node] = matrix
        return
      }
      RowArithmetic.add(matrix, to: &coefficients[node]!)
      chargeSum(node, bounds)
    }

    /// Rounding of sums that came to a node from several sides.
    mutating func chargeSum(_ node: Int, _ bounds: RegionBounds) {
      let doubt = bounds.magnitudes[node].map { 2 * Rounding.unit * $0 }
      RowArithmetic.addMagnitudes(coefficients[node]!, times: doubt, to: &errors)
    }
  }

  private func finish(_ state: inout State, from last: Int) -> (bounds: [Double], trace: Trace?) {
    for node in stride(from: last, to: 0, by: -1) {
      addHalfSpaces(of: node, &state)
      guard let coefficients = state.coefficients[node] else { continue }
      state.coefficients[node] = nil
      switch network.nodes[node] {
      case .input: break
      case .affine(let affine): goThrough(affine, node, coefficients, &state)
      case .power(let power):
        if keepsTrace { state.trace[node] = coefficients }
        goThrough(power, node, coefficients, &state)
      case .scaled(let scaled):
        if keepsTrace { state.trace[node] = coefficients }
        goThrough(scaled, node, coefficients, &state)
      }
    }
    addHalfSpaces(of: 0, &state)
    let rows = state.constants.count
    let input =
      state.coefficients[0] ?? Matrix<Double>(rows: rows, columns: network.inputDimension)
    let gamma = Rounding.gamma(network.sizes.reduce(0, +) + 64 + halfSpaces.count)
    let least = input.withPointer { g in
      (0..<rows).map { bounds.region.least(g + $0 * network.inputDimension) }
    }
    let values = (0..<rows).map { row in
      let error = Rounding.up(state.errors[row] + gamma * state.sizes[row])
      let value = state.constants[row] + least[row] - error
      return value - 4 * Rounding.unit * (value.magnitude + error + least[row].magnitude)
    }
    return (values, keepsTrace ? Trace(ofPowers: state.trace, ofInput: input) : nil)
  }

  private func goThrough(
    _ affine: BoundedNetwork.AffineNode, _ node: Int, _ a: Matrix<Double>, _ state: inout State
  ) {
    RowArithmetic.addMagnitudes(a, times: bounds.errors[node], to: &state.errors)
    for row in state.errors.indices { state.errors[row] += bounds.underflow[node] }
    if affine.terms.count == 1, case .dense(let map) = affine.terms[0].map,
      state.coefficients[affine.terms[0].node] == nil
    {
      state.coefficients[affine.terms[0].node] = product(a, map, node, &state)
      return
    }
    if let mean = bounds.means[node], a.rows > Self.fewRows, a.columns > Self.fewNumbers {
      subtract(mean, affine, a, &state)
      return
    }
    for term in affine.terms {
      let isShared = state.coefficients[term.node] != nil
      if isShared || !term.map.isIdentity {
        var target =
          state.coefficients[term.node]
          ?? Matrix<Double>(rows: a.rows, columns: network.sizes[term.node])
        state.coefficients[term.node] = nil
        term.map.accumulate(a, into: &target)
        state.coefficients[term.node] = target
      } else {
        state.coefficients[term.node] = a
      }
      if isShared { state.chargeSum(term.node, bounds) }
    }
  }

  /// Rows, and numbers of a node, from which on means and scales of all its numbers are bounded by their intervals: a row
  /// that looks at few numbers would look at all.
  static let fewRows = 32
  static let fewNumbers = 2048

  /// The step through numbers less their mean: - sum of A_j times the mean, which lies in an interval.
  private func subtract(
    _ mean: (lower: Double, upper: Double), _ affine: BoundedNetwork.AffineNode,
    _ a: Matrix<Double>, _ state: inout State
  ) {
    let gamma = Rounding.gamma(a.columns + 4)
    let largest = max(mean.lower.magnitude, mean.upper.magnitude)
    a.withPointer { a0 in
      for row in 0..<a.rows {
        var (sum, size) = (0.0, 0.0)
        for j in 0..<a.columns {
          let value = a0[row * a.columns + j]
          sum += value
          size += value.magnitude
        }
        let term = -sum * (sum > 0 ? mean.upper : mean.lower)
        state.constants[row] += term
        state.sizes[row] += term.magnitude
        state.errors[row] += gamma * size * largest
      }
    }
    state.add(a, to: affine.terms[0].node, bounds)
  }

  /// A M for the only map of a node.
  private func product(
    _ a: Matrix<Double>, _ map: DenseMap, _ node: Int, _ state: inout State
  ) -> Matrix<Double> {
    let isSingle = map.isSingle(a)
    if isSingle {
      RowArithmetic.addMagnitudes(a, times: bounds.singleErrors[node], to: &state.errors)
      for row in state.errors.indices { state.errors[row] += bounds.singleUnderflow[node] }
    }
    if state.isPaired, let pair = PairedRows(a, map, isSingle: isSingle) {
      pair.charge(bounds.errors[node], to: &state.errors)
      if isSingle { pair.charge(bounds.singleErrors[node], to: &state.errors) }
      return pair.product
    }
    var result = Matrix<Double>(rows: a.rows, columns: map.entries.columns)
    if isSingle, let single = map.single {
      result.withMutablePointer { DenseMap.product(a, a.rows, single, into: $0) }
    } else {
      RowArithmetic.multiply(a, map.entries, addingTo: &result)
    }
    return result
  }

  private func goThrough(
    _ power: BoundedNetwork.PowerNode, _ node: Int, _ a: Matrix<Double>, _ state: inout State
  ) {
    let step = PowerStep(bounds, node, power, shared: slopes.shared[node])
    let result = step.applied(
      to: a, slopesOfRows: slopes.ofRows[node], constants: &state.constants, sizes: &state.sizes,
      errors: &state.errors)
    state.add(result, to: power.input, bounds)
  }

  private func goThrough(
    _ scaled: BoundedNetwork.ScaledNode, _ node: Int, _ a: Matrix<Double>, _ state: inout State
  ) {
    let result = ScaledStep(bounds, node, scaled).applied(
      to: a, constants: &state.constants, sizes: &state.sizes, errors: &state.errors)
    state.add(result.ofValues, to: scaled.input, bounds)
    if let lengths = result.ofLengths { state.add(lengths, to: scaled.lengths, bounds) }
    if let limit = result.ofLimit, let node = scaled.limit { state.add(limit, to: node, bounds) }
  }

  private func addHalfSpaces(of node: Int, _ state: inout State) {
    guard let multipliers, halfSpaces.contains(where: { $0.node == node }) else { return }
    let rows = state.constants.count
    var matrix =
      state.coefficients[node] ?? Matrix<Double>(rows: rows, columns: network.sizes[node])
    for (number, half) in halfSpaces.enumerated() where half.node == node {
      for row in 0..<rows {
        let beta = max(0, multipliers[row, number])
        if beta == 0 { continue }
        matrix[row, half.neuron] -= beta * half.sign
        let product = beta * half.sign * half.threshold
        state.constants[row] += product
        state.sizes[row] += product.magnitude
      }
    }
    state.coefficients[node] = matrix
    state.chargeSum(node, bounds)
  }
}

extension LinearMap {
  var isIdentity: Bool { if case .identity = self { true } else { false } }
}
