import Certification
import DeepNetworks
import LinearCore
import Networks
import Testing

@testable import BoundPropagation

/// Layers that divide by the length of their input, and layer normalisation.
@Suite struct NormalizationTests {
  /// What a network is made of.
  enum Kind: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case dense, residual, layerNormalization, convolution
    var testDescription: String { rawValue }

    func network(_ p: Double, seed: UInt64) throws -> DeepNetwork<Double> {
      let layer = DensePReLU(units: 6, exponent: p, normalizesInput: true)
      let plain = DensePReLU(units: 6, exponent: p)
      let head = LinearHead(outputs: 2)
      let convolution = ConvolutionalPReLU(
        filters: 2, kernel: 3, padding: 1, exponent: p, normalizesInput: true)
      let (shape, layers): (FeatureShape, [any Layer]) =
        switch self {
        case .dense: (FeatureShape(vector: 4), [layer, layer, head])
        case .residual: (FeatureShape(vector: 4), [layer, Residual([layer]), head])
        case .layerNormalization:
          (
            FeatureShape(vector: 4),
            [
              plain, LayerNormalization(), Residual([LayerNormalization(), plain]),
              LayerNormalization(), head,
            ]
          )
        case .convolution:
          (
            FeatureShape(rows: 4, columns: 4, channels: 1),
            [
              Standardization(means: [0.2], deviations: [0.5]), convolution,
              LayerNormalization(), AveragePooling(window: 2), convolution, head,
            ]
          )
        }
      var network = try DeepNetwork<Double>(
        architecture: Architecture(inputShape: shape, layers: layers), scale: 1.2,
        stream: RandomStream(seed: seed))
      var numbers = Numbers(seed)
      for k in network.parameters.indices where network.parameters[k].rows == 1 {
        for i in network.parameters[k].elements.indices {
          network.parameters[k].elements[i] += 0.4 * numbers.uniform()
        }
      }
      let last = network.parameters.count - 2
      for i in network.parameters[last].elements.indices {
        network.parameters[last].elements[i] = 0.4 * numbers.uniform()
      }
      return network
    }
  }

  @Test(arguments: Kind.allCases, [1, 1.5, 2, 3]) func translationsAreTheNetworks(
    _ kind: Kind, _ p: Double
  ) throws {
    let network = try kind.network(p, seed: 3)
    let bounded = try BoundedNetwork(network)
    #expect(p == 1 || !bounded.scaledNodes.isEmpty)
    var numbers = Numbers(31)
    for _ in 0..<5 {
      let x = numbers.vector(bounded.inputDimension)
      let expected = network.referenceLogits(Matrix([x])).row(0)
      for (a, b) in zip(expected, bounded.outputs(x)) {
        #expect(abs(a - b) <= 1e-11 * (1 + a.magnitude))
      }
    }
    // Nothing is divided by a length of 0.
    let zeros = [Double](repeating: 0, count: bounded.inputDimension)
    #expect(bounded.outputs(zeros).allSatisfy { $0.isFinite })
  }

  @Test(arguments: Kind.allCases, Norm.allCases) func boundsHold(_ kind: Kind, _ norm: Norm) throws
  {
    for (number, p) in [1.0, 1.5, 2, 3].enumerated() {
      var numbers = Numbers(32 + UInt64(number))
      let network = try BoundedNetwork(kind.network(p, seed: 7 + UInt64(number)))
      let test = PropagationTests.Case(exponent: p, norm: norm)
      PropagationTests.expectBounds(
        network, test, box: number % 2 == 1, &numbers, points: kind == .convolution ? 15 : 60)
    }
  }

  /// Small balls are proved wherever the margin is not 0, in every norm.
  @Test(arguments: Kind.allCases, Norm.allCases) func smallBallsAreProved(
    _ kind: Kind, _ norm: Norm
  ) throws {
    var numbers = Numbers(35)
    for p in [1.0, 1.5, 2, 3] {
      let network = try BoundedNetwork(kind.network(p, seed: 11))
      for _ in 0..<3 {
        let x = numbers.vector(network.inputDimension, 0.2...1)
        let label = predictedClasses(Matrix([network.outputs(x)]))[0]
        let certifier = DeepCertifier(network, norm: norm, budget: SearchBudget(nodes: 4))
        let found = certifier.certify(x, label: label)
        #expect(found.radius.lower > 0, "\(kind), p = \(p)")
        let certificate = try #require(found.certificate)
        try certifier.checker.check(certificate, input: x)
      }
    }
  }

  /// Dividing by the length of the input changes no class where no bias is: a sample and its multiples have radii that are
  /// multiples.
  @Test func radiiScaleWithTheSample() throws {
    let network = try BoundedNetwork(
      DeepNetwork<Double>(
        architecture: Architecture(
          inputShape: FeatureShape(vector: 4),
          layers: [
            DensePReLU(units: 6, exponent: 3, normalizesInput: true),
            DensePReLU(units: 6, exponent: 3, normalizesInput: true),
            LinearHead(outputs: 3, hasBias: false),
          ]), scale: 1, stream: RandomStream(seed: 5)))
    var numbers = Numbers(36)
    var proved = 0
    for _ in 0..<6 {
      let x = numbers.vector(4)
      let label = predictedClasses(Matrix([network.outputs(x)]))[0]
      let certifier = DeepCertifier(network, norm: .l2, budget: SearchBudget(nodes: 1))
      let radius = certifier.certify(x, label: label).radius.lower
      for scale in [1e-6, 1e6] {
        let other = certifier.certify(x.map { $0 * scale }, label: label).radius.lower
        #expect(abs(other / scale - radius) <= 0.01 * radius)
      }
      if radius > 0 { proved += 1 }
    }
    #expect(proved >= 3)
  }

  /// Where a patch may be 0 nothing is divided by, and neurons are still bounded by relu.
  @Test func emptyPatchesAreBounded() throws {
    var network = try DeepNetwork<Double>(
      architecture: Architecture(
        inputShape: FeatureShape(rows: 4, columns: 4, channels: 1),
        layers: [
          ConvolutionalPReLU(
            filters: 3, kernel: 2, stride: 2, exponent: 3, normalizesInput: true),
          LinearHead(outputs: 2),
        ]), scale: 1, stream: RandomStream(seed: 8))
    network.parameters[1].elements = network.parameters[1].elements.map { 0.3 * $0 }
    network.parameters[2].elements = [0.4, -0.4]
    // Half of the image is black.
    let x = (0..<16).map { $0 < 8 ? 0.0 : 0.5 }
    let bounded = try BoundedNetwork(network)
    let label = predictedClasses(Matrix([bounded.outputs(x)]))[0]
    for norm in Norm.allCases {
      let found = DeepCertifier(bounded, norm: norm, budget: SearchBudget(nodes: 1))
        .certify(x, label: label)
      #expect(found.radius.lower > 0, "\(norm)")
    }
  }

  @Test func normsOfMapsAreAboveAndNear() {
    var numbers = Numbers(37)
    for (rows, columns, scale) in [(5, 9, 1.0), (9, 5, 1e200), (40, 40, 1e-200), (1, 3, 1)] {
      let matrix = Matrix(
        rows: rows, columns: columns,
        elements: numbers.matrix(rows, columns).elements.map { $0 * scale })
      // Power iteration comes from below.
      var x = numbers.vector(columns)
      var largest = 0.0
      for _ in 0..<200 {
        let size = Double.euclideanNorm(columns, x)
        x = x.map { $0 / size }
        let y = matrix.times(x).map { $0 / scale }
        largest = Double.euclideanNorm(rows, y) * scale
        x = (0..<columns).map { j in (0..<rows).reduce(0) { $0 + matrix[$1, j] / scale * y[$1] } }
      }
      let bound = MapNorm.bound(matrix)
      #expect(bound >= largest * (1 - 1e-12) && bound <= 1.1 * largest)
    }
    #expect(MapNorm.bound(Matrix(rows: 2, columns: 2)) == 0)
    #expect(MapNorm.bound(Matrix([[.nan, 1]])) == .infinity)
  }
}
