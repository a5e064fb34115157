import LinearCore

/// Where the bounds of a ``BackwardPass`` are attained: for every row the input that minimises what is left at the input,
/// and the values that the lines chosen on the way give every pre-activation there.
///
/// They are the derivatives of the bounds with respect to the coefficients of the pre-activations.
struct ForwardPoints {
  /// dz of every power node at the columns asked for, (rows, columns); nil where none were asked for.
  private(set) var preActivations: [Matrix<Double>?]

  /// - Parameters:
  ///   - columns: for every power node the numbers of interest; nil for a node of which nothing is needed.
  ///   - target: the node that the pass began at.
  init(
    _ pass: BackwardPass, _ trace: BackwardPass.Trace, columns: [[Int]?], target: Int
  ) {
    let bounds = pass.bounds
    let network = bounds.network
    let rows = trace.ofInput.rows
    var inputs = Matrix<Double>(uninitializedRows: rows, columns: network.inputDimension)
    inputs.withMutablePointer { d in
      trace.ofInput.withPointer { g in
        for row in 0..<rows {
          let start = row * network.inputDimension
          bounds.region.minimizer(g + start, into: d + start)
        }
      }
    }
    preActivations = [Matrix<Double>?](repeating: nil, count: network.nodes.count)
    // Nodes whose values others need, from the end.
    var isNeeded = [Bool](repeating: false, count: network.nodes.count)
    for node in stride(from: min(target, network.nodes.count - 1), to: 0, by: -1) {
      switch network.nodes[node] {
      case .input: break
      case .affine(let affine):
        if isNeeded[node] { for term in affine.terms { isNeeded[term.node] = true } }
      case .power(let power):
        if isNeeded[node] {
          isNeeded[power.input] = true
        } else if columns[node] != nil {
          // Only some numbers of the input are needed, which are made of all that it is made of.
          if case .affine(let affine) = network.nodes[power.input] {
            for term in affine.terms { isNeeded[term.node] = true }
          } else {
            isNeeded[power.input] = true
          }
        }
      case .scaled(let scaled):
        if isNeeded[node] {
          isNeeded[scaled.input] = true
          isNeeded[scaled.lengths] = true
        }
      }
    }
    var values = [Matrix<Double>?](repeating: nil, count: network.nodes.count)
    values[0] = inputs
    for node in 1..<max(1, min(target, network.nodes.count)) {
      switch network.nodes[node] {
      case .input: break
      case .affine(let affine):
        guard isNeeded[node] else { continue }
        var sum = Matrix<Double>(rows: rows, columns: network.sizes[node])
        for term in affine.terms { term.map.accumulateForward(values[term.node]!, into: &sum) }
        values[node] = sum
      case .power(let power):
        if let columns = columns[node] {
          preActivations[node] = Self.chosen(columns, power.input, network, values)
        }
        guard isNeeded[node], let z = values[power.input] else { continue }
        values[node] = Self.lines(pass, trace, node, power, z)
      case .scaled(let scaled):
        guard isNeeded[node], let v = values[scaled.input], let c = values[scaled.lengths] else {
          continue
        }
        values[node] = ScaledStep(bounds, node, scaled).values(v, c, trace.ofPowers[node])
      }
    }
  }

  private static func chosen(
    _ columns: [Int], _ node: Int, _ network: BoundedNetwork, _ values: [Matrix<Double>?]
  ) -> Matrix<Double> {
    if let whole = values[node] { return whole.columns(at: columns) }
    guard case .affine(let affine) = network.nodes[node] else {
      preconditionFailure("the input is known")
    }
    let rows = values[0]!.rows
    var sum = Matrix<Double>(rows: rows, columns: columns.count)
    for term in affine.terms {
      if case .dense(let map) = term.map, let single = map.single {
        SingleForward.accumulate(values[term.node]!, single.rows(at: columns), into: &sum)
      } else {
        let map = LinearMap.dense(term.map.rows(at: columns))
        map.accumulateForward(values[term.node]!, into: &sum)
      }
    }
    return sum
  }

  /// What the chosen lines make of dz.
  private static func lines(
    _ pass: BackwardPass, _ trace: BackwardPass.Trace, _ node: Int,
    _ power: BoundedNetwork.PowerNode, _ z: Matrix<Double>
  ) -> Matrix<Double> {
    let bounds = pass.bounds
    let lines = PowerLines(power)
    let (low, high) = (bounds.lower[power.input], bounds.upper[power.input])
    let (z0, h0) = (
      bounds.reference.values[power.input], bounds.reference.values[node]
    )
    let above = bounds.above[node]
    let shared = z0.indices.map {
      lines.below(low[$0], high[$0], z0[$0], h0[$0], slope: pass.slopes.shared[node][$0], at: $0)
    }
    let coefficients = trace.ofPowers[node]
    let own = pass.slopes.ofRows[node]
    var result = Matrix<Double>(uninitializedRows: z.rows, columns: z.columns)
    for row in 0..<z.rows {
      for j in 0..<z.columns {
        let isAbove = (coefficients?[row, j] ?? 0) < 0
        let line =
          isAbove
          ? above[j]
          : own == nil
            ? shared[j]
            : lines.below(low[j], high[j], z0[j], h0[j], slope: own![row, j], at: j)
        result[row, j] = line.slope * z[row, j] + line.intercept
      }
    }
    return result
  }
}

extension Matrix where Scalar == Double {
  /// Some columns, in that order.
  func columns(at chosen: [Int]) -> Matrix {
    var result = Matrix(uninitializedRows: rows, columns: chosen.count)
    result.withMutablePointer { target in
      withPointer { source in
        for row in 0..<rows {
          for (place, j) in chosen.enumerated() {
            target[row * chosen.count + place] = source[row * columns + j]
          }
        }
      }
    }
    return result
  }
}

extension LinearMap {
  /// target <- target + X Mᵀ for the rows of X, (rows, inputs).
  func accumulateForward(_ x: Matrix<Double>, into target: inout Matrix<Double>) {
    switch self {
    case .identity: RowArithmetic.add(x, to: &target)
    case .diagonal(let values): RowArithmetic.add(x, times: values, to: &target)
    case .dense(let map):
      guard x.rows > 0 else { return }
      if let single = map.single { return SingleForward.accumulate(x, single, into: &target) }
      target.withMutablePointer { c in
        x.withPointer { a in
          map.entries.withPointer { b in
            Double.gemm(
              transposeA: false, transposeB: true, m: x.rows, n: map.entries.rows,
              k: map.entries.columns, alpha: 1, a: a, leadingA: map.entries.columns, b: b,
              leadingB: map.entries.columns, beta: 1, c: c, leadingC: map.entries.rows)
          }
        }
      }
    case .centering: RowArithmetic.addCentered(x, to: &target)
    case .windows, .sparse:
      for row in 0..<x.rows {
        let values = applied(x.row(row))
        target.withMutablePointer { target in
          for (i, value) in values.enumerated() { target[row * outputCount + i] += value }
        }
      }
    }
  }
}

/// Products on the way forward in single precision: derivatives need no more.
private enum SingleForward {
  /// target <- target + X Mᵀ.
  static func accumulate(
    _ x: Matrix<Double>, _ m: Matrix<Float>, into target: inout Matrix<Double>
  ) {
    guard x.rows > 0, m.rows > 0 else { return }
    var left = Matrix<Float>(uninitializedRows: x.rows, columns: x.columns)
    var result = Matrix<Float>(uninitializedRows: x.rows, columns: m.rows)
    left.withMutablePointer { left in
      x.withPointer { x0 in
        for k in 0..<x.elements.count { left[k] = Float(x0[k]) }
      }
      m.withPointer { m0 in
        result.withMutablePointer { result in
          Float.gemm(
            transposeA: false, transposeB: true, m: x.rows, n: m.rows, k: x.columns, alpha: 1,
            a: left, leadingA: x.columns, b: m0, leadingB: x.columns, beta: 0, c: result,
            leadingC: m.rows)
        }
      }
    }
    let count = result.elements.count
    target.withMutablePointer { target in
      result.withPointer { result in
        for k in 0..<count { target[k] += Double(result[k]) }
      }
    }
  }
}
