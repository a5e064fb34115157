import LinearCore

/// The unit that lengths of a problem are measured in, so that all numbers of a proof are near 1.
///
/// By default that is the distance of the input from the center. Where an input lies at the center, or so near to it that
/// radii are many times as large, it is the radius.
struct ProblemUnit {
  /// How many times the distance from the center a radius may be before it becomes the unit itself.
  private static var largest: Double { 4 }

  private let network: EffectiveNetwork
  private let input: [Double]
  private let label: Int
  /// ‖x - center‖.
  let length: Double

  init(_ network: EffectiveNetwork, input: [Double], label: Int) {
    self.network = network
    self.input = input
    self.label = label
    length = network.reduce(input).length
  }

  /// The classes that the label is defended against.
  var opponents: [Int] { (0..<max(2, network.outputCount)).filter { $0 != label } }

  /// How far to look where no perturbation is known: in any direction a bias has been outweighed there, or the
  /// center is passed.
  var reach: Double {
    let scales = opponents.map(biasLength)
    let natural = max(length, scales.min() ?? 0)
    return natural > 0 && natural.isFinite ? 2 * natural : 2
  }

  /// The problems against all opponents, for radii of about `radius`; the unit as certificates store it.
  func problems(radius: Double) -> (unit: Double?, problems: [DecisionProblem]) {
    let unit = unit(for: radius)
    return (
      unit,
      opponents.map { network.problem(label: label, opponent: $0, input: input, unit: unit) }
    )
  }

  /// The unit for radii of about `radius`: nil for the default; otherwise a power of two, so that scaling is exact.
  func unit(for radius: Double) -> Double? {
    guard radius > Self.largest * length, radius.isFinite else { return nil }
    let unit = Double(sign: .plus, exponent: radius.exponent + 1, significand: 1)
    return unit.isNormal ? unit : nil
  }

  /// ‖x - center‖ where all neurons together could outweigh the bias of the label; 0 for none.
  private func biasLength(_ opponent: Int) -> Double {
    let bias = network.difference(of: label, from: opponent) { network.bias[$0] }
    let total = (0..<network.neurons).reduce(0) { sum, j in
      sum
        + network.difference(of: label, from: opponent) { network.contributions[j, $0] }.magnitude
    }
    guard bias > 0, total > 0 else { return 0 }
    let degree = network.normalizeInput ? 1 : network.exponent
    return Double.power(bias / total, 1 / degree)
  }
}
