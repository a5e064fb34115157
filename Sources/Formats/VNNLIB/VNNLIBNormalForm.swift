/// Assertions as alternatives, each a box and constraints that hold together.
struct VNNLIBNormalForm {
  private typealias Atom = VNNLIBFormula.Atom

  private let path: String
  private let inputCount: Int
  private let outputCount: Int
  private let assertions: [VNNLIBFormula]

  /// Comparisons that all alternatives may have together.
  private static let largest = 1 << 22
  /// Numbers that all boxes may have together.
  private static let largestBoxes = 1 << 24

  /// - Precondition: the parser has read its file.
  init(_ parser: VNNLIBParser) {
    path = parser.path
    inputCount = parser.declaredInputs.count
    outputCount = parser.declaredOutputs.count
    assertions = parser.assertions
  }

  func property() throws(FormatError) -> VNNLIBProperty {
    // What stands for itself belongs to all alternatives and is not copied into them.
    var common: [Atom] = []
    var rest: [VNNLIBFormula] = []
    for assertion in assertions { Self.collect(assertion, &common, &rest) }
    var alternatives: [[Atom]] = [[]]
    for formula in rest { alternatives = try product(alternatives, try normal(formula)) }
    let boxes = try groups(alternatives, common)
    return VNNLIBProperty(inputCount: inputCount, outputCount: outputCount, cases: boxes)
  }

  private static func collect(
    _ formula: VNNLIBFormula, _ atoms: inout [Atom], _ rest: inout [VNNLIBFormula]
  ) {
    switch formula {
    case .atom(let atom): atoms.append(atom)
    case .all(let parts): for part in parts { collect(part, &atoms, &rest) }
    case .any(let parts) where parts.count == 1: collect(parts[0], &atoms, &rest)
    case .any: rest.append(formula)
    }
  }

  private var tooLarge: FormatError {
    FormatError(
      path: path, "has more than \(Self.largest) comparisons when 'and' is moved into 'or'")
  }

  private func normal(_ formula: VNNLIBFormula) throws(FormatError) -> [[Atom]] {
    switch formula {
    case .atom(.truth(let isTrue)): return isTrue ? [[]] : []
    case .atom(let atom): return [[atom]]
    case .any(let parts):
      var all: [[Atom]] = []
      for part in parts { all += try normal(part) }
      return all
    case .all(let parts):
      var own: [Atom] = []
      var rest: [VNNLIBFormula] = []
      for part in parts { Self.collect(part, &own, &rest) }
      if own.contains(.truth(false)) { return [] }
      var alternatives = [own.filter { $0 != .truth(true) }]
      for part in rest { alternatives = try product(alternatives, try normal(part)) }
      return alternatives
    }
  }

  private func product(_ left: [[Atom]], _ right: [[Atom]]) throws(FormatError) -> [[Atom]] {
    func size(_ list: [[Atom]]) -> Double { list.reduce(0) { $0 + Double($1.count + 1) } }
    let total = size(left) * Double(right.count) + size(right) * Double(left.count)
    guard total <= Double(Self.largest) else { throw tooLarge }
    return left.flatMap { one in right.map { one + $0 } }
  }

  /// The alternatives by the boxes that they are about.
  private func groups(_ alternatives: [[Atom]], _ common: [Atom]) throws(FormatError)
    -> [VNNLIBProperty.Case]
  {
    if common.contains(.truth(false)) { return [] }
    let shared = Self.constraints(common)
    var places: [[VNNLIBFormula.Bound]: Int] = [:]
    var cases: [(bounds: [VNNLIBFormula.Bound], alternatives: [[VNNLIBProperty.Constraint]])] = []
    guard Double(shared.count) * Double(alternatives.count) <= Double(Self.largest) else {
      throw tooLarge
    }
    for alternative in alternatives {
      let bounds = Self.bounds(alternative)
      let constraints = shared + Self.constraints(alternative)
      if let place = places[bounds] {
        cases[place].alternatives.append(constraints)
      } else {
        places[bounds] = cases.count
        cases.append((bounds, [constraints]))
      }
    }
    guard cases.count <= max(1, Self.largestBoxes / inputCount) else {
      throw FormatError(
        path: path, "has \(cases.count) boxes of \(inputCount) inputs, which is too many")
    }
    var everywhere = Box(inputCount)
    for bound in Self.bounds(common) { everywhere.add(bound) }
    var result: [VNNLIBProperty.Case] = []
    for one in cases {
      var box = everywhere
      for bound in one.bounds { box.add(bound) }
      if box.isEmpty { continue }
      if let open = box.unbounded {
        throw FormatError(
          path: path,
          "gives X_\(open.input) no \(open.isUpper ? "upper" : "lower") bound; expected a box of inputs"
        )
      }
      result.append(
        VNNLIBProperty.Case(
          lower: box.lower, upper: box.upper, openBelow: box.openBelow, openAbove: box.openAbove,
          alternatives: one.alternatives))
    }
    return result
  }

  private static func bounds(_ atoms: [Atom]) -> [VNNLIBFormula.Bound] {
    atoms.compactMap { if case .bound(let bound) = $0 { bound } else { nil } }
  }

  private static func constraints(_ atoms: [Atom]) -> [VNNLIBProperty.Constraint] {
    atoms.compactMap { if case .constraint(let constraint) = $0 { constraint } else { nil } }
  }

  /// What inputs lie between.
  private struct Box {
    var lower: [Double]
    var upper: [Double]
    var openBelow = Set<Int>()
    var openAbove = Set<Int>()

    init(_ count: Int) {
      lower = [Double](repeating: -.infinity, count: count)
      upper = [Double](repeating: .infinity, count: count)
    }

    mutating func add(_ bound: VNNLIBFormula.Bound) {
      let i = bound.input
      let old = bound.isUpper ? upper[i] : lower[i]
      if bound.value == old {
        if bound.isStrict { open(bound) }
      } else if bound.isUpper == (bound.value < old) {
        if bound.isUpper { upper[i] = bound.value } else { lower[i] = bound.value }
        close(bound)
        if bound.isStrict { open(bound) }
      }
    }

    private mutating func open(_ bound: VNNLIBFormula.Bound) {
      if bound.isUpper { openAbove.insert(bound.input) } else { openBelow.insert(bound.input) }
    }

    private mutating func close(_ bound: VNNLIBFormula.Bound) {
      if bound.isUpper { openAbove.remove(bound.input) } else { openBelow.remove(bound.input) }
    }

    var isEmpty: Bool {
      lower.indices.contains { i in
        lower[i] > upper[i]
          || lower[i] == upper[i] && (openBelow.contains(i) || openAbove.contains(i))
      }
    }

    var unbounded: (input: Int, isUpper: Bool)? {
      if let input = lower.firstIndex(of: -.infinity) { return (input, false) }
      return upper.firstIndex(of: .infinity).map { ($0, true) }
    }
  }
}
