import LinearCore
import Networks

/// The smallest perturbation of one input that is known to change its class, evaluated by the network itself
/// in double precision.
struct VerifiedWitness<Scalar: LinearScalar> {
  private let network: PReLUNetwork<Scalar>
  private let input: [Double]
  private let label: Int
  private let norm: Norm
  /// Whether the class is wrong without any perturbation.
  let isMisclassified: Bool
  /// Its size; infinite where there is none, 0 for a misclassified input.
  private(set) var length: Double
  /// The perturbation; empty where there is none.
  private(set) var perturbation: [Double] = []

  init(_ network: PReLUNetwork<Scalar>, input: [Double], label: Int, norm: Norm = .l2) {
    self.norm = norm
    self.network = network
    self.input = input
    self.label = label
    isMisclassified = Self.prediction(network, input) != label
    length = isMisclassified ? 0 : .infinity
  }

  private static func prediction(_ network: PReLUNetwork<Scalar>, _ input: [Double]) -> Int {
    predictedClasses(network.referenceLogits(Matrix([input])))[0]
  }

  /// Takes a perturbation if it changes the class and is smaller than what is known. One that stops just
  /// short of the boundary is lengthened a little.
  mutating func offer(_ candidate: [Double]) {
    let size = norm.length(candidate)
    guard size > 0, size < length else { return }
    for exponent in -16...(-2) {
      let factor = exponent == -16 ? 1 : 1 + Double.power(10, Double(exponent))
      if size * factor >= length { return }
      let moved = zip(input, candidate).map { $0 + factor * $1 }
      if Self.prediction(network, moved) != label {
        perturbation = candidate.map { factor * $0 }
        length = norm.length(perturbation)
        return
      }
    }
  }
}
