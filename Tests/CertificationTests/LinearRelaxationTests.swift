import Attacks
import Certification
import LinearCore
import Networks
import Testing
import Theory

/// One linear relaxation in every norm: below attacks, exact on linear networks, and below the search.
@Suite struct LinearRelaxationTests {
  @Test(arguments: Norm.allCases) func linearNetworksAreExact(_ norm: Norm) throws {
    // relu(<w,x> + large) - relu(-<w,x> + large) = 2 <w,x> near 0, with the constant as a coordinate.
    let weights = Matrix<Double>.gaussian(rows: 1, columns: 6, stream: RandomStream(seed: 6)).row(0)
    let network = try PReLUNetwork<Double>(
      exponent: 1,
      hiddenWeights: Matrix([weights + [1], weights.map { -$0 } + [1]]),
      outputWeights: Matrix([[1, -1]]))
    let input = [0.3, -0.1, 0.2, 0.1, 0.4, -0.2, 50]
    let value = 2 * zip(weights, input).reduce(0) { $0 + $1.0 * $1.1 }
    let label = value > 0 ? 1 : 0
    let slopes = weights.map { 2 * $0 } + [0]
    let dual: Norm = norm == .l2 ? .l2 : norm == .l1 ? .linf : .l1
    let distance = abs(value) / dual.length(slopes)
    let result = try RelaxationCertifier(network, norm: norm).certify(
      input, label: label)
    #expect(result.lower <= distance && result.lower >= 0.998 * distance)
  }

  @Test(arguments: Norm.allCases, [1.0, 1.5, 2, 3]) func staysBelowAttacks(
    _ norm: Norm, _ p: Double
  ) throws {
    let labels = IdealClassifierTests.labels(10)
    let network: PReLUNetwork<Float> = IdealClassifiers.polynomialReLU(
      exponent: p, centers: .identity(10), labels: labels)
    let inputs: Matrix<Float> = IdealClassifierTests.samples(10, alpha: 0.05).converted()
    let attacked = try RobustnessEvaluation<PReLUNetwork<Float>>(
      threat: ThreatModel(norm: norm), attacks: [StructuralAttack()],
      references: AttackReferences(dimension: 10, samples: inputs, sampleLabels: labels),
      epsilons: [], stream: RandomStream(seed: 1)
    ).run(network, inputs: inputs, labels: labels)
    let results = try RelaxationCertifier(network, norm: norm).certify(
      inputs, labels: labels, witnesses: attacked.perturbations)
    for (result, sample) in zip(results, attacked.samples) {
      #expect(result.lower > 0 && result.lower <= sample.radius)
      // The witness is evaluated anew, in double precision.
      #expect(abs(result.upper - sample.radius) <= 1e-2 * sample.radius)
    }
  }

  @Test func staysBelowBruteForceAndSearch() throws {
    for number in 0..<120 {
      let test = RandomCase(number, outputs: number % 2 == 0 ? 1 : 3)
      let relaxed = try RelaxationCertifier(test.network, norm: .l2).certify(
        test.input, label: test.label)
      #expect(relaxed.lower <= test.bruteForce(reach: 4))
      let searched = try RadiusCertifier(test.network, budget: SearchBudget(nodes: 100)).certify(
        test.input, label: test.label)
      #expect(relaxed.lower <= searched.upper)
    }
  }
}
