import DeepNetworks
import LinearCore
import Networks
import Testing

@testable import BoundPropagation

/// Bounds hold, and are what they are meant to be.
@Suite struct PropagationTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let exponent: Double
    let norm: Norm
    var testDescription: String { "p = \(exponent) in \(norm)" }
  }

  static let cases = [1, 1.5, 2, 3].flatMap { p in Norm.allCases.map { Case(exponent: p, norm: $0) }
  }

  /// Bounds of all nodes and margins hold at random points, with and without a box, with chosen slopes and multipliers.
  static func expectBounds(
    _ network: BoundedNetwork, _ test: Case, box: Bool, _ numbers: inout Numbers, points: Int
  ) {
    let n = network.inputDimension
    let x = numbers.vector(n, 0...1)
    let evaluator = RegionEvaluator(network, norm: test.norm)
    let reference = ReferencePoint(network, at: x)
    let limits: (lower: [Double], upper: [Double])? =
      box ? ([Double](repeating: 0, count: n), [Double](repeating: 1, count: n)) : nil
    let label = 1
    let margins = MarginRows(label: label, outputCount: network.outputCount)
    let parts = PartEvaluator(evaluator: evaluator, reference: reference, margins: margins)
    for radius in [0.02, 0.3, 2] {
      let region = InputRegion(center: x, norm: test.norm, radius: radius, box: limits)
      let whole = parts.evaluate(region)
      guard let bounds = whole.bounds else {
        Issue.record("a ball is not empty")
        return
      }
      let better = parts.evaluate(region, iterations: 2)
      // A half of it, by a neuron of the last layer of powers.
      let last = network.powers.last!.power.input
      let half = HalfSpace(
        node: last, neuron: 0, isAbove: numbers.uniform() > 0, threshold: 0.01 * numbers.uniform())
      let cut = parts.evaluate(region, halfSpaces: [half], known: bounds, iterations: 2)
      for _ in 0..<points {
        var d = numbers.perturbation(n, norm: test.norm, radius: radius)
        if box { for j in 0..<n { d[j] = min(max(x[j] + d[j], 0), 1) - x[j] } }
        let values = network.values(zip(x, d).map { $0 + $1 })
        let found = margins.values(values[network.output])
        let doubt = 1e-12 * (1 + (values.flatMap { $0 }.map(\.magnitude).max() ?? 0))
        for outcome in [whole, better] {
          for node in evaluator.preActivations {
            for i in values[node].indices {
              let dz = values[node][i] - reference.values[node][i]
              #expect(dz >= outcome.bounds!.lower[node][i] - doubt)
              #expect(dz <= outcome.bounds!.upper[node][i] + doubt)
            }
          }
          #expect(zip(found, outcome.margins).allSatisfy { $0 >= $1 - doubt })
          expectSizes(outcome.bounds!, values, doubt)
        }
        let side = half.sign * (values[last][0] - reference.values[last][0] - half.threshold)
        if side >= doubt {
          #expect(zip(found, cut.margins).allSatisfy { $0 >= $1 - doubt })
        }
      }
    }
  }

  /// Sizes, lengths and scales of all nodes hold.
  private static func expectSizes(_ bounds: RegionBounds, _ values: [[Double]], _ doubt: Double) {
    let network = bounds.network
    for node in network.nodes.indices {
      let change = zip(values[node], bounds.reference.values[node]).map { $0 - $1 }
      #expect(zip(change, bounds.magnitudes[node]).allSatisfy { $0.magnitude <= $1 + doubt })
      #expect(Double.euclideanNorm(change.count, change) <= bounds.lengths[node] + doubt)
      if !bounds.lower[node].isEmpty {
        #expect(zip(change, bounds.lower[node]).allSatisfy { $0 >= $1 - doubt })
        #expect(zip(change, bounds.upper[node]).allSatisfy { $0 <= $1 + doubt })
      }
    }
    for (node, scaled) in network.scaledNodes {
      let sums = scaled.sums(values[scaled.lengths])
      let middle = scaled.sums(bounds.reference.values[scaled.lengths])
      for (group, lines) in bounds.scales[node].enumerated() {
        let change = sums[group] - middle[group]
        let doubt = doubt * (1 + middle[group] + sums[group])
        #expect(change >= lines.sums.lower - doubt && change <= lines.sums.upper + doubt)
        guard lines.isBounded, sums[group] > 1e-9 else { continue }
        let scale = scaled.scale(sums[group]) - lines.scale
        let error = 1e-9 * (1 + lines.scale + lines.largestScale)
        #expect(scale >= lines.scales.lower - error && scale <= lines.scales.upper + error)
        #expect(scale >= lines.below.slope * change + lines.below.intercept - error)
        #expect(scale <= lines.above.slope * change + lines.above.intercept + error)
      }
    }
  }

  @Test(arguments: cases) func denseBoundsHold(_ test: Case) throws {
    var numbers = Numbers(21)
    for widths in [[4, 7, 2], [3, 6, 5, 3], [5, 6, 6, 4, 2]] {
      let network = try Samples.dense(widths, exponent: test.exponent, &numbers)
      Self.expectBounds(network, test, box: false, &numbers, points: 150)
      Self.expectBounds(network, test, box: true, &numbers, points: 60)
    }
  }

  @Test(arguments: [
    Case(exponent: 1, norm: .linf), Case(exponent: 2, norm: .l2), Case(exponent: 1.5, norm: .l1),
  ])
  func boundsOfImagesHold(_ test: Case) throws {
    var numbers = Numbers(22)
    let network = try BoundedNetwork(
      Samples.images(exponent: test.exponent, outputs: 2, seed: 9))
    Self.expectBounds(network, test, box: false, &numbers, points: 40)
  }

  /// The bounds of two layers by loops over single numbers.
  @Test(arguments: Norm.allCases) func slowTwinAgrees(_ norm: Norm) throws {
    var numbers = Numbers(23)
    let (inputs, first, second) = (4, 6, 5)
    let weights = [
      numbers.matrix(first, inputs), numbers.matrix(second, first), numbers.matrix(2, second),
    ]
    let shifts = [numbers.vector(first), numbers.vector(second), numbers.vector(2)]
    var network = BoundedNetwork(inputDimension: inputs)
    var node = 0
    for layer in 0..<3 {
      node = try network.append([(node, .dense(weights[layer]))], shift: shifts[layer])
      if layer < 2 { node = try network.append(power: 1, of: node) }
    }
    let x = numbers.vector(inputs)
    let radius = 0.3
    let dual = norm.dual
    /// Bounds of rows over relu lines, z = W x + b of the first layer.
    func lines(_ low: [Double], _ high: [Double]) -> (a: [Double], A: [Double], B: [Double]) {
      var (a, upper, intercept) = ([Double](), [Double](), [Double]())
      for (l, u) in zip(low, high) {
        if l >= 0 {
          a.append(1); upper.append(1); intercept.append(0)
        } else if u <= 0 {
          a.append(0); upper.append(0); intercept.append(0)
        } else {
          a.append(u > -l ? 1 : 0)
          upper.append(u / (u - l))
          intercept.append(-l * u / (u - l))
        }
      }
      return (a, upper, intercept)
    }
    func through(
      _ row: [Double], _ lines: (a: [Double], A: [Double], B: [Double]), _ w: Matrix<Double>,
      _ b: [Double]
    )
      -> (row: [Double], constant: Double)
    {
      var constant = 0.0
      var result = [Double](repeating: 0, count: w.columns)
      for j in row.indices {
        let slope = row[j] > 0 ? lines.a[j] : lines.A[j]
        if row[j] < 0 { constant += row[j] * lines.B[j] }
        constant += row[j] * slope * b[j]
        for i in 0..<w.columns { result[i] += row[j] * slope * w[j, i] }
      }
      return (result, constant)
    }
    func ends(_ row: [Double], _ constant: Double) -> Double {
      zip(row, x).reduce(constant) { $0 + $1.0 * $1.1 } - radius * dual.length(row)
    }
    let z1 = (0..<first).map { weights[0].row($0) }
    let low1 = z1.enumerated().map { ends($1, shifts[0][$0]) }
    let high1 = z1.enumerated().map { -ends($1.map { -$0 }, -shifts[0][$0]) }
    let lines1 = lines(low1, high1)
    func sides(_ sign: Double) -> [Double] {
      (0..<second).map { i in
        let (row, constant) = through(
          weights[1].row(i).map { $0 * sign }, lines1, weights[0], shifts[0])
        return sign * ends(row, constant + sign * shifts[1][i])
      }
    }
    let (low2, high2) = (sides(1), sides(-1))
    let lines2 = lines(low2, high2)
    let margin = zip(weights[2].row(1), weights[2].row(0)).map { $0 - $1 }
    let (row2, constant2) = through(margin, lines2, weights[1], shifts[1])
    let (row1, constant1) = through(row2, lines1, weights[0], shifts[0])
    let expected = ends(row1, constant1 + constant2 + shifts[2][1] - shifts[2][0])
    let found = leastMargins(network, at: x, norm: norm, radius: radius, label: 1)[0]
    #expect(found <= expected + 1e-12)
    // Intervals by sizes alone may be narrower where a layer has few neurons.
    #expect(found >= expected - 1e-10)
  }

  @Test(arguments: Norm.allCases) func linearNetworksAreExact(_ norm: Norm) throws {
    var numbers = Numbers(24)
    for scale in [1.0, 1e-30, 1e30] {
      var network = BoundedNetwork(inputDimension: 5)
      let weights = numbers.matrix(3, 5)
      _ = try network.append(
        [(0, .dense(weights))], shift: numbers.vector(3).map { $0 * scale })
      let x = numbers.vector(5).map { $0 * scale }
      let outputs = network.outputs(x)
      let label = outputs.indices.max { outputs[$0] < outputs[$1] }!
      let exact = (0..<3).filter { $0 != label }.map { other in
        (outputs[label] - outputs[other])
          / norm.dual.length(zip(weights.row(label), weights.row(other)).map { $0 - $1 })
      }.min()!
      let result = DeepCertifier(network, norm: norm).certify(x, label: label)
      #expect(result.radius.lower <= exact * (1 + 1e-12))
      #expect(result.radius.lower >= exact * (1 - 3e-3))
    }
  }

  /// Whatever multipliers a row has, also for half-spaces of the node that is bounded, the bound holds on the part.
  @Test(arguments: Norm.allCases) func anyMultipliersGiveBounds(_ norm: Norm) throws {
    var numbers = Numbers(25)
    for _ in 0..<6 {
      let network = try Samples.dense([3, 6, 5, 2], exponent: 2, &numbers)
      let x = numbers.vector(3)
      let evaluator = RegionEvaluator(network, norm: norm)
      let reference = ReferencePoint(network, at: x)
      let nodes = network.powers.map(\.power.input)
      let halfSpaces = nodes.map {
        HalfSpace(
          node: $0, neuron: 1, isAbove: numbers.uniform() > 0, threshold: 0.05 * numbers.uniform())
      }
      var parameters = PassParameters()
      for target in nodes + [network.output] {
        let rows = target == network.output ? [0] : Array(0..<2 * network.sizes[target])
        parameters.choices[target] = DeepCertificate.Choice(
          target: target, slopes: [],
          multipliers: rows.map { _ in halfSpaces.map { _ in numbers.uniform(0...0.5) } },
          rows: rows)
      }
      let region = InputRegion(center: x, norm: norm, radius: 0.4)
      guard
        let bounds = evaluator.bounds(
          reference, region, halfSpaces: halfSpaces, parameters: parameters)
      else { continue }
      let margins = MarginRows(label: 0, outputCount: 2)
      let least = evaluator.leastOutputs(
        margins.rows, bounds, halfSpaces: halfSpaces, parameters: parameters)[0]
      for _ in 0..<4000 {
        let d = numbers.perturbation(3, norm: norm, radius: 0.4)
        let values = network.values(zip(x, d).map { $0 + $1 })
        let isInside = halfSpaces.allSatisfy {
          $0.sign * (values[$0.node][1] - reference.values[$0.node][1] - $0.threshold) >= 0
        }
        if !isInside { continue }
        #expect(margins.values(values[network.output])[0] >= least - 1e-12)
        for node in nodes {
          for i in values[node].indices {
            let dz = values[node][i] - reference.values[node][i]
            #expect(dz >= bounds.lower[node][i] - 1e-12 && dz <= bounds.upper[node][i] + 1e-12)
          }
        }
      }
    }
  }

  /// Products in single precision cost a little of the bound and are never above those in double precision.
  @Test(arguments: Norm.allCases) func singlePrecisionIsPaidFor(_ norm: Norm) throws {
    var numbers = Numbers(26)
    let weights = [numbers.matrix(100, 90), numbers.matrix(100, 100), numbers.matrix(2, 100)]
    let shifts = weights.map { numbers.vector($0.rows) }
    func network(isSingleAllowed: Bool) throws -> BoundedNetwork {
      var network = BoundedNetwork(inputDimension: 90)
      var node = 0
      for (layer, matrix) in weights.enumerated() {
        node = try network.append(
          [(node, .dense(DenseMap(matrix, isSingleAllowed: isSingleAllowed)))],
          shift: shifts[layer])
        if layer < 2 { node = try network.append(power: 1, of: node) }
      }
      return network
    }
    let x = numbers.vector(90)
    let radius = norm == .linf ? 0.01 : norm == .l2 ? 0.1 : 0.5
    let single = leastMargins(
      try network(isSingleAllowed: true), at: x, norm: norm, radius: radius, label: 0)[0]
    let double = leastMargins(
      try network(isSingleAllowed: false), at: x, norm: norm, radius: radius, label: 0)[0]
    #expect(single < double)
    #expect(single > double - 1e-2 * abs(double))
  }
}
