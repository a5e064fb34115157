import LinearCore
import Networks
import Testing

@testable import Certification

/// Networks of many dimensions, several classes, normalised inputs and biases: one box already proves
/// nearly everything.
@Suite struct WideNetworkTests {
  struct Case {
    let network: PReLUNetwork<Double>
    let input: [Double]
    let label: Int

    init(exponent: Double, outputs: Int) throws {
      let stream = RandomStream(seed: 31)
      network = try PReLUNetwork(
        exponent: exponent,
        hiddenWeights: .gaussian(rows: 90, columns: 150, stream: stream.child("w")),
        outputWeights: .gaussian(rows: outputs, columns: 90, stream: stream.child("v")),
        outputBias: Matrix<Double>.gaussian(rows: 1, columns: outputs, stream: stream.child("b"))
          .row(0).map { 0.5 * $0 },
        normalizeInput: true)
      input = Matrix<Double>.gaussian(rows: 1, columns: 150, stream: stream.child("x")).row(0)
      label = predictedClasses(network.referenceLogits(Matrix([input])))[0]
    }
  }

  @Test(arguments: [1.0, 1.5, 2, 3, 4], [2, 3]) func oneBoxBeatsLipschitz(
    _ p: Double, _ outputs: Int
  ) throws {
    let test = try Case(exponent: p, outputs: outputs)
    let certifier = try RadiusCertifier(test.network, budget: SearchBudget(nodes: 1))
    let result = certifier.certify(test.input, label: test.label)
    var lipschitz = Double.infinity
    for opponent in 0..<outputs where opponent != test.label {
      let problem = certifier.effective.problem(
        label: test.label, opponent: opponent, input: test.input)
      lipschitz = min(
        lipschitz, problem.scale * LipschitzBound(problem).radius(problem, maximum: 2))
    }
    #expect(certifier.effective.rank == 90)
    #expect(result.lower <= result.upper && result.upper.isFinite)
    #expect(result.lower > lipschitz)
    #expect(result.status == .exact)
    let checker = try CertificateChecker(test.network, effective: certifier.effective)
    let certificate = SampleCertificate(result)
    #expect(try checker.check(certificate, input: test.input) >= result.lower)
    var damaged = certificate
    guard case .leaf(var leaf) = damaged.branches[0].nodes[0] else { return }
    leaf.biasSlope += 0.5
    damaged.branches[0].nodes[0] = .leaf(leaf)
    #expect(throws: CertificateError.self) { try checker.check(damaged, input: test.input) }
  }

  /// The line in ||x + d||^2 stays below the bias term, for every slope.
  @Test func biasLinesStayBelow() throws {
    for number in 0..<400 {
      let test = RandomCase(number, normalizeInput: true)
      guard test.network.outputBias != nil, test.network.exponent > 1 else { continue }
      let problem = try EffectiveNetwork(test.network).problem(
        label: test.label, opponent: 1 - test.label, input: test.input)
      var generator = RandomStream(seed: 32).child("d", number)
      let radius = Double.random(in: 0.1...1.5, using: &generator)
      for factor in [-1.0, 0, 0.5, 1, 2] {
        let slope = factor * problem.biasSlope(at: 1.1, within: radius)
        let constant = problem.constant(slope: slope, within: radius)
        for _ in 0..<20 {
          let direction = (0..<problem.dimension).map { _ in
            Double.random(in: -1...1, using: &generator)
          }
          let size = radius * .random(in: 0...1, using: &generator) / Norm.l2.length(direction)
          let d = direction.map { $0 * size }
          let square = zip(problem.point, d).reduce(problem.squaredRest) {
            $0 + ($1.0 + $1.1) * ($1.0 + $1.1)
          }
          let bias = problem.margin(d).value - neurons(problem, d)
          #expect(constant + slope * square <= bias + 1e-12 * (1 + abs(bias)))
        }
      }
    }
  }

  /// P - N without the bias.
  func neurons(_ problem: DecisionProblem, _ d: [Double]) -> Double {
    let z = problem.directions.times(zip(problem.point, d).map { $0 + $1 })
    return z.indices.reduce(0) { sum, j in
      let value = problem.weights[j] * problem.activation(z[j])
      return sum + (j < problem.supporting ? value : -value)
    }
  }
}
