import Certification
import DeepNetworks
import LinearCore
import Networks
import Testing

@testable import BoundPropagation

/// Certified radii beside exact ones and perturbations.
@Suite struct DeepCertifierTests {
  private func budget(_ nodes: Int) -> SearchBudget { SearchBudget(nodes: nodes) }

  /// The smallest perturbation among many: along random rays, by halving.
  private func attacked(
    _ network: BoundedNetwork, _ x: [Double], _ label: Int, norm: Norm, reach: Double,
    box: (lower: [Double], upper: [Double])? = nil, _ numbers: inout Numbers
  ) -> Double {
    let margins = MarginRows(label: label, outputCount: network.outputCount)
    var best = Double.infinity
    for _ in 0..<120 {
      let d = numbers.perturbation(x.count, norm: norm, radius: 1)
      func moved(_ t: Double) -> [Double] {
        let point = zip(x, d).map { $0 + t * $1 }
        guard let box else { return point }
        return point.indices.map { min(max(point[$0], box.lower[$0]), box.upper[$0]) }
      }
      func isLost(_ t: Double) -> Bool {
        margins.values(network.outputs(moved(t))).contains { $0 <= 0 }
      }
      for t in [0.01, 0.1, 0.3, 1].map({ $0 * reach }) where isLost(t) {
        var (low, high) = (0.0, t)
        for _ in 0..<40 {
          let middle = 0.5 * (low + high)
          if isLost(middle) { high = middle } else { low = middle }
        }
        best = min(best, norm.length(zip(moved(high), x).map { $0 - $1 }))
        break
      }
    }
    return best
  }

  private func label(_ network: BoundedNetwork, _ x: [Double]) -> Int {
    predictedClasses(Matrix([network.outputs(x)]))[0]
  }

  @Test(arguments: Norm.allCases) func provedIsBelowAttacked(_ norm: Norm) throws {
    var numbers = Numbers(31)
    for trial in 0..<36 {
      let p = [1, 1.5, 2, 3][trial % 4]
      let scale = [1, 1e-30, 1e30][trial / 4 % 3]
      let widths = [[2, 5, 1], [3, 6, 4, 2], [4, 5, 5, 3]][trial % 3]
      let network = try Samples.dense(
        widths, exponent: p, scale: p == 1 || trial % 2 == 0 ? scale : 0, &numbers)
      var x = numbers.vector(widths[0]).map { $0 * scale }
      // At the center, where every pre-activation without bias is at its kink.
      if trial % 5 == 0 { x = [Double](repeating: 0, count: widths[0]) }
      let box: (lower: [Double], upper: [Double])? =
        trial % 2 == 1
        ? (x.map { $0 - 0.4 * scale }, x.map { $0 + 0.3 * scale }) : nil
      let label = label(network, x)
      let certifier = DeepCertifier(
        network, norm: norm, box: box, budget: budget(trial % 6 == 0 ? 30 : 3))
      let result = certifier.certify(x, label: label)
      let upper = attacked(network, x, label, norm: norm, reach: 5 * scale, box: box, &numbers)
      #expect(result.radius.lower <= upper * (1 + 1e-9), "p \(p), scale \(scale)")
      #expect(result.radius.status != .contradictory)
      #expect(throws: Never.self) {
        try certifier.checker.check(try #require(result.certificate), input: x)
      }
    }
  }

  @Test(arguments: [1, 2, 3]) func shallowNetworksAreBelowTheirExactRadius(_ p: Double) throws {
    var numbers = Numbers(32)
    for _ in 0..<4 {
      let network = try PReLUNetwork<Double>(
        exponent: p, hiddenWeights: numbers.matrix(6, 3), outputWeights: numbers.matrix(1, 6),
        outputBias: [0.2])
      let x = numbers.vector(3)
      let bounded = try BoundedNetwork(network)
      let label = label(bounded, x)
      let exact = try RadiusCertifier(network, budget: SearchBudget(nodes: 2000)).certify(
        x, label: label)
      let plain = DeepCertifier(bounded, norm: .l2, budget: budget(1)).certify(x, label: label)
      let cut = DeepCertifier(bounded, norm: .l2, budget: budget(400)).certify(
        x, label: label, witness: exact.perturbation.isEmpty ? nil : exact.perturbation)
      #expect(plain.radius.lower <= exact.upper * (1 + 1e-9))
      #expect(cut.radius.lower <= exact.upper * (1 + 1e-9))
      #expect(plain.radius.lower > 0)
      // Parts bring it nearer. Searches end within 0.2%.
      #expect(cut.radius.lower >= 0.998 * plain.radius.lower)
      if exact.upper.isFinite {
        #expect(cut.radius.lower >= 0.9 * exact.lower, "\(cut.radius.lower) of \(exact.lower)")
      }
    }
  }

  @Test func witnessesAreVerified() throws {
    var numbers = Numbers(33)
    let network = try Samples.dense([3, 6, 2], exponent: 2, &numbers)
    let x = numbers.vector(3)
    let label = label(network, x)
    let certifier = DeepCertifier(network, norm: .l2, budget: budget(1))
    #expect(certifier.certify(x, label: label, witness: [1e-9, 0, 0]).radius.upper == .infinity)
    let other = certifier.certify(x, label: 1 - label)
    #expect(other.radius.status == .misclassified && other.radius.lower == 0)
    #expect(other.certificate == nil)
  }

  @Test func aBoxCanOnlyHelp() throws {
    var numbers = Numbers(34)
    for norm in Norm.allCases {
      let network = try Samples.dense([4, 8, 6, 2], exponent: 1, &numbers)
      let x = numbers.vector(4, 0.2...0.8)
      let label = label(network, x)
      let free = DeepCertifier(network, norm: norm, budget: budget(1)).certify(x, label: label)
      let boxed = DeepCertifier(
        network, norm: norm,
        box: ([Double](repeating: 0, count: 4), [Double](repeating: 1, count: 4)),
        budget: budget(1)
      ).certify(x, label: label)
      #expect(boxed.radius.lower >= free.radius.lower * (1 - 5e-3), "\(norm)")
    }
  }
}
