import LinearCore
import Networks
import Testing

@testable import Certification

/// Lipschitz bounds against gradients, brute force and the exact radius.
@Suite struct LipschitzBoundTests {
  func problem(_ test: RandomCase) throws -> DecisionProblem {
    try EffectiveNetwork(test.network).problem(
      label: test.label, opponent: 1 - test.label, input: test.input)
  }

  @Test func slopesBoundGradients() throws {
    for number in 0..<80 {
      let test = RandomCase(number)
      if test.network.outputBias != nil { continue }
      let problem = try problem(test)
      let bound = LipschitzBound(problem)
      var generator = RandomStream(seed: 4).child("d", number)
      for size in [0.05, 0.4, 1.5] {
        let local = bound.localSlope(problem, start: problem.preActivations, within: size)
        let global = bound.globalSlope(problem, size: 1 + size)
        for _ in 0..<50 {
          let d = (0..<problem.dimension).map { _ in Double.random(in: -1...1, using: &generator) }
          let factor = size / Norm.l2.length(d)
          let slope = Norm.l2.length(problem.margin(d.map { $0 * factor }).gradient)
          #expect(slope <= local * (1 + 1e-12))
          #expect(slope <= global * (1 + 1e-12))
        }
      }
    }
  }

  @Test func radiiStayBelowBruteForce() throws {
    for number in 0..<160 {
      let test = RandomCase(number)
      let problem = try problem(test)
      let radius = LipschitzBound(problem).radius(problem, maximum: 2) * problem.scale
      #expect(radius <= test.bruteForce(reach: 3 * problem.scale))
      let result = try RadiusCertifier(test.network, budget: SearchBudget(nodes: 50)).certify(
        test.input, label: test.label)
      #expect(result.lower >= min(radius, result.upper) * (1 - 1e-9))
    }
  }

  @Test func isExactForOneNeuronOfDegreeOne() throws {
    // f = relu(x_0): the boundary is at distance x_0, the gradient constant up to it.
    let network = try PReLUNetwork<Double>(
      exponent: 1, hiddenWeights: Matrix([[1, 0]]), outputWeights: Matrix([[1]]))
    let problem = try EffectiveNetwork(network).problem(label: 1, opponent: 0, input: [0.6, 0.8])
    let radius = LipschitzBound(problem).radius(problem, maximum: 2)
    #expect(abs(radius - 0.6) < 1e-3 && radius < 0.6)
  }
}
