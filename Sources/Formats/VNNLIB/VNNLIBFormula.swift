/// An assertion about inputs and outputs.
indirect enum VNNLIBFormula {
  case atom(Atom)
  case all([VNNLIBFormula])
  case any([VNNLIBFormula])

  /// What is asserted of one input, or of the outputs.
  enum Atom: Hashable {
    case truth(Bool)
    case bound(Bound)
    case constraint(VNNLIBProperty.Constraint)
  }

  /// An end of what an input lies between.
  struct Bound: Hashable {
    let input: Int
    let isUpper: Bool
    let value: Double
    let isStrict: Bool
  }
}

/// A linear function of inputs and outputs.
struct VNNLIBLinear {
  var inputs: [Int: Double] = [:]
  var outputs: [Int: Double] = [:]
  var constant = 0.0

  var isConstant: Bool { inputs.isEmpty && outputs.isEmpty }

  /// Whether all numbers are finite.
  var isFinite: Bool {
    constant.isFinite && inputs.values.allSatisfy(\.isFinite)
      && outputs.values.allSatisfy(\.isFinite)
  }

  /// Adds a multiple of another function; what cancels is gone.
  mutating func add(_ other: VNNLIBLinear, times factor: Double) {
    constant += factor * other.constant
    Self.add(other.inputs, factor, to: &inputs)
    Self.add(other.outputs, factor, to: &outputs)
  }

  func times(_ factor: Double) -> VNNLIBLinear {
    var result = VNNLIBLinear()
    result.add(self, times: factor)
    return result
  }

  private static func add(_ terms: [Int: Double], _ factor: Double, to sum: inout [Int: Double]) {
    for (index, value) in terms {
      let new = (sum[index] ?? 0) + factor * value
      sum[index] = new == 0 ? nil : new
    }
  }

  /// The assertion that the function is at most, or below, 0; nil where it has several inputs, or inputs and outputs.
  func atom(isStrict: Bool) -> VNNLIBFormula.Atom? {
    if isConstant { return .truth(isStrict ? constant < 0 : constant <= 0) }
    if inputs.isEmpty {
      let terms = outputs.sorted { $0.key < $1.key }.map {
        VNNLIBProperty.Constraint.Term(output: $0.key, coefficient: $0.value)
      }
      return .constraint(
        VNNLIBProperty.Constraint(terms: terms, limit: 0 - constant, isStrict: isStrict))
    }
    guard inputs.count == 1, outputs.isEmpty, let (input, factor) = inputs.first else {
      return nil
    }
    return .bound(
      VNNLIBFormula.Bound(
        input: input, isUpper: factor > 0, value: 0 - constant / factor, isStrict: isStrict))
  }
}
