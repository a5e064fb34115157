import Certification
import LinearCore
import Networks
import Synchronization
import Testing

/// Random networks, where nothing is known but what a search finds.
@Suite struct BruteForceTests {
  /// Checks lower <= brute force, and which share of the cases that have an adversary is exact.
  func compare(_ cases: [RandomCase], budget: SearchBudget) throws -> Double {
    let exact = Atomic<Int>(0)
    let attackable = Atomic<Int>(0)
    Parallel.forEach(cases.count) { i in
      let test = cases[i]
      let result = try! RadiusCertifier(test.network, budget: budget).certify(
        test.input, label: test.label)
      #expect(result.status != .misclassified)
      #expect(result.lower <= result.upper && !result.isContradictory)
      let reach = result.upper.isFinite ? 1.5 * result.upper : 5
      let found = test.bruteForce(reach: reach)
      #expect(result.lower <= found, "case \(i), p = \(test.network.exponent)")
      if result.status == .exact {
        exact.add(1, ordering: .relaxed)
        // lower <= radius <= found.
        #expect(result.upper * (1 - budget.gap) <= found * (1 + 1e-12))
      }
      if result.upper.isFinite {
        attackable.add(1, ordering: .relaxed)
        let size = Norm.l2.length(result.perturbation)
        #expect(abs(size - result.upper) <= 1e-12 * size)
        // By the tests' own evaluation, but for the rounding of logits of size 10 to 1000.
        #expect(test.margin(result.perturbation) <= 1e-11)
      }
    }
    return Double(exact.load(ordering: .relaxed))
      / Double(attackable.load(ordering: .relaxed))
  }

  @Test func binaryNetworks() throws {
    let exact = try compare(
      (0..<1000).map { RandomCase($0) }, budget: SearchBudget(gap: 1e-3, nodes: 400))
    // The rest approach the boundary so flatly that the allowance for rounding counts.
    #expect(exact > 0.95)
  }

  @Test func severalClasses() throws {
    let exact = try compare(
      (0..<160).map { RandomCase($0, outputs: 3) }, budget: SearchBudget(gap: 1e-3, nodes: 400))
    #expect(exact > 0.9)
  }

  @Test func normalizedInputs() throws {
    let exact = try compare(
      (0..<160).map { RandomCase($0, outputs: $0 % 2 == 0 ? 1 : 3, normalizeInput: true) },
      budget: SearchBudget(gap: 1e-3, nodes: 200))
    // Half of the biases enter by a chord over the ball.
    #expect(exact > 0.7)
  }

  @Test func singlePrecisionNetworks() throws {
    for number in 0..<64 {
      let test = RandomCase(number)
      let network = test.network.converted(to: Float.self)
      let input = test.input.map { Float($0) }
      let label = predictedClasses(network.referenceLogits(Matrix([input.map { Double($0) }])))[0]
      let result = try RadiusCertifier(network, budget: SearchBudget(nodes: 200)).certify(
        input, label: label)
      #expect(result.lower <= result.upper && !result.isContradictory)
      let double = try RadiusCertifier(test.network, budget: SearchBudget(nodes: 200)).certify(
        test.input, label: test.label)
      if label == test.label { #expect(result.lower <= double.upper * (1 + 1e-3)) }
    }
  }
}
