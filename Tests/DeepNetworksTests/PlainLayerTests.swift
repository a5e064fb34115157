import DeepNetworks
import LinearCore
import Networks
import Testing

@Suite struct PlainLayerTests {
  private let image = FeatureShape(rows: 4, columns: 5, channels: 3)

  private func check(_ layer: some Layer, _ shape: FeatureShape, _ mode: PassMode = .evaluation)
    throws
  {
    try expectGradientsMatchDifferences(
      of: layer, input: shape, inputs: randomInputs(3, shape),
      parameters: randomParameters(of: layer, input: shape), mode: mode)
  }

  @Test func gradientsMatchDifferences() throws {
    try check(LinearHead(outputs: 4), image)
    try check(LinearHead(outputs: 1, hasBias: false), FeatureShape(vector: 6))
    try check(LayerNormalization(), image)
    try check(LayerNormalization(epsilon: 0.1), FeatureShape(vector: 7))
    try check(AveragePooling(window: 2), image)
    try check(AveragePooling(window: 3, stride: 1), image)
    try check(GlobalAveragePooling(), image)
    try check(Standardization(means: [0.1, -0.2, 0.3], deviations: [0.5, 2, 1]), image)
    try check(Dropout(rate: 0.4), image, .training(RandomStream(seed: 4)))
    try check(Dropout(rate: 0.4), image)
  }

  @Test(arguments: [1, 1.5, 2, 3]) func residualGradientsMatchDifferences(p: Double) throws {
    try check(
      Residual([
        LayerNormalization(),
        ConvolutionalPReLU(filters: 3, kernel: 3, padding: 1, exponent: p, normalizesInput: true),
        Residual([ConvolutionalPReLU(filters: 3, kernel: 1, exponent: p)]),
      ]), image)
  }

  @Test func layerNormalizationMatchesTheFormula() throws {
    let layer = LayerNormalization(epsilon: 1e-3)
    let inputs = randomInputs(3, image)
    let (gain, shift) = ([2.0, -1, 0.5], [0.25, 0, 1])
    let outputs = layer.forward(
      inputs, shape: image, parameters: [Matrix([gain]), Matrix([shift])], mode: .evaluation
    ).outputs
    for i in 0..<3 {
      let x = inputs.row(i)
      let mean = x.reduce(0, +) / Double(x.count)
      let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
      for k in x.indices {
        let expected =
          gain[k % 3] * (x[k] - mean) / (variance + 1e-3).squareRoot() + shift[k % 3]
        #expect(abs(outputs[i, k] - expected) < 1e-13)
      }
    }
  }

  @Test func poolingTakesMeans() throws {
    let shape = FeatureShape(rows: 2, columns: 4, channels: 2)
    let inputs = Matrix<Double>([(0..<16).map { Double($0) }])
    func outputs(_ layer: some Layer) -> [Double] {
      layer.forward(inputs, shape: shape, parameters: [], mode: .evaluation).outputs.row(0)
    }
    // Pixels of channel 0: 0 2 4 6 over 8 10 12 14.
    #expect(outputs(AveragePooling(window: 2)) == [5, 6, 9, 10])
    #expect(outputs(GlobalAveragePooling()) == [7, 8])
    #expect(
      try AveragePooling(window: 2, stride: 1).outputShape(for: shape)
        == FeatureShape(rows: 1, columns: 3, channels: 2))
  }

  @Test func dropoutKeepsTheMean() throws {
    let shape = FeatureShape(vector: 10_000)
    let inputs = Matrix<Double>(
      rows: 1, columns: 10_000, elements: .init(repeating: 1, count: 10_000))
    let layer = Dropout(rate: 0.25)
    let mode = PassMode.training(RandomStream(seed: 2))
    let values = layer.forward(inputs, shape: shape, parameters: [], mode: mode).outputs.elements
    #expect(Set(values) == [0, 1 / 0.75])
    // Four standard deviations of a binomial share.
    let kept = Double(values.count { $0 > 0 }) / 10_000
    #expect(abs(kept - 0.75) < 4 * (0.75 * 0.25 / 10_000).squareRoot())
    #expect(
      layer.forward(inputs, shape: shape, parameters: [], mode: mode).outputs.elements == values)
    let other = PassMode.training(RandomStream(seed: 3))
    #expect(
      layer.forward(inputs, shape: shape, parameters: [], mode: other).outputs.elements != values)
    #expect(
      layer.forward(inputs, shape: shape, parameters: [], mode: .evaluation).outputs == inputs)
  }

  @Test func whatDoesNotFitIsRefused() {
    func message(_ shape: FeatureShape, _ layers: [any Layer]) -> String? {
      do throws(NetworkError) {
        _ = try Architecture(inputShape: shape, layers: layers)
        return nil
      } catch { return error.description }
    }
    #expect(message(image, []) == "a deep network needs at least one layer")
    #expect(
      message(image, [DensePReLU(units: 3, exponent: 0.5)])
        == "layer 0 (dense-prelu): p is 0.5; a pReLU layer needs a number from 1 to 1000")
    #expect(
      message(
        image, [LinearHead(outputs: 2), ConvolutionalPReLU(filters: 2, kernel: 3, exponent: 1)])
        == "layer 1 (convolutional-prelu): a window of 3x3 pixels does not fit on 1x1x2 with padding 0"
    )
    #expect(
      message(image, [Residual([DensePReLU(units: 4, exponent: 2)])])
        == "layer 0 (residual): the block of a residual connection makes 1x1x4 of 4x5x3; expected "
        + "the same shape")
    #expect(message(image, [Dropout(rate: 1)])?.contains("rate of a dropout is 1.0") == true)
    #expect(
      message(image, [Standardization(means: [0], deviations: [1])])?.contains("3 channels") == true
    )
    #expect(message(image, [AveragePooling(window: 2, stride: 0)])?.contains("stride 0") == true)
    #expect(
      message(image, [ConvolutionalPReLU(filters: 1, kernel: 2, padding: 2, exponent: 1)]) != nil)
    #expect(message(image, [LinearHead(outputs: 0)])?.contains("0 outputs") == true)
    #expect(
      message(FeatureShape(vector: .max), [LinearHead(outputs: 1)])?.contains("values") == true)
    #expect(message(image, [LayerNormalization(epsilon: 0)])?.contains("epsilon") == true)
  }
}
