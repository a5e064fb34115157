import Certification
import Foundation
import LinearCore
import Networks

/// Certifies radii of networks of any depth: for every sample a proved lower bound of the distance to the decision boundary,
/// beside an upper bound with a witness.
package struct DeepCertifier: Sendable {
  package let network: BoundedNetwork
  package let norm: Norm
  /// What coordinates of a perturbed input lie between; nil for all numbers.
  package let box: (lower: [Double], upper: [Double])?
  package let budget: SearchBudget
  private let evaluator: RegionEvaluator

  /// A certified sample with its proof.
  package struct Result: Sendable {
    package let radius: CertifiedRadius
    /// Nil for misclassified samples.
    package let certificate: DeepCertificate?
  }

  /// A certifier of radii in a norm, of inputs in a box.
  package init(
    _ network: BoundedNetwork, norm: Norm, box: (lower: [Double], upper: [Double])? = nil,
    budget: SearchBudget = SearchBudget()
  ) {
    (self.network, self.norm, self.box, self.budget) = (network, norm, box, budget)
    evaluator = RegionEvaluator(network, norm: norm)
  }

  /// Verifies certificates of this network, norm and box.
  package var checker: DeepCertificateChecker {
    DeepCertificateChecker(evaluator, norm: norm, box: box)
  }

  /// Certifies one sample.
  ///
  /// - Parameters:
  ///   - witness: a perturbation that changes the class, where one is known; it is evaluated anew.
  ///   - limit: no larger radius is of interest.
  package func certify(
    _ input: [Double], label: Int, index: Int = 0, witness: [Double]? = nil,
    within limit: Double = .infinity
  ) -> Result {
    DenormalNumbers.kept {
      certified(input, label: label, index: index, witness: witness, limit: limit)
    }
  }

  private func certified(
    _ input: [Double], label: Int, index: Int, witness: [Double]?, limit: Double
  ) -> Result {
    let start = Date()
    let reference = ReferencePoint(network, at: input)
    let outputs = reference.values[network.output]
    if isMisclassified(outputs: outputs, label) {
      return Result(
        radius: CertifiedRadius(
          storedIndex: index, label: label, lower: 0, proved: 0, upper: 0, status: .misclassified,
          nodes: 0, seconds: Date().timeIntervalSince(start), perturbation: [], certificates: []),
        certificate: nil)
    }
    let margins = MarginRows(label: label, outputCount: network.outputCount)
    var known = KnownPerturbation(
      PointMargin(evaluator: evaluator, margins: margins), input: input, norm: norm, box: box)
    if let witness { known.offer(witness) }
    let search = PartSearch(
      parts: PartEvaluator(evaluator: evaluator, reference: reference, margins: margins),
      region: InputRegion(center: input, norm: norm, radius: 0, box: box),
      maximum: min(known.length * 1.000001, limit, budget.maximumRadius ?? .infinity),
      budget: budget,
      deadline: start.addingTimeInterval(min(budget.seconds, 1e9)))
    let found = search.run()
    var certificate = DeepCertificate(
      index: index, label: label, norm: norm, lower: found.radius, nodes: found.nodes)
    let isContradictory = found.radius > known.length * (1 + 1e-9)
    let lower = isContradictory ? 0 : min(found.radius, known.length)
    certificate.lower = lower
    if lower == 0 { certificate.nodes = [] }
    let isExact = known.length.isFinite && known.length - lower <= budget.gap * known.length
    return Result(
      radius: CertifiedRadius(
        storedIndex: index, label: label, lower: lower, proved: found.radius,
        upper: known.length,
        status: isContradictory ? .contradictory : isExact ? .exact : .bounded,
        nodes: found.count, seconds: Date().timeIntervalSince(start),
        perturbation: known.perturbation, certificates: []),
      certificate: certificate)
  }

  /// Whether the network gives an input another class, as computed.
  package func isMisclassified(_ input: [Double], label: Int) -> Bool {
    DenormalNumbers.kept { isMisclassified(outputs: network.outputs(input), label) }
  }

  private func isMisclassified(outputs: [Double], _ label: Int) -> Bool {
    predictedClasses(Matrix([outputs]))[0] != label
  }

  /// Whether a perturbation has a size, stays in the box, and certainly changes the class.
  package func fools(_ perturbation: [Double], size: Double, input: [Double], label: Int) -> Bool {
    guard perturbation.count == input.count, perturbation.allSatisfy(\.isFinite),
      (norm.length(perturbation) / size - 1).magnitude <= 1e-12
    else { return false }
    let moved = zip(input, perturbation).map { $0 + $1 }
    if let box {
      guard moved.indices.allSatisfy({ box.lower[$0] <= moved[$0] && moved[$0] <= box.upper[$0] })
      else { return false }
    }
    let margins = MarginRows(label: label, outputCount: network.outputCount)
    return DenormalNumbers.kept {
      PointMargin(evaluator: evaluator, margins: margins).isLost(at: moved)
    }
  }
}
