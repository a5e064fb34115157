import Attacks
import Foundation
import LinearCore
import Networks
import Testing
import Theory

/// A network whose outputs are those of the nearest of some points wherever that is near: gradients there
/// are zero.
private struct DeadAroundPoints: Classifier {
  let network: PReLUNetwork<Float>
  let points: Matrix<Float>
  let radius: Float
  var inputDimension: Int { network.inputDimension }
  var outputCount: Int { network.outputCount }

  /// Inputs moved to the point they are near to, and which were.
  private func moved(_ inputs: Matrix<Float>) -> (inputs: Matrix<Float>, isDead: [Bool]) {
    var result = inputs
    var isDead = [Bool](repeating: false, count: inputs.rows)
    for i in 0..<inputs.rows {
      let row = inputs.row(i)
      for k in 0..<points.rows {
        let point = points.row(k)
        if Norm.l2.length(zip(row, point).map { $0 - $1 }) < radius {
          result.setRow(i, point)
          isDead[i] = true
          break
        }
      }
    }
    return (result, isDead)
  }

  func logits(_ inputs: Matrix<Float>) -> Matrix<Float> { network.logits(moved(inputs).inputs) }

  func logitsAndInputGradient(
    _ inputs: Matrix<Float>, cotangent: (Matrix<Float>, Range<Int>) -> Matrix<Float>
  ) -> (logits: Matrix<Float>, gradient: Matrix<Float>) {
    let (inputs, isDead) = moved(inputs)
    var result = network.logitsAndInputGradient(inputs, cotangent: cotangent)
    let zeros = [Float](repeating: 0, count: inputDimension)
    for i in isDead.indices where isDead[i] { result.gradient.setRow(i, zeros) }
    return result
  }
}

/// A network with fresh Gaussian noise on its outputs at every call.
private final class RandomOutputs: Classifier, @unchecked Sendable {
  private let network: PReLUNetwork<Float>
  private let noise: Double
  private let lock = NSLock()
  private var calls = 0

  init(_ network: PReLUNetwork<Float>, noise: Double) {
    self.network = network
    self.noise = noise
  }

  var inputDimension: Int { network.inputDimension }
  var outputCount: Int { network.outputCount }

  private func disturbed(_ logits: Matrix<Float>) -> Matrix<Float> {
    let call = lock.withLock {
      calls += 1
      return calls
    }
    let noise = Matrix<Float>.gaussian(
      rows: logits.rows, columns: logits.columns, standardDeviation: noise,
      stream: RandomStream(seed: 9).child("call", call))
    return Matrix(
      rows: logits.rows, columns: logits.columns,
      elements: zip(logits.elements, noise.elements).map { $0 + $1 })
  }

  func logits(_ inputs: Matrix<Float>) -> Matrix<Float> { disturbed(network.logits(inputs)) }

  func logitsAndInputGradient(
    _ inputs: Matrix<Float>, cotangent: (Matrix<Float>, Range<Int>) -> Matrix<Float>
  ) -> (logits: Matrix<Float>, gradient: Matrix<Float>) {
    let result = network.logitsAndInputGradient(inputs, cotangent: cotangent)
    return (disturbed(result.logits), result.gradient)
  }
}

/// Checks object to masked models and weak attacks, and to nothing else.
@Suite struct ReliabilityTests {
  private func checked<C: Classifier<Float>>(
    _ classifier: C, _ problem: NoisyProblem, _ attacks: [any Attack], epsilons: [Double]
  ) throws -> RobustnessResult<Float> {
    let network = problem.ideal(3)
    let evaluation = RobustnessEvaluation<C>(
      threat: ThreatModel(norm: .l2), attacks: attacks,
      references: AttackReferences(
        dimension: network.inputDimension, classCount: network.classCount,
        directions: network.classDirections(of: Array(0..<network.hiddenWidth)),
        means: (problem.centers, problem.centerLabels), samples: (problem.inputs, problem.labels)),
      epsilons: epsilons, stream: RandomStream(seed: 1))
    let result = try evaluation.run(classifier, inputs: problem.inputs, labels: problem.labels)
    return try ReliabilityChecks(evaluation).check(
      result, classifier, inputs: problem.inputs, labels: problem.labels)
  }

  private static let epsilons = [0.1, 0.3, 0.5, 0.6, 0.72, 0.9]
  private static let standard = try! AttackCatalog.attacks(named: "standard")

  /// The flag that was raised, for the check meant.
  private func expectFlag(_ result: RobustnessResult<Float>, _ words: String, _ name: String) {
    #expect(
      result.flags.contains { $0.contains(words) }, "\(name): \(result.flags)")
  }

  // What must be flagged.

  @Test(arguments: ["standard", "apgd-ce", "pgd"], [1.0, 3]) func hugeLogits(
    _ attack: String, _ exponent: Double
  ) throws {
    let problem = NoisyProblem(alpha: 0.1)
    let result = try checked(
      problem.ideal(exponent).scaled(by: 1e9), problem, try AttackCatalog.attacks(named: attack),
      epsilons: Self.epsilons)
    expectFlag(result, "divide the logits", attack)
  }

  @Test(arguments: ["standard", "apgd-ce", "pgd", "ddn"]) func aDeadRegion(_ attack: String) throws
  {
    let problem = NoisyProblem(alpha: 0.1)
    let classifier = DeadAroundPoints(
      network: problem.ideal(3), points: problem.inputs, radius: 0.05)
    let result = try checked(
      classifier, problem, try AttackCatalog.attacks(named: attack), epsilons: Self.epsilons)
    expectFlag(result, "zero or not finite", attack)
  }

  @Test(arguments: ["standard", "apgd-ce"], [1e-3, 0.1, 1]) func randomOutputs(
    _ attack: String, _ noise: Double
  ) throws {
    let problem = NoisyProblem(alpha: 0.1)
    let result = try checked(
      RandomOutputs(problem.ideal(3), noise: noise), problem,
      try AttackCatalog.attacks(named: attack), epsilons: Self.epsilons)
    expectFlag(result, "outputs are random", "\(attack), \(noise)")
  }

  @Test(arguments: ["pgd", "apgd-ce", "apgd-margin", "ddn", "fmn"], [0.01, 0.1]) func oneStep(
    _ attack: String, _ alpha: Double
  ) throws {
    let problem = NoisyProblem(alpha: alpha)
    var attacks = try AttackCatalog.attacks(named: attack, steps: 1)
    if var attack = attacks[0] as? DecoupledDirectionNorm {
      attack.refinementSteps = 0
      attacks = [attack]
    }
    let result = try checked(problem.ideal(3), problem, attacks, epsilons: Self.epsilons)
    #expect(!result.isReliable, "\(attack)")
  }

  /// The nearest boundary is at about sqrt(2)/2, which cross-entropy does not find from near a centre.
  @Test func crossEntropyAlone() throws {
    let problem = NoisyProblem(alpha: 0.01)
    for (attack, isReliable) in [("apgd-ce", false), ("standard", true)] {
      let result = try checked(
        problem.ideal(3), problem, try AttackCatalog.attacks(named: attack), epsilons: [0.72])
      #expect(result.isReliable == isReliable, "\(attack): \(result.flags)")
      if isReliable {
        #expect(result.robustAccuracy(epsilon: 0.72) == 0)
      } else {
        #expect(result.robustAccuracy(epsilon: 0.72) > 0.5)
      }
    }
  }

  // What must not.

  @Test(arguments: [1, 1.5, 2, 3, 4], [0.01, 0.1, 0.3]) func idealClassifiersAreNotFlagged(
    _ exponent: Double, _ alpha: Double
  ) throws {
    let problem = NoisyProblem(alpha: alpha)
    let result = try checked(
      problem.ideal(exponent), problem, Self.standard, epsilons: Self.epsilons)
    #expect(result.flags == [])
  }

  @Test func aLinearModelIsNotFlagged() throws {
    let problem = NoisyProblem(alpha: 0.1)
    let weights = (0..<problem.centers.columns).map { j in
      (0..<problem.centers.rows).reduce(Float(0)) {
        $0 + (problem.centerLabels[$1] == 1 ? 1 : -1) * problem.centers[$1, j]
      }
    }
    let classifier = LinearClassifier(weights: weights, bias: 0)
    let result = try checked(classifier, problem, Self.standard, epsilons: Self.epsilons)
    #expect(result.flags == [])
    for sample in result.samples {
      let exact = classifier.distance(problem.inputs.row(sample.index), .l2)
      #expect(abs(sample.radius - exact) <= 1e-5 * exact)
    }
  }

  @Test(arguments: [1, 1.5, 2, 3, 4], [Norm.l1, .linf]) func otherNormsAreNotFlagged(
    _ exponent: Double, _ norm: Norm
  ) throws {
    let problem = NoisyProblem(alpha: 0.1)
    let network = problem.ideal(exponent)
    let evaluation = try problem.evaluation(
      network, norm: norm, epsilons: norm == .l1 ? [0.5, 0.9, 1.2] : [0.05, 0.1, 0.15, 0.2])
    let result = try evaluation.run(network, inputs: problem.inputs, labels: problem.labels)
    let checked = try ReliabilityChecks(evaluation).check(
      result, network, inputs: problem.inputs, labels: problem.labels)
    #expect(checked.flags == [])
  }

  @Test(arguments: [3, 5], Norm.allCases) func randomNetworksAreNotFlagged(
    _ classes: Int, _ norm: Norm
  ) throws {
    let (network, inputs, labels) = try NoisyProblem.random(classes: classes)
    let evaluation = RobustnessEvaluation<PReLUNetwork<Float>>(
      threat: ThreatModel(norm: norm),
      attacks: try AttackCatalog.attacks(named: "standard", norm: norm, classCount: classes),
      references: AttackReferences(
        dimension: network.inputDimension, classCount: network.classCount,
        directions: network.classDirections(of: Array(0..<network.hiddenWidth)),
        means: (inputs, labels),
        samples: (inputs, labels)),
      epsilons: norm == .linf ? [0.02, 0.05, 0.1, 0.2] : [0.1, 0.3, 0.6],
      stream: RandomStream(seed: 1))
    let result = try evaluation.run(network, inputs: inputs, labels: labels)
    let checked = try ReliabilityChecks(evaluation).check(
      result, network, inputs: inputs, labels: labels)
    #expect(checked.flags == [])
  }
}
