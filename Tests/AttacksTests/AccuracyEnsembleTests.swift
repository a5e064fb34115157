import Attacks
import LinearCore
import Networks
import Testing

/// The ensemble that is asked for robust accuracy only, on classifiers whose radii are known.
@Suite struct AccuracyEnsembleTests {
  private let stream = RandomStream(seed: 23)

  private struct Case {
    let classifier: LinearClasses
    let inputs: Matrix<Float>
    let labels: [Int]

    func result(_ attack: String, _ norm: Norm, epsilons: [Double], stream: RandomStream) throws
      -> RobustnessResult<Float>
    {
      try RobustnessEvaluation<LinearClasses>(
        threat: ThreatModel(norm: norm),
        attacks: try AttackCatalog.attacks(
          named: attack, norm: norm, classCount: classifier.classCount),
        references: AttackReferences(dimension: classifier.inputDimension), epsilons: epsilons,
        stream: stream
      ).run(classifier, inputs: inputs, labels: labels)
    }
  }

  private func sample(_ classes: Int) -> Case {
    let classifier = LinearClasses(
      weights: .gaussian(rows: classes, columns: 20, stream: stream.child("w")),
      bias: [Float](repeating: 0, count: classes))
    let inputs = Matrix<Float>.gaussian(rows: 60, columns: 20, stream: stream.child("x"))
    return Case(
      classifier: classifier, inputs: inputs, labels: classifier.predictions(inputs))
  }

  @Test(arguments: Norm.allCases, [2, 6]) func itSaysWhatStandsAtEveryListedRadius(
    _ norm: Norm, classes: Int
  ) throws {
    let sample = sample(classes)
    let exact = sample.labels.enumerated().map { i, label in
      sample.classifier.distance(sample.inputs.row(i), label, norm, nil)
    }
    let sorted = exact.sorted()
    // Between two radii each, so that no rounding decides.
    let epsilons = [10, 30, 50].map { (sorted[$0 - 1] + sorted[$0]) / 2 }
    let result = try sample.result("accuracy", norm, epsilons: epsilons, stream: stream)
    for (epsilon, fallen) in zip(epsilons, [10, 30, 50]) {
      let expected = Double(exact.count - fallen) / Double(exact.count)
      #expect(abs(result.robustAccuracy(epsilon: epsilon) - expected) <= 1.01 / 60)
      #expect(result.robustAccuracy(epsilon: epsilon) >= expected - 1e-9)
    }
    for (found, exact) in zip(result.samples, exact) { #expect(found.radius >= exact * (1 - 1e-4)) }
  }

  @Test func itSpendsLessThanTheEnsembleOfRadii() throws {
    let network = try PReLUNetwork<Float>(
      exponent: 1, hiddenWeights: .gaussian(rows: 60, columns: 20, stream: stream.child("w")),
      outputWeights: .gaussian(rows: 6, columns: 60, stream: stream.child("v")))
    let inputs = Matrix<Float>.gaussian(rows: 40, columns: 20, stream: stream.child("x"))
    func passes(_ attack: String) throws -> Int {
      try RobustnessEvaluation<PReLUNetwork<Float>>(
        threat: ThreatModel(norm: .l2),
        attacks: try AttackCatalog.attacks(named: attack, norm: .l2, classCount: 6),
        references: AttackReferences(dimension: 20), epsilons: [0.5], stream: stream
      ).run(network, inputs: inputs, labels: network.predictions(inputs)).samples
        .reduce(0) { $0 + $1.gradientPasses }
    }
    let (few, many) = (try passes("accuracy"), try passes("standard"))
    #expect(few > 0 && 2 * few < many, "\(few), \(many)")
  }
}
