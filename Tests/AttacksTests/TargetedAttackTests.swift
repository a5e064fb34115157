import LinearCore
import Networks
import Testing

@testable import Attacks

/// Attacks towards a class, beside those that only lead away from the label.
@Suite struct TargetedAttackTests {
  let stream = RandomStream(seed: 29)

  private func network(outputs: Int, dimension: Int = 6) throws -> PReLUNetwork<Float> {
    let stream = stream.child("outputs", outputs)
    return try PReLUNetwork(
      exponent: 1.5,
      hiddenWeights: .gaussian(rows: 24, columns: dimension, stream: stream.child("hidden")),
      outputWeights: .gaussian(rows: outputs, columns: 24, stream: stream.child("output")),
      outputBias: nil, center: nil, normalizeInput: false)
  }

  private func inputs(_ count: Int, dimension: Int = 6) -> Matrix<Float> {
    .gaussian(rows: count, columns: dimension, stream: stream.child("inputs"))
  }

  private func evaluation(
    _ norm: Norm, classes: Int, inputs: Matrix<Float>, labels: [Int], attack: String = "standard"
  ) throws -> RobustnessEvaluation<PReLUNetwork<Float>> {
    RobustnessEvaluation(
      threat: ThreatModel(norm: norm),
      attacks: try AttackCatalog.attacks(named: attack, norm: norm, classCount: classes),
      references: AttackReferences(
        dimension: inputs.columns, samples: inputs, sampleLabels: labels),
      epsilons: [0.05, 0.2, 0.5], stream: stream)
  }

  /// Of two classes the target is the only other one: nothing may differ, with one output or two, not even
  /// for samples that are misclassified.
  @Test(arguments: Norm.allCases, [1, 2]) func twoClassesLeaveNoChoice(_ norm: Norm, _ outputs: Int)
    throws
  {
    let (network, inputs) = (try network(outputs: outputs), inputs(24))
    var labels = network.predictions(inputs)
    for i in 0..<3 { labels[i] = 1 - labels[i] }
    let evaluation = try evaluation(norm, classes: 2, inputs: inputs, labels: labels)
    let plain = try evaluation.run(network, inputs: inputs, labels: labels)
    let aimed = try evaluation.run(
      network, inputs: inputs, labels: labels, targets: labels.map { 1 - $0 })
    #expect(plain.samples.contains { $0.status == .attacked })
    #expect(plain.samples.count { $0.status == .misclassified } == 3)
    #expect(aimed.samples.map(\.radius) == plain.samples.map(\.radius))
    #expect(aimed.samples.map(\.attack) == plain.samples.map(\.attack))
    #expect(aimed.samples.map(\.status) == plain.samples.map(\.status))
    #expect(aimed.perturbations == plain.perturbations)
    for epsilon in [0, 0.1, 0.3] {
      #expect(aimed.robustAccuracy(epsilon: epsilon) == plain.robustAccuracy(epsilon: epsilon))
    }
    #expect(aimed.cleanAccuracy == plain.cleanAccuracy)
    let flags = try [plain, aimed].map {
      try ReliabilityChecks(evaluation).check($0, network, inputs: inputs, labels: labels).flags
    }
    #expect(flags[0] == flags[1])
  }

  /// The nearest other class is one of them. Both radii are upper bounds; outside l2 only the attack on a
  /// target knows of corners, and may be the better one.
  @Test(arguments: Norm.allCases) func theNearestTargetIsTheUntargetedRadius(_ norm: Norm) throws {
    let (network, inputs) = (try network(outputs: 4), inputs(16))
    let labels = network.predictions(inputs)
    let evaluation = try evaluation(norm, classes: 4, inputs: inputs, labels: labels)
    let plain = try evaluation.run(network, inputs: inputs, labels: labels)
    var nearest = [Double](repeating: .infinity, count: labels.count)
    for step in 1..<4 {
      let targets = labels.map { ($0 + step) % 4 }
      let aimed = try evaluation.run(network, inputs: inputs, labels: labels, targets: targets)
      for (i, sample) in aimed.samples.enumerated() {
        let least = norm == .l2 ? 0.99 : 0.95
        #expect(sample.radius >= plain.samples[i].radius * least, "\(norm), sample \(i)")
        nearest[i] = min(nearest[i], sample.radius)
      }
      let reached = aimed.samples.filter { $0.status == .attacked }
      #expect(reached.count == labels.count, "\(norm): \(reached.count) towards class +\(step)")
      var points = inputs.rows(at: reached.map(\.index))
      let moves = aimed.perturbations.rows(at: reached.map(\.index))
      points.elements = zip(points.elements, moves.elements).map(+)
      #expect(network.predictions(points) == reached.map { targets[$0.index] })
      for (row, sample) in reached.enumerated() {
        #expect(abs(Double(norm.length(moves.row(row))) / sample.radius - 1) < 1e-3)
      }
    }
    for (i, sample) in plain.samples.enumerated() {
      let ratio = nearest[i] / sample.radius
      #expect(ratio < 1.01, "\(norm), sample \(i): \(ratio)")
    }
  }

  /// Own labels are left out; samples already predicted as the target have radius 0; those predicted as a
  /// third class are attacked.
  @Test func everySampleHasItsPlace() throws {
    let (network, inputs) = (try network(outputs: 3), inputs(60))
    let predicted = network.predictions(inputs)
    let labels = predicted.indices.map { $0 % 3 }
    let evaluation = try evaluation(
      .l2, classes: 3, inputs: inputs, labels: labels, attack: "quick")
    let result = try evaluation.run(
      network, inputs: inputs, labels: labels, targets: labels.map { _ in 2 })
    for (i, sample) in result.samples.enumerated() {
      if labels[i] == 2 {
        #expect(sample.status == .excluded && sample.radius.isNaN && sample.attack == nil)
        #expect(result.perturbations.row(i).allSatisfy { $0 == 0 })
      } else if predicted[i] == 2 {
        #expect(sample.status == .misclassified && sample.radius == 0)
      } else {
        #expect(sample.radius > 0 && (sample.status == .attacked) == sample.radius.isFinite)
      }
      #expect(sample.target == 2 && sample.index == i)
    }
    let others = result.samples.filter { labels[$0.index] != 2 }
    #expect(result.counted == others)
    #expect(others.count { $0.status == .attacked && $0.predicted != $0.label } >= 5)
    let standing = Double(others.count { $0.predicted != 2 }) / Double(others.count)
    #expect(result.robustAccuracy(epsilon: 0) == standing)
    let correct = Double(others.count { $0.predicted == $0.label }) / Double(others.count)
    #expect(result.cleanAccuracy == correct && correct < standing)
    #expect(result.medianRadius.isFinite)
    let checked = try ReliabilityChecks(evaluation).check(
      result, network, inputs: inputs, labels: labels)
    #expect(!checked.flags.contains { $0.contains("otherwise alone") })
  }

  /// What a store has kept for one target is not believed for another.
  @Test func chunksOfAnotherTargetAreRejected() throws {
    let (network, inputs) = (try network(outputs: 3), inputs(12))
    let labels = network.predictions(inputs)
    let evaluation = try evaluation(
      .l2, classes: 3, inputs: inputs, labels: labels, attack: "quick")
    let store = Kept()
    let first = try evaluation.run(
      network, inputs: inputs, labels: labels, targets: labels.map { ($0 + 1) % 3 }, store: store)
    let again = try evaluation.run(
      network, inputs: inputs, labels: labels, targets: labels.map { ($0 + 1) % 3 }, store: store)
    #expect(store.rejections == 0 && again.samples == first.samples)
    _ = try evaluation.run(
      network, inputs: inputs, labels: labels, targets: labels.map { ($0 + 2) % 3 }, store: store)
    #expect(store.rejections == 1)
  }

  @Test func targetsThatDoNotFitAreRefused() throws {
    let (network, inputs) = (try network(outputs: 3), inputs(4))
    let labels = network.predictions(inputs)
    let evaluation = try evaluation(
      .l2, classes: 3, inputs: inputs, labels: labels, attack: "quick")
    #expect(throws: AttackError("4 samples with 1 targets")) {
      try evaluation.run(network, inputs: inputs, labels: labels, targets: [1])
    }
    #expect(throws: AttackError("target 3, the model knows classes 0 to 2")) {
      try evaluation.run(network, inputs: inputs, labels: labels, targets: [0, 1, 2, 3])
    }
  }

  private final class Kept: EvaluationStore {
    var chunks: [Int: EvaluationChunk<Float>] = [:]
    var rejections = 0
    func chunk(_ number: Int) -> EvaluationChunk<Float>? { chunks[number] }
    func keep(_ chunk: EvaluationChunk<Float>, number: Int) { chunks[number] = chunk }
    func reject(_ number: Int, reason: String) { rejections += 1 }
  }
}
