import BoundPropagation
import DeepNetworks
import LinearCore
import Networks

/// A random deep network of one of many kinds, with a sample: as the certifier has it, and written down plainly.
struct DeepCase {
  let bounded: BoundedNetwork
  let plain: PlainNetwork
  let input: [Double]
  let norm: Norm
  let box: (lower: [Double], upper: [Double])?
  /// The size of inputs.
  let scale: Double
  let description: String

  /// The class as the certifier computes it.
  var label: Int { predictedClasses(Matrix([bounded.outputs(input)]))[0] }

  /// The case of a number: always the same.
  init(_ number: Int) throws {
    var numbers = Numbers(UInt64(number) &+ 77_000)
    // Half of the networks normalise; these draw from numbers of their own.
    var extra = (2...5).contains(number % 8) ? Numbers(UInt64(number) &+ 177_000) : nil
    var build =
      try number % 3 == 2 ? Self.images(&numbers, &extra) : Self.dense(&numbers, &extra)
    let norm = Norm.allCases[number / 3 % 3]
    if numbers.chance(0.5) {
      let scale = build.scale
      // Some samples lie on walls.
      func wall(_ x: Double, _ numbers: inout Numbers) -> Double {
        numbers.chance(0.2) ? 0 : numbers.uniform(0...1) * scale
      }
      build.box = (
        build.input.map { $0 - wall($0, &numbers) }, build.input.map { $0 + wall($0, &numbers) }
      )
    }
    (bounded, plain, input, box) = (build.bounded, build.plain, build.input, build.box)
    (self.norm, scale) = (norm, build.scale)
    description = "case \(number), \(build.kind), \(norm.rawValue)\(box == nil ? "" : ", box")"
  }

  /// A network with a sample, as far as it is made.
  struct Build {
    var bounded: BoundedNetwork
    var plain = PlainNetwork()
    var input: [Double]
    let scale: Double
    var box: (lower: [Double], upper: [Double])?
    var kind = ""
  }

  /// Dense layers with biases and connections that skip layers.
  private static func dense(_ numbers: inout Numbers, _ extra: inout Numbers?) throws -> Build {
    let scale = numbers.chance(0.4) ? numbers.chance(0.5) ? 1e-30 : 1e30 : 1
    // Multiples of 1/4: pre-activations that are exactly 0.
    let isAtKinks = numbers.chance(0.3)
    func vector(_ count: Int, _ numbers: inout Numbers) -> [Double] {
      let v = numbers.vector(count)
      return isAtKinks ? v.map { ($0 * 8).rounded() / 4 } : v
    }
    let inputs = numbers.integer(1...5)
    var x = vector(inputs, &numbers).map { $0 * scale }
    if numbers.chance(0.15) { x = [Double](repeating: 0, count: inputs) }
    var build = Build(bounded: BoundedNetwork(inputDimension: inputs), input: x, scale: scale)
    var (node, width) = (0, inputs)
    // The outputs of earlier layers, which later ones may read too.
    var earlier = [(node: 0, width: inputs)]
    // A first layer that brings inputs to an ordinary size, mostly.
    var gain = numbers.chance(0.7) ? 1 / scale : 1
    let depth = numbers.integer(1...4)
    var exponents: [Double] = []
    for layer in 0...depth {
      let isLast = layer == depth
      let units = isLast ? numbers.integer(1...4) : numbers.integer(1...6)
      var terms = [
        (step: node, rows: (0..<units).map { _ in vector(width, &numbers).map { $0 * gain } })
      ]
      if layer > 0, numbers.chance(0.3) {
        let other = earlier[numbers.integer(0...earlier.count - 1)]
        let size = other.node == 0 ? 1 / scale : 1
        terms.append(
          (other.node, (0..<units).map { _ in vector(other.width, &numbers).map { $0 * size } }))
      }
      gain = 1
      let sums = try append(terms, units, isAtKinks, numbers.chance(0.6), &build, &numbers)
      if isLast { break }
      let p = [1, 1.5, 2, 3][numbers.integer(0...3)]
      exponents.append(p)
      let isNormalized = p > 1 && !isAtKinks && numbers.chance(0.5)
      let rows = terms[0].rows
      node = try build.bounded.append(
        power: p, of: sums, norms: isNormalized ? Matrix(rows).rowNorms() : nil,
        normError: isNormalized ? 1e-14 : 0)
      _ = build.plain.append(
        .power(of: sums, exponent: p, weights: isNormalized ? rows : nil))
      if extra != nil {
        node = try normalized(node, units, terms[0].step, p, &build, &extra!)
      }
      width = units
      earlier.append((node, units))
    }
    build.kind = "dense, p \(exponents), scale \(scale)\(isAtKinks ? ", kinks" : "")"
    return build
  }

  /// Appends sums with biases: at kinks those that make pre-activations 0, otherwise some of the size of the sums.
  private static func append(
    _ terms: [(step: Int, rows: [[Double]])], _ units: Int, _ isAtKinks: Bool, _ hasBias: Bool,
    _ build: inout Build, _ numbers: inout Numbers
  ) throws -> Int {
    var shift = [Double](repeating: 0, count: units)
    if hasBias {
      var trial = build.plain
      _ = trial.append(.affine(terms: terms, shift: shift))
      let sums = trial.values(build.input.map { Float80($0) }).last!.values.map { Double($0) }
      let mean = sums.reduce(0) { $0 + $1.magnitude } / Double(units)
      for i in shift.indices {
        if isAtKinks, numbers.chance(0.5) {
          shift[i] = -sums[i]
        } else {
          shift[i] = numbers.uniform() * (mean > 0 && mean < 1e300 ? mean : 0.3)
        }
      }
    }
    let node = try build.bounded.append(
      terms.map { term in
        (term.step, numbers.chance(0.3) ? sparse(term.rows) : .dense(Matrix(term.rows)))
      }, shift: shift)
    let step = build.plain.append(.affine(terms: terms, shift: shift))
    precondition(node == step)
    return node
  }

  /// What a layer of an exponent and an input makes of its numbers: mostly a division by the length of the input, or a
  /// layer normalisation.
  private static func normalized(
    _ node: Int, _ units: Int, _ input: Int, _ p: Double, _ build: inout Build,
    _ numbers: inout Numbers
  ) throws -> Int {
    var node = node
    let all = [Int](repeating: 0, count: units)
    if numbers.chance(0.5) {
      let count = build.bounded.sizes[input]
      let e = p > 1 ? (p - 1) / 2 : 0.5
      let epsilon = [0, 1e-5, 0.1][numbers.integer(0...2)]
      node = try build.bounded.append(
        BoundedNetwork.ScaledNode(
          input: node, lengths: input, groups: .whole(count: count), divisor: 1,
          epsilon: epsilon, exponent: e))
      let step = build.plain.append(
        .scaled(
          of: node - 1, lengths: input, groups: [Array(0..<count)], ofValues: all, divisor: 1,
          epsilon: epsilon, exponent: e))
      precondition(node == step)
    }
    guard numbers.chance(0.5) else { return node }
    let epsilon = [1e-5, 0.1][numbers.integer(0...1)]
    let gain = numbers.vector(units)
    let shift = numbers.vector(units)
    let zeros = [Double](repeating: 0, count: units)
    let centered = try build.bounded.append(
      [(node, .centering(count: units))], shift: zeros)
    let scaled = try build.bounded.append(
      BoundedNetwork.ScaledNode(
        input: centered, lengths: centered, groups: .whole(count: units),
        divisor: Double(units), epsilon: epsilon, exponent: 0.5))
    node = try build.bounded.append([(scaled, .diagonal(gain))], shift: shift)
    let step = build.plain.appendNormalization(
      of: centered - 1, count: units, epsilon: epsilon, gain: gain, shift: shift)
    precondition(node == step)
    return node
  }

  private static func sparse(_ rows: [[Double]]) -> LinearMap {
    var (starts, places, values) = ([0], [Int32](), [Double]())
    for row in rows {
      for (j, value) in row.enumerated() where value != 0 {
        places.append(Int32(j))
        values.append(value)
      }
      starts.append(places.count)
    }
    return .sparse(
      SparseMap(inputCount: rows[0].count, starts: starts, places: places, values: values))
  }
}
