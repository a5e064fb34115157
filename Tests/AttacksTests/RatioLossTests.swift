import Attacks
import LinearCore
import Networks
import Testing

/// The loss and the reported direction for one sample.
private func evaluate<Scalar: LinearScalar>(
  _ loss: any AttackLoss, _ logits: [Scalar], label: Int, target: Int
) -> (value: Scalar, gradient: [Scalar]) {
  var (gradient, value, label, target) = (logits, Scalar(0), label, target)
  gradient.withUnsafeMutableBufferPointer { gradient in
    withUnsafeMutablePointer(to: &value) { value in
      withUnsafePointer(to: &label) { label in
        withUnsafePointer(to: &target) { target in
          loss.evaluate(
            LogitBatch(
              count: 1, outputs: logits.count, logits: gradient.baseAddress!, labels: label,
              targets: target, values: value))
        }
      }
    }
  }
  return (value, gradient)
}

/// The formulas of the paper, by sorting.
private func ratio(_ z: [Double], _ label: Int, _ target: Int?) -> Double {
  let sorted = z.sorted(by: >)
  if let target {
    return (z[target] - z[label]) / (sorted[0] - (sorted[2] + sorted[3]) / 2)
  }
  let other = z.indices.filter { $0 != label }.map { z[$0] }.max()!
  return (other - z[label]) / (sorted[0] - sorted[2])
}

@Suite struct RatioLossTests {
  /// Logits without ties, and labels of every rank.
  static let cases: [([Double], Int)] = (0..<40).map { number in
    let logits = Matrix<Double>.gaussian(
      rows: 1, columns: 4 + number % 5, stream: RandomStream(seed: 3).child("logits", number))
    return (logits.elements, number % 4)
  }

  @Test(arguments: [false, true]) func ratiosAreThoseOfThePaperAndTheirGradientIsExact(
    _ targeted: Bool
  ) {
    let loss: any AttackLoss = targeted ? TargetedDLRAttackLoss(targetRank: 1) : DLRAttackLoss()
    for (logits, label) in Self.cases {
      for target in logits.indices where target != label && (targeted || target < 2) {
        let (value, gradient) = evaluate(loss, logits, label: label, target: target)
        func exact(_ z: [Double]) -> Double { ratio(z, label, targeted ? target : nil) }
        #expect(abs(value - exact(logits)) <= 1e-12 * max(1, abs(value)))
        let slopes = logits.indices.map { c in
          var (above, below) = (logits, logits)
          above[c] += 1e-7
          below[c] -= 1e-7
          return (exact(above) - exact(below)) / 2e-7
        }
        let largest = gradient.map(abs).max()!
        #expect(largest <= 3)
        // The third of the largest logits as label makes a ratio of 1 whatever the logits are.
        if slopes.map(abs).max()! < 1e-6 {
          #expect(largest < 1e-6)
          continue
        }
        // A positive multiple, and of moderate size for samples that are not fooled.
        if label == logits.indices.max(by: { logits[$0] < logits[$1] }) { #expect(largest >= 0.25) }
        let scale =
          zip(slopes, gradient).map { $0 * $1 }.reduce(0, +)
          / gradient.map { $0 * $0 }.reduce(0, +)
        #expect(scale > 0)
        for (slope, entry) in zip(slopes, gradient) {
          #expect(abs(slope - scale * entry) <= 1e-4 * max(1, scale))
        }
      }
    }
  }

  @Test(arguments: [1e6, 1e-6, 1e9, 1e-30]) func aFactorOfAllLogitsDoesNotMatter(_ factor: Double) {
    let losses: [any AttackLoss] = [DLRAttackLoss(), TargetedDLRAttackLoss(targetRank: 1)]
    for loss in losses {
      for (logits, label) in Self.cases {
        let target = label == 0 ? 1 : 0
        let plain = logits.map { Float($0) }
        let expected = evaluate(loss, plain, label: label, target: target)
        let scaled = plain.map { $0 * Float(factor) }
        let found = evaluate(loss, scaled, label: label, target: target)
        let close = 1e-4 * max(1, abs(expected.value))
        #expect(abs(found.value - expected.value) <= close * max(1, abs(expected.value)))
        for (a, b) in zip(found.gradient, expected.gradient) { #expect(abs(a - b) <= close) }
      }
    }
  }

  @Test func equalLogitsGiveADirection() {
    let dlr = evaluate(DLRAttackLoss(), [Float](repeating: 2, count: 5), label: 1, target: 1)
    #expect(dlr.value == 0 && dlr.gradient == [1, -1, 0, 0, 0])
    // The label below three equal logits: fooled without bound.
    let below = evaluate(DLRAttackLoss(), [3, 1, 3, 3] as [Float], label: 1, target: 1)
    #expect(below.value == .infinity && below.gradient == [1, -1, 0, 0])
  }

  @Test func targetedMarginIsTheLead() {
    let loss = TargetedMarginAttackLoss(targetRank: 2)
    let three = evaluate(loss, [1, 4, 2.5] as [Double], label: 1, target: 2)
    #expect(three.value == -1.5 && three.gradient == [0, -1, 1])
    let single = evaluate(loss, [0.75] as [Float], label: 1, target: 0)
    #expect(single.value == -0.75 && single.gradient == [-1])
  }

  @Test func tooFewClassesAreRefusedByName() throws {
    let attack = try AttackCatalog.attacks(named: "apgd-dlr")[0]
    #expect(
      throws: AttackError("the attack 'apgd-dlr' needs at least 3 classes, the model has 2")
    ) { try attack.validate(classCount: 2) }
    try attack.validate(classCount: 3)
    let classifier = LinearClassifier<Float>(weights: [1, 2], bias: 0)
    let evaluation = RobustnessEvaluation<LinearClassifier<Float>>(
      threat: ThreatModel(norm: .l2), attacks: [attack], references: AttackReferences(dimension: 2),
      epsilons: [1], stream: RandomStream(seed: 0))
    #expect(throws: AttackError.self) {
      try evaluation.run(classifier, inputs: Matrix([[1, 1]]), labels: [1])
    }
    for name in ["apgd-t", "fab", "fab-t", "square"] {
      try AttackCatalog.attacks(named: name)[0].validate(classCount: 2)
    }
  }
}
