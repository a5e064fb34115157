import LinearCore
import Networks

/// The smallest perturbation of one input that is known to change its class.
///
/// The class is that of the real-valued function: the margin at the perturbed input, computed in double precision, has to
/// be lost by more than its rounding error. What rounding alone decides is no witness.
struct VerifiedWitness {
  private let network: PReLUNetwork<Double>
  private let rowNorms: [Double]
  private let input: [Double]
  private let label: Int
  private let norm: Norm
  /// Of valid inputs; nil where all are.
  private let box: InputBox<Double>?
  /// Whether the class is wrong without any perturbation.
  let isMisclassified: Bool
  /// Its size; infinite where there is none, 0 for a misclassified input.
  private(set) var length: Double
  /// The perturbation; empty where there is none.
  private(set) var perturbation: [Double] = []

  init(
    _ network: PReLUNetwork<Double>, input: [Double], label: Int, norm: Norm = .l2,
    box: InputBox<Double>? = nil
  ) {
    self.norm = norm
    self.box = box
    self.network = network
    rowNorms = network.hiddenWeights.rowNorms()
    self.input = input
    self.label = label
    isMisclassified = predictedClasses(network.referenceLogits(Matrix([input])))[0] != label
    length = isMisclassified ? 0 : .infinity
  }

  /// Takes a perturbation if it changes the class and is smaller than what is known. One that stops just
  /// short of the boundary is lengthened a little.
  mutating func offer(_ candidate: [Double]) {
    let size = norm.length(candidate)
    guard size > 0, size.isFinite, size < length else { return }
    for exponent in -16...(-2) {
      let factor = exponent == -16 ? 1 : 1 + Double.power(10, Double(exponent))
      if size * factor >= length { return }
      let moved = valid(zip(input, candidate).map { $0 + factor * $1 })
      guard isLost(moved) else { continue }
      // What the sum was rounded to is where the class was looked at.
      let found = zip(moved, input).map { $0 - $1 }
      let reached = norm.length(found)
      if reached < length { (perturbation, length) = (found, reached) }
      return
    }
  }

  /// Every coordinate at its nearest valid value.
  private func valid(_ point: [Double]) -> [Double] {
    guard let box else { return point }
    return point.indices.map { i in
      let range = box.range(at: i)
      return min(max(point[i], range.lowerBound), range.upperBound)
    }
  }

  /// Whether another class is ahead at a point, whatever rounding has done.
  private func isLost(_ point: [Double]) -> Bool {
    let (logits, errors) = evaluate(point)
    guard logits.allSatisfy(\.isFinite), errors.allSatisfy(\.isFinite),
      predictedClasses(Matrix([logits]))[0] != label
    else { return false }
    if logits.count == 1 { return (label == 1 ? logits[0] : -logits[0]) <= -errors[0] }
    return logits.indices.contains {
      $0 != label && logits[label] - logits[$0] <= -(errors[label] + errors[$0])
    }
  }

  /// Logits, and bounds of their rounding errors.
  private func evaluate(_ point: [Double]) -> (logits: [Double], errors: [Double]) {
    let (p, n) = (network.exponent, network.hiddenWeights.columns)
    let unit = 0x1p-52
    let shifted = network.center.map { zip(point, $0).map { $0 - $1 } } ?? point
    let x = network.hasHiddenBias ? shifted + [1] : shifted
    let size = Norm.l2.length(x)
    let length = network.normalizeInput ? size : 1
    func feature(_ z: Double, _ norm: Double) -> Double {
      z > 0 && norm > 0 ? (p == 1 ? z : z * Double.power(z / (norm * length), p - 1)) : 0
    }
    var logits = network.outputBias ?? [Double](repeating: 0, count: network.outputCount)
    var errors = logits.map { $0.magnitude }
    let activations = network.hiddenWeights.times(x)
    for (j, z) in activations.enumerated() {
      let doubt = Double(n + 4) * unit * rowNorms[j] * size
      let value = feature(z, rowNorms[j])
      let most = feature(z + doubt, rowNorms[j])
      let error = most - feature(z - doubt, rowNorms[j]) + (p + 8) * Double(n) * unit * most
      for c in logits.indices {
        let weight = network.outputWeights[c, j]
        logits[c] += weight * value
        errors[c] += weight.magnitude * (most + error / (unit * Double(network.hiddenWidth + 8)))
        // An active neuron that underflows still counts.
        if z + doubt > 0 { errors[c] += weight.magnitude * 1e-290 }
      }
    }
    return (logits, errors.map { $0 * unit * Double(network.hiddenWidth + 8) })
  }
}
