import Attacks
import LinearCore
import Networks
import Testing
import Theory

/// Noisy samples of an orthonormal mixture, and an ideal classifier with what training from small
/// initialisation leaves beside it: slightly turned copies of its neurons, and many tiny ones.
private struct NoisyMixture {
  let network: PReLUNetwork<Float>
  let inputs: Matrix<Float>
  let labels: [Int]
  let evaluation: RobustnessEvaluation<PReLUNetwork<Float>>

  init(exponent: Double, withCenter: Bool = false, residue: Double = 1e-6) throws {
    let (dimension, subclasses, copies, tiny, count) = (60, 6, 3, 50, 60)
    let stream = RandomStream(seed: 31)
    let centers = try Matrix<Float>.gaussian(
      rows: subclasses, columns: dimension, stream: stream.child("centers")
    ).orthonormalizedRows().basis
    let centerLabels = (0..<subclasses).map { $0 < 3 ? 1 : 0 }
    let ideal =
      exponent == 1
      ? IdealClassifiers.relu(centers: centers, labels: centerLabels)
      : IdealClassifiers.polynomialReLU(exponent: exponent, centers: centers, labels: centerLabels)
    let neurons = ideal.hiddenWidth
    let width = neurons * copies + tiny
    var hidden = Matrix<Float>.gaussian(
      rows: width, columns: dimension, standardDeviation: residue, stream: stream.child("residue"))
    var output = Matrix<Float>.gaussian(
      rows: 1, columns: width, standardDeviation: residue, stream: stream.child("output"))
    for j in 0..<neurons * copies {
      let row = ideal.hiddenWeights.row(j % neurons)
      hidden.setRow(j, zip(row, hidden.row(j)).map { $0 + $1 })
      output[0, j] += ideal.outputWeights[0, j % neurons] / Float(copies)
    }
    let shift = Matrix<Float>.gaussian(rows: 1, columns: dimension, stream: stream.child("shift"))
    let center = withCenter ? shift.elements : [Float](repeating: 0, count: dimension)
    network = try PReLUNetwork(
      exponent: exponent, hiddenWeights: hidden, outputWeights: output,
      outputBias: withCenter ? [0.01] : nil, center: withCenter ? center : nil)
    var inputs = Matrix<Float>.gaussian(
      rows: count, columns: dimension, standardDeviation: 0.3 / Double(dimension).squareRoot(),
      stream: stream.child("inputs"))
    for i in 0..<count {
      let row = zip(inputs.row(i), centers.row(i % subclasses)).map { $0 + $1 }
      inputs.setRow(i, zip(row, center).map { $0 + $1 })
    }
    var points = centers
    points.subtractFromRows(center.map { -$0 })
    self.inputs = inputs
    // The last sample is mislabelled, and so misclassified.
    labels = (0..<count).map { centerLabels[$0 % subclasses] ^ ($0 == count - 1 ? 1 : 0) }
    evaluation = RobustnessEvaluation(
      threat: ThreatModel(norm: .l2), attacks: try AttackCatalog.attacks(named: "standard"),
      references: AttackReferences(
        dimension: network.inputDimension, classCount: network.classCount,
        directions: network.classDirections(of: Array(0..<neurons)), means: (points, centerLabels),
        samples: (inputs, labels)),
      epsilons: [0.2, 0.5, 1], stream: RandomStream(seed: 2))
  }
}

@Suite struct ReducedEvaluationTests {
  @Test(arguments: [1, 2, 3], [false, true])
  func radiiAgreeWithThoseOfTheNetworkAndHaveWitnesses(_ p: Double, _ withCenter: Bool) throws {
    let mixture = try NoisyMixture(exponent: p, withCenter: withCenter)
    let (network, inputs, labels) = (mixture.network, mixture.inputs, mixture.labels)
    let reduced = try ReducedEvaluation<ReducedNetwork<Float>>(mixture.evaluation, of: network)
    let expectedRank = p == 1 ? 2 : 6
    #expect(reduced.reduction.summary.rank == expectedRank)
    #expect(reduced.reduction.summary.neurons == expectedRank)
    let found = try reduced.run(inputs: inputs, labels: labels)
    let exact = try mixture.evaluation.run(network, inputs: inputs, labels: labels)
    #expect(found.isReliable, "\(found.flags)")
    #expect(found.reduction == reduced.reduction.summary && exact.reduction == nil)
    #expect(found.cleanAccuracy == exact.cleanAccuracy)
    var adversarial = inputs
    adversarial.elements = zip(inputs.elements, found.perturbations.elements).map(+)
    let predicted = network.predictions(adversarial)
    let uncertainties = reduced.reduction.radiusUncertainty(at: adversarial, labels: labels)
    let largest = found.samples.filter { $0.status == .attacked }.map { uncertainties[$0.index] }
    #expect(found.radiusUncertainty == largest.max() && exact.radiusUncertainty == nil)
    for (a, b) in zip(found.samples, exact.samples) {
      #expect(a.status == b.status && a.predicted == b.predicted && a.index == b.index)
      if a.status == .misclassified {
        #expect(a.radius == 0)
        continue
      }
      #expect(predicted[a.index] != labels[a.index])
      let size = Double(Norm.l2.length(found.perturbations.row(a.index)))
      #expect(abs(size - a.radius) <= 1e-6 * size)
      // Both attacks stop within a permille of where they could; the reduction adds its uncertainty.
      #expect(abs(a.radius - b.radius) <= 2e-3 * b.radius + uncertainties[a.index])
    }
  }

  /// A reduction so rough that it moves the boundary visibly: the original decides every sample.
  @Test(arguments: [1, 3]) func aRoughReductionStillGivesWitnesses(_ p: Double) throws {
    let mixture = try NoisyMixture(exponent: p, residue: 1e-2)
    let reduced = try ReducedEvaluation<ReducedNetwork<Float>>(
      mixture.evaluation, of: mixture.network, tolerance: 0.5)
    let found = try reduced.run(inputs: mixture.inputs, labels: mixture.labels)
    let clean = mixture.network.predictions(mixture.inputs)
    var adversarial = mixture.inputs
    adversarial.elements = zip(mixture.inputs.elements, found.perturbations.elements).map(+)
    let predicted = mixture.network.predictions(adversarial)
    for (i, sample) in found.samples.enumerated() {
      #expect(sample.predicted == clean[i])
      #expect((sample.status == .misclassified) == (clean[i] != mixture.labels[i]))
      if sample.status == .attacked {
        #expect(predicted[i] != mixture.labels[i])
        let size = Double(Norm.l2.length(found.perturbations.row(i)))
        #expect(abs(size - sample.radius) <= 1e-6 * size)
      }
    }
  }

  /// relu(<w, x>) - relu(-<w, x>) - 1 is linear: the distances to its boundary are known, and all happens
  /// in one dimension.
  @Test(arguments: AttackCatalog.entries.map(\.name).filter { $0 != "apgd-dlr" })
  func oneDimensionIsEnough(_ attack: String)
    throws
  {
    let direction = Matrix<Float>.gaussian(rows: 1, columns: 20, stream: RandomStream(seed: 6))
    let network = try PReLUNetwork<Float>(
      exponent: 1, hiddenWeights: Matrix([direction.elements, direction.elements.map { -$0 }]),
      outputWeights: Matrix([[1, -1]]), outputBias: [-1])
    let inputs = Matrix<Float>.gaussian(rows: 30, columns: 20, stream: RandomStream(seed: 7))
    let labels = network.predictions(inputs)
    let evaluation = RobustnessEvaluation<PReLUNetwork<Float>>(
      threat: ThreatModel(norm: .l2), attacks: try AttackCatalog.attacks(named: attack),
      references: AttackReferences(dimension: 20, samples: inputs, sampleLabels: labels),
      epsilons: [0.5, 1, 4], stream: RandomStream(seed: 2))
    let reduced = try ReducedEvaluation<ReducedNetwork<Float>>(evaluation, of: network)
    #expect(reduced.reduction.summary.rank == 1 && reduced.reduction.summary.neurons == 2)
    let result = try reduced.run(inputs: inputs, labels: labels)
    let slope = Double(Norm.l2.length(direction.elements))
    for (sample, value) in zip(result.samples, network.logits(inputs).elements) {
      let exact = Double(abs(value)) / slope
      #expect(sample.radius >= exact * (1 - 1e-4) - 1e-6)
      #expect(sample.radius <= exact * 1.01 + 1e-6)
    }
  }

  @Test func otherThreatsAreNotReduced() throws {
    let mixture = try NoisyMixture(exponent: 2)
    for threat in [ThreatModel<Float>(norm: .linf), .init(norm: .l1), .init(norm: .l2, box: 0...1)]
    {
      var evaluation = mixture.evaluation
      evaluation.threat = threat
      #expect(throws: AttackError.self) {
        try ReducedEvaluation<ReducedNetwork<Float>>(evaluation, of: mixture.network)
      }
    }
  }

  @Test func saysWhatDoesNotFit() throws {
    let mixture = try NoisyMixture(exponent: 2)
    let reduced = try ReducedEvaluation<ReducedNetwork<Float>>(
      mixture.evaluation, of: mixture.network)
    let narrow = Matrix<Float>(rows: 1, columns: 6)
    #expect(throws: AttackError("samples have 6 coordinates, the model takes 60")) {
      try reduced.run(inputs: narrow, labels: [0])
    }
    var holes = mixture.inputs
    holes[0, 0] = .nan
    #expect(throws: AttackError("a sample holds NaN or infinity")) {
      try reduced.run(inputs: holes, labels: mixture.labels)
    }
  }
}
