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
      let attacks: String = "standard"
      if subject == .classes {
        let random = try NoisyProblem.random(classes: 4)
        (network, inputs, labels) = random
        evaluation = RobustnessEvaluation(
          threat: ThreatModel(norm: norm),
          attacks: try AttackCatalog.attacks(named: attacks, norm: norm, classCount: 4),
          references: AttackReferences(
            network: network, neurons: Array(0..<network.hiddenWidth),
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

    func radii(_ network: PReLUNetwork<Float>, batchSize: Int = 500) throws -> [Double] {
      var evaluation = evaluation
      evaluation.batchSize = batchSize
      return try evaluation.run(network, inputs: inputs, labels: labels).samples.map(\.radius)
    }
  }

  static func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).map { $0 == $1 ? 0 : abs($0 - $1) / max($0, $1) }.max()!
  }

  @Test(arguments: Subject.allCases, [Norm.l2, .linf]) func explore(
    _ subject: Subject, _ norm: Norm
  ) throws {
    let data = try Case(subject, norm)
    let plain = try data.radii(data.network)
    let clock = ContinuousClock()
    func show(_ name: String, _ run: () throws -> [Double]) throws {
      var other: [Double] = []
      let time = try clock.measure { other = try run() }
      let d = zip(plain, other).map { ($1 - $0) / $0 }
      let s = d.sorted()
      print("XX", subject, norm, name, s.first!, s.last!, "over 1e-6:", d.count { abs($0) > 1e-6 }, "over 1e-4:", d.count { abs($0) > 1e-4 }, time)
    }
    try show("x1e6") { try data.radii(data.network.scaled(by: 1e6)) }
    try show("x1e-6") { try data.radii(data.network.scaled(by: 1e-6)) }
    try show("7") { try data.radii(data.network, batchSize: 7) }
    try show("1") { try data.radii(data.network, batchSize: 1) }
  }
}
