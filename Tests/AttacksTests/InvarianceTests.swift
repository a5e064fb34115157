import Attacks
import LinearCore
import Networks
import Testing

/// Radii belong to the decision boundary: what leaves it where it is leaves them as they are.
@Suite struct InvarianceTests {
  /// What is attacked.
  enum Subject: String, CaseIterable, Sendable { case polynomial, relu, classes }

  struct Case {
    let network: PReLUNetwork<Float>
    let inputs: Matrix<Float>
    let labels: [Int]
    let evaluation: RobustnessEvaluation<PReLUNetwork<Float>>

    init(_ subject: Subject, _ norm: Norm) throws {
      if subject == .classes {
        let random = try NoisyProblem.random(classes: 4)
        (network, inputs, labels) = random
        evaluation = RobustnessEvaluation(
          threat: ThreatModel(norm: norm),
          attacks: try AttackCatalog.attacks(named: "standard", norm: norm, classCount: 4),
          references: AttackReferences(
            dimension: network.inputDimension, classCount: network.classCount,
            directions: network.classDirections(of: Array(0..<network.hiddenWidth)),
            means: (inputs, labels), samples: (inputs, labels)),
          epsilons: [0.05, 0.1, 0.2], stream: RandomStream(seed: 1))
      } else {
        let problem = NoisyProblem(alpha: 0.1)
        network = problem.ideal(subject == .relu ? 1 : 3)
        (inputs, labels) = (problem.inputs, problem.labels)
        evaluation = try problem.evaluation(
          network, norm: norm, epsilons: norm == .l2 ? [0.1, 0.3, 0.5, 0.7] : [0.05, 0.1, 0.2])
      }
    }

    /// Radii of the first samples.
    func radii(_ network: PReLUNetwork<Float>, count: Int, batchSize: Int = 500) throws -> [Double]
    {
      var evaluation = evaluation
      evaluation.batchSize = batchSize
      return try evaluation.run(
        network, inputs: inputs.rows(at: Array(0..<count)), labels: Array(labels.prefix(count))
      ).samples.map(\.radius)
    }

    /// What single precision leaves of a radius. A witness has to fool the network in single precision,
    /// where the point x + delta is rounded by up to 6e-8 of its size; in l2 that and the rounding of
    /// the logits, which is as large, are all. In linf steps along the boundary know nothing of its
    /// curvature and end earlier.
    func expectSame(_ first: [Double], _ second: [Double], _ name: String) {
      let norm = evaluation.threat.norm
      for i in first.indices {
        let resolution = 1e-7 * Double(norm.length(inputs.row(i)))
        let relative = norm == .l2 ? 1e-6 : 1e-5
        let tolerance = relative * first[i] + (first[i] < 0.1 ? resolution : 0)
        #expect(
          abs(first[i] - second[i]) <= tolerance, "\(name), \(norm), sample \(i): \(first[i])")
      }
    }
  }

  @Test(arguments: Subject.allCases, [Norm.l2, .linf]) func logitsMayBeScaled(
    _ subject: Subject, _ norm: Norm
  ) throws {
    let data = try Case(subject, norm)
    let radii = try data.radii(data.network, count: 40)
    #expect(radii.allSatisfy { $0 > 0 && $0.isFinite })
    for factor: Float in [1e6, 1e-6] {
      let scaled = try data.radii(data.network.scaled(by: factor), count: 40)
      data.expectSame(radii, scaled, "\(subject), times \(factor)")
    }
  }

  @Test(arguments: Subject.allCases, [Norm.l2, .linf]) func samplesMayBeBatchedInAnyWay(
    _ subject: Subject, _ norm: Norm
  ) throws {
    let data = try Case(subject, norm)
    for (batchSize, count) in [(7, 20), (1, 6)] {
      let together = try data.radii(data.network, count: count)
      let apart = try data.radii(data.network, count: count, batchSize: batchSize)
      data.expectSame(together, apart, "\(subject), batches of \(batchSize)")
    }
  }
}
