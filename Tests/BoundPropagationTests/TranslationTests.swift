import DeepNetworks
import Formats
import Foundation
import Graphs
import LinearCore
import Networks
import Testing

@testable import BoundPropagation

/// Networks as linear maps and powers are the networks.
@Suite struct TranslationTests {
  private func expectSame<C: Classifier<Double>>(
    _ network: BoundedNetwork, _ classifier: C, _ numbers: inout Numbers,
    tolerance: Double = 1e-11
  ) {
    for _ in 0..<5 {
      let x = numbers.vector(network.inputDimension)
      let expected = classifier.referenceLogits(Matrix([x])).row(0)
      let found = network.outputs(x)
      let size = 1 + (expected.map(\.magnitude).max() ?? 0)
      for (a, b) in zip(expected, found) { #expect(abs(a - b) <= tolerance * size) }
      #expect(expected.count == found.count)
    }
  }

  @Test(arguments: [1, 1.5, 2, 3]) func deepNetworks(_ p: Double) throws {
    var numbers = Numbers(1)
    let network = try Samples.images(exponent: p, outputs: 3, seed: 4)
    expectSame(try BoundedNetwork(network), network, &numbers)
  }

  @Test func oneHiddenLayer() throws {
    var numbers = Numbers(2)
    let network = try PReLUNetwork<Double>(
      exponent: 2.5, hiddenWeights: numbers.matrix(6, 4), outputWeights: numbers.matrix(3, 6),
      outputBias: numbers.vector(3), center: numbers.vector(4))
    expectSame(try BoundedNetwork(network), network, &numbers)
    let biased = try PReLUNetwork<Double>(
      exponent: 3, hiddenWeights: numbers.matrix(6, 4), hiddenBias: numbers.vector(6),
      outputWeights: numbers.matrix(1, 6))
    expectSame(try BoundedNetwork(biased), biased, &numbers)
  }

  /// Exported with explicit powers and read again: relu and what follows it are one power.
  @Test(arguments: [1, 2, 3, 2.5]) func importedPowersAreFused(_ p: Double) throws {
    var numbers = Numbers(3)
    let network = try Samples.images(exponent: p, outputs: 2, seed: 5)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "bounds-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("net.onnx").path
    let single = network.converted(to: Float.self)
    try single.onnxModel().write(to: path)
    let bounded = try BoundedNetwork(ONNXGraphFile.read(path))
    #expect(bounded.powers.count == 4)
    #expect(bounded.powers.allSatisfy { abs($0.power.exponent - p) < 1e-7 })
    // Weights are single precision in the file.
    expectSame(bounded, single.converted(to: Double.self), &numbers, tolerance: 1e-5)
  }

  /// Products with rows, products with vectors and rows one by one agree, for every kind of map.
  @Test func mapsAgreeWithTheirRows() throws {
    var numbers = Numbers(7)
    let image = FeatureShape(rows: 5, columns: 4, channels: 3)
    let maps: [LinearMap] = [
      .identity(count: 5), .centering(count: 4), .diagonal(numbers.vector(6)),
      .dense(numbers.matrix(4, 7)),
      .convolution(image, kernel: 3, stride: 2, padding: 1, numbers.matrix(2, 27)),
      .means(image, window: 2, stride: 1), .meansOfChannels(image),
      .selection(inputCount: 4, places: [3, -1, 0, 0, 2], factor: -2),
    ]
    for map in maps {
      let rows = map.rows(at: Array(0..<map.outputCount))
      let x = numbers.vector(map.inputCount)
      let expected = rows.times(x)
      for (a, b) in zip(map.applied(x), expected) { #expect(abs(a - b) < 1e-13) }
      let sizes = Matrix(
        rows: rows.rows, columns: rows.columns, elements: rows.elements.map(\.magnitude))
      let positive = x.map(\.magnitude)
      let isCentering = if case .centering = map { true } else { false }
      for (a, b) in zip(map.appliedMagnitudes(positive), sizes.times(positive)) {
        #expect(isCentering ? a >= b - 1e-13 : abs(a - b) < 1e-13)
      }
      let a = numbers.matrix(3, map.outputCount)
      var product = Matrix<Double>(rows: 3, columns: map.inputCount)
      map.accumulate(a, into: &product)
      let direct = Matrix.product(a, rows)
      for (p, q) in zip(product.elements, direct.elements) { #expect(abs(p - q) < 1e-13) }
    }
  }
}
