import DeepNetworks
import LinearCore
import Networks
import Testing

@Suite struct DensePReLUTests {
  @Test(arguments: [1, 1.5, 2, 3], [false, true])
  func gradientsMatchDifferences(p: Double, normalizes: Bool) throws {
    let layer = DensePReLU(units: 6, exponent: p, normalizesInput: normalizes)
    let shape = FeatureShape(vector: 5)
    try expectGradientsMatchDifferences(
      of: layer, input: shape, inputs: randomInputs(4, shape),
      parameters: randomParameters(of: layer, input: shape))
  }

  /// With a linear head it is a pReLU network, forward and backward.
  @Test(arguments: [1, 1.5, 2, 3], [false, true])
  func isThePReLUNetwork(p: Double, normalizes: Bool) throws {
    let stream = RandomStream(seed: 9)
    let shallow = try PReLUNetwork<Double>(
      inputDimension: 7, hiddenWidth: 12, outputCount: 3, exponent: p, initialization: .kaiming,
      bias: true, normalizeInput: normalizes, stream: stream)
    let deep = try DeepNetwork(
      architecture: Architecture(
        inputShape: FeatureShape(vector: 7),
        layers: [
          DensePReLU(units: 12, exponent: p, normalizesInput: normalizes), LinearHead(outputs: 3),
        ]),
      parameters: [
        shallow.hiddenWeights, shallow.outputWeights,
        Matrix(rows: 1, columns: 3, elements: shallow.outputBias!),
      ])
    let inputs = randomInputs(70, FeatureShape(vector: 7))
    let weights = Matrix<Double>.gaussian(rows: 70, columns: 3, stream: stream.child("weights"))
    let expected = shallow.logitsAndInputGradient(inputs) { _, rows in weights.rows(in: rows) }
    let found = deep.logitsAndInputGradient(inputs) { _, rows in weights.rows(in: rows) }
    // Sums of a few dozen terms in another order.
    let unit = 100 * Double.ulpOfOne
    #expect(
      found.logits.largestDifference(from: expected.logits)
        < unit * expected.logits.frobeniusNorm)
    #expect(
      found.gradient.largestDifference(from: expected.gradient)
        < unit * expected.gradient.frobeniusNorm)
  }

  @Test(arguments: [1, 1.5, 3]) func vanishingVectorsContributeNothing(p: Double) throws {
    let layer = DensePReLU(units: 2, exponent: p, normalizesInput: true)
    let shape = FeatureShape(vector: 2)
    let weights = Matrix<Double>([[0, 0], [1, 2]])
    let inputs = Matrix<Double>([[0, 0], [1, 1]])
    let pass = layer.forward(inputs, shape: shape, parameters: [weights], mode: .evaluation)
    #expect(pass.outputs.row(0) == [0, 0] && pass.outputs[1, 0] == 0 && pass.outputs[1, 1] > 0)
    let gradient = pass.backward(Matrix([[1, 1], [1, 1]]), [.inputs, .parameters])
    #expect(gradient.parameters[0].row(0) == [0, 0])
    #expect(gradient.parameters[0].isFinite() && gradient.inputs!.isFinite())
  }

  /// Homogeneous of degree 1 in w, so weights of any size are as good as others.
  @Test func tinyWeightsKeepTheirDigits() throws {
    let layer = DensePReLU(units: 3, exponent: 3)
    let shape = FeatureShape(vector: 4)
    let inputs = randomInputs(5, shape)
    let weights = randomParameters(of: layer, input: shape)[0]
    var tiny = weights
    for i in tiny.elements.indices { tiny.elements[i] *= 0x1p-300 }
    let a = layer.forward(inputs, shape: shape, parameters: [weights], mode: .evaluation).outputs
    let b = layer.forward(inputs, shape: shape, parameters: [tiny], mode: .evaluation).outputs
    #expect(zip(a.elements, b.elements).allSatisfy { abs($0 - $1 * 0x1p300) <= 1e-14 * $0 })
  }
}

@Suite struct ConvolutionalPReLUTests {
  struct Geometry: Sendable {
    let rows: Int
    let columns: Int
    let channels: Int
    let kernel: Int
    let stride: Int
    let padding: Int
  }

  private static let geometries = [
    Geometry(rows: 5, columns: 4, channels: 2, kernel: 3, stride: 1, padding: 1),
    Geometry(rows: 5, columns: 6, channels: 3, kernel: 2, stride: 2, padding: 0),
    Geometry(rows: 4, columns: 5, channels: 1, kernel: 3, stride: 2, padding: 2),
    Geometry(rows: 3, columns: 3, channels: 4, kernel: 1, stride: 1, padding: 0),
    Geometry(rows: 2, columns: 1, channels: 2, kernel: 5, stride: 1, padding: 4),
  ]

  private func layer(_ g: Geometry, p: Double, normalizes: Bool) -> ConvolutionalPReLU {
    ConvolutionalPReLU(
      filters: 3, kernel: g.kernel, stride: g.stride, padding: g.padding, exponent: p,
      normalizesInput: normalizes)
  }

  @Test(arguments: geometries, [1, 1.5, 2, 3])
  func gradientsMatchDifferences(_ g: Geometry, p: Double) throws {
    let shape = FeatureShape(rows: g.rows, columns: g.columns, channels: g.channels)
    for normalizes in [false, true] {
      let layer = layer(g, p: p, normalizes: normalizes)
      try expectGradientsMatchDifferences(
        of: layer, input: shape, inputs: randomInputs(2, shape),
        parameters: randomParameters(of: layer, input: shape))
    }
  }

  /// The formula written out, patch by patch.
  @Test(arguments: geometries, [1, 2.5]) func matchesTheFormula(_ g: Geometry, p: Double) throws {
    let shape = FeatureShape(rows: g.rows, columns: g.columns, channels: g.channels)
    for normalizes in [false, true] {
      let layer = layer(g, p: p, normalizes: normalizes)
      let output = try layer.outputShape(for: shape)
      // More images than go into one tile.
      let inputs = randomInputs(300, shape)
      let weights = randomParameters(of: layer, input: shape)
      let found = layer.forward(inputs, shape: shape, parameters: weights, mode: .evaluation)
        .outputs
      for image in [0, 1, 150, 299] {
        for row in 0..<output.rows {
          for column in 0..<output.columns {
            let patch = patch(inputs.row(image), shape, g, row, column)
            for filter in 0..<3 {
              let w = weights[0].row(filter)
              let z = max(0, zip(w, patch).reduce(0) { $0 + $1.0 * $1.1 })
              let length = w.reduce(0) { $0 + $1 * $1 }.squareRoot()
              let size = normalizes ? patch.reduce(0) { $0 + $1 * $1 }.squareRoot() : 1
              let expected = z == 0 ? 0 : z * Double.power(z / (length * size), p - 1)
              let place = (row * output.columns + column) * 3 + filter
              #expect(abs(found[image, place] - expected) <= 1e-13 * max(1, expected))
            }
          }
        }
      }
    }
  }

  private func patch(
    _ image: [Double], _ shape: FeatureShape, _ g: Geometry, _ row: Int, _ column: Int
  ) -> [Double] {
    (0..<g.kernel).flatMap { a in
      (0..<g.kernel).flatMap { b in
        (0..<g.channels).map { channel in
          let (y, x) = (row * g.stride + a - g.padding, column * g.stride + b - g.padding)
          guard (0..<g.rows).contains(y), (0..<g.columns).contains(x) else { return 0 }
          return image[(y * g.columns + x) * g.channels + channel]
        }
      }
    }
  }

  /// One patch over the whole image is the dense layer.
  @Test func onePatchIsADenseLayer() throws {
    let shape = FeatureShape(rows: 3, columns: 3, channels: 2)
    let convolution = ConvolutionalPReLU(filters: 4, kernel: 3, exponent: 2.5)
    let dense = DensePReLU(units: 4, exponent: 2.5)
    let weights = randomParameters(of: dense, input: shape)
    let inputs = randomInputs(5, shape)
    let a = convolution.forward(inputs, shape: shape, parameters: weights, mode: .evaluation)
    let b = dense.forward(inputs, shape: shape, parameters: weights, mode: .evaluation)
    #expect(a.outputs.largestDifference(from: b.outputs) < 1e-13 * b.outputs.frobeniusNorm)
  }
}
