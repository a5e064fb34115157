import Certification
import Datasets
import DeepNetworks
import Foundation
import LinearCore
import Networks
import Testing

@testable import Experiments
@testable import Runs
@testable import Studies

/// Radii of deep networks from both sides.
@Suite struct DeepTwoSidedTests {
  private func withDirectory(_ body: (RunDirectory) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("deep-two-sided-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(RunDirectory(path, configuration: ["test": 1], resume: false))
  }

  private func study(_ directory: RunDirectory, samples: Int, nodes: Int = 200, norm: Norm = .l2)
    -> DeepTwoSidedStudy
  {
    DeepTwoSidedStudy(
      DeepTwoSidedSettings(samples: samples, nodes: nodes), norm: norm, in: directory,
      name: "network", seed: 5)
  }

  /// relu(x1) - relu(x2), with one hidden layer or with a second one that changes nothing: where both are positive, the
  /// boundary is x1 = x2.
  private func network(isDeep: Bool = true, normalized: Bool = false) throws -> DeepNetwork<Float> {
    let layer = DensePReLU(units: 2, exponent: 1)
    let layers: [any Layer] =
      [layer] + (isDeep ? [layer] : []) + (normalized ? [LayerNormalization()] : [])
      + [LinearHead(outputs: 1, hasBias: false)]
    var network = try DeepNetwork<Float>(
      architecture: Architecture(inputShape: FeatureShape(vector: 2), layers: layers),
      scale: 1, stream: RandomStream(seed: 1))
    for number in 0..<(isDeep ? 2 : 1) { network.parameters[number].elements = [1, 0, 0, 1] }
    network.parameters[network.parameters.count - 1].elements = [1, -1]
    return network
  }

  private func samples(_ points: [[Float]]) -> Dataset {
    Dataset(
      name: "points", inputs: Matrix(points), labels: points.map { $0[0] > $0[1] ? 1 : 0 },
      classCount: 2)
  }

  /// The distance to a diagonal is known: |x1 - x2| / sqrt 2 in l2, half of it in linf.
  @Test(arguments: [Norm.l2, .linf], [true, false])
  func provedIsBelowTheTrueRadiusAndReachesIt(norm: Norm, isDeep: Bool) throws {
    let points: [[Float]] = (0..<40).map { [2 + Float($0) / 50, 2.5 + Float($0 % 7) / 100] }
    let data = samples(points)
    let truth = points.map {
      Double(abs($0[0] - $0[1])) / (norm == .l2 ? 2.0.squareRoot() : 2)
    }
    try withDirectory { directory in
      let network = try network(isDeep: isDeep)
      #expect((network.oneHiddenLayer == nil) == isDeep)
      let found = try #require(
        try study(directory, samples: 40, norm: norm).result(
          network, p: 1, data: data, attacked: truth.map { $0 * 1.05 }))
      // More than 32 samples come in pieces.
      #expect(found.samples.map(\.index) == Array(0..<40) && found.p == 1 && found.seed == 5)
      for (sample, radius) in zip(found.samples, truth) {
        #expect(sample.lower <= radius * (1 + 1e-9) && sample.lower >= 0.99 * radius)
        // What is made for one hidden layer also finds the nearest perturbation.
        #expect(isDeep ? sample.upper == radius * 1.05 : sample.upper <= radius * 1.002)
        #expect(sample.status == (isDeep ? .bounded : .exact))
      }
      #expect(found.violations(norm: norm).isEmpty)
      for k in 0...60 {
        let epsilon = Double(k) / 100
        #expect(found.certifiedAccuracy(epsilon) <= found.attackedAccuracy(epsilon))
      }
    }
  }

  /// An attack that claims a smaller perturbation than there is contradicts the proof, and is said to.
  @Test(arguments: [true, false]) func contradictionsShow(isDeep: Bool) throws {
    try withDirectory { directory in
      let data = samples([[3, 2], [2, 3]])
      let truth = 0.5.squareRoot()
      let found = try #require(
        try study(directory, samples: 2, norm: .l2).result(
          try network(isDeep: isDeep), p: 1, data: data, attacked: [0.9 * truth, truth]))
      #expect(found.samples[0].status == .contradictory && found.samples[1].status == .exact)
      #expect(found.samples[0].lower > found.samples[0].upper)
      let violations = found.violations(norm: .linf)
      #expect(violations.count == 1 && violations[0].contains("linf radius of 1 samples"))
    }
  }

  @Test func samplesThatAreWrongCountAsZero() throws {
    try withDirectory { directory in
      var data = samples([[3, 2], [2, 3], [4, 1]])
      data.labels[1] = 1
      let found = try #require(
        try study(directory, samples: 9).result(
          try network(), p: 1, data: data, attacked: [0.7072, 0.3, 0]))
      // The second is wrong in double precision whatever the attack says, the third for the attack.
      #expect(found.samples.map(\.status) == [.exact, .misclassified, .misclassified])
      #expect(found.samples[1...].allSatisfy { $0.lower == 0 && $0.upper == 0 })
    }
  }

  @Test func nothingIsProvedWhereNothingIsAsked() throws {
    try withDirectory { directory in
      let found = try study(directory, samples: 0).result(
        try network(), p: 1, data: samples([[3, 2]]), attacked: [1])
      #expect(found == nil)
    }
  }

  /// Normalised outputs of two neurons have the same sign.
  @Test func layerNormalizationChangesNoRadiusOfTwoNeurons() throws {
    try withDirectory { directory in
      let found = try #require(
        try study(directory, samples: 1).result(
          try network(normalized: true), p: 1, data: samples([[3, 2]]), attacked: [0.7072]))
      #expect(found.samples[0].lower > 0.3 && found.samples[0].lower <= 0.70711)
    }
  }

  /// Perturbed inputs stay in the box of valid ones, as those of attacks do. f = relu(x1) - relu(x2)/2 is 0.0667 from its
  /// boundary in linf; with x1 >= 0.45 the nearest point is (0.45, 0.9). In l2 bounds are those without a box.
  @Test func theBoxOfTheDataHolds() throws {
    try withDirectory { directory in
      var network = try network()
      network.parameters[2].elements = [1, -0.5]
      var data = samples([[0.5, 0.8]])
      data.labels = [1]
      func radius(_ norm: Norm) throws -> Double {
        try #require(
          try study(directory, samples: 1, norm: norm).result(
            network, p: 1, data: data, attacked: [.infinity])
        ).samples[0].lower
      }
      let free = try radius(.linf)
      data.valueRange = 0.45...1
      let (boxed, euclidean) = (try radius(.linf), try radius(.l2))
      #expect(free > 0.066 && free <= 0.2 / 3 + 1e-6)
      #expect(boxed > 0.099 && boxed <= 0.1 + 1e-6)
      #expect(euclidean > 0.0885 && euclidean <= 0.1 / 1.25.squareRoot() + 1e-6)
    }
  }

  /// A network of one hidden layer is the same function in both forms: with bias, center and normalised input.
  @Test func oneHiddenLayerIsTheSameFunction() throws {
    var stream = RandomStream(seed: 3)
    func architecture(deviations: [Double]) throws -> Architecture {
      try Architecture(
        inputShape: FeatureShape(vector: 5),
        layers: [
          Standardization(means: [0.5, -1, 0.25, 0, 2], deviations: deviations),
          DensePReLU(units: 7, exponent: 3, normalizesInput: true),
          LinearHead(outputs: 4, hasBias: true),
        ])
    }
    let ones = [Double](repeating: 1, count: 5)
    var network = try DeepNetwork<Float>(
      architecture: architecture(deviations: ones), scale: 1, stream: RandomStream(seed: 2))
    network.parameters[2].elements = [0.1, -0.2, 0.3, 0]
    let shallow = try #require(network.oneHiddenLayer)
    let inputs = Matrix<Float>(
      rows: 20, columns: 5, elements: (0..<100).map { _ in Float(stream.nextUniform()) * 4 - 2 })
    for (a, b) in zip(network.logits(inputs).elements, shallow.logits(inputs).elements) {
      #expect(abs(a - b) <= 1e-5 * (1 + abs(a)))
    }
    let scaled = try DeepNetwork<Float>(
      architecture: architecture(deviations: [1, 1, 1, 1, 2]), scale: 1,
      stream: RandomStream(seed: 2))
    #expect(scaled.oneHiddenLayer == nil)
  }

  /// With and without layer normalisation the networks of CIFAR-10 have columns of what is proved.
  @Test func networksOfCIFAR10() throws {
    var experiment = CIFAR10Experiment(ExperimentOptions(preset: .quick))
    experiment.settings.layerNormalization = false
    for key in ["medianProvedL2", "medianAttackedL2", "medianProvedLinf", "medianAttackedLinf"] {
      #expect(experiment.metrics.contains { $0.key == key })
    }
    for network in CIFAR10Network.allCases {
      let layers = try network.architecture(experiment.settings, exponent: 2).layers.layers
      #expect(!layers.contains { $0 is LayerNormalization } && layers.count >= 4)
    }
  }
}
