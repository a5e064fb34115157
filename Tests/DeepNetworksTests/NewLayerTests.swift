import DeepNetworks
import LinearCore
import Networks
import Testing

/// The example of CONTRIBUTING.md: a layer that multiplies every sample by one trained number.
struct TrainedScale: Layer {
  static let kind = "trained-scale"

  func outputShape(for input: FeatureShape) throws(NetworkError) -> FeatureShape { input }

  func parameters(for input: FeatureShape) -> [ParameterDescription] {
    [ParameterDescription(name: "scale", rows: 1, columns: 1, initialization: .constant(1))]
  }

  func forward<Scalar: LinearScalar>(
    _ inputs: Matrix<Scalar>, shape input: FeatureShape, parameters: [Matrix<Scalar>],
    mode: PassMode
  ) -> LayerPass<Scalar> {
    let scale = parameters[0][0, 0]
    func scaled(_ values: Matrix<Scalar>) -> Matrix<Scalar> {
      var result = values
      result.withMutablePointer { Scalar.scale(values.elements.count, scale, $0) }
      return result
    }
    return LayerPass(outputs: scaled(inputs)) { cotangent, request in
      let slope = inputs.withPointer { x in
        cotangent.withPointer { Scalar.dot(inputs.elements.count, x, $0) }
      }
      return LayerPass.Gradient(
        inputs: request.contains(.inputs) ? scaled(cotangent) : nil,
        parameters: request.contains(.parameters) ? [Matrix([[slope]])] : [])
    }
  }
}

@Suite struct NewLayerTests {
  /// What a new layer gets without further work: derivatives of whole networks, and files.
  @Test func takesOneFileAndOneLine() throws {
    let shape = FeatureShape(vector: 5)
    let layer = TrainedScale()
    try expectGradientsMatchDifferences(
      of: layer, input: shape, inputs: randomInputs(3, shape),
      parameters: randomParameters(of: layer, input: shape))
    let architecture = try Architecture(
      inputShape: shape, layers: [Residual([TrainedScale()]), LinearHead(outputs: 2)])
    let catalog = LayerCatalog.standard.adding(TrainedScale.self)
    #expect(try Architecture(json: architecture.json, catalog: catalog) == architecture)
    #expect(throws: NetworkError.self) { try Architecture(json: architecture.json) }
    let network = try DeepNetwork<Double>(
      architecture: architecture, stream: RandomStream(seed: 1))
    // x + 1 x through the head.
    let inputs = randomInputs(3, shape)
    let doubled = Matrix<Double>(rows: 3, columns: 5, elements: inputs.elements.map { 2 * $0 })
    let head = try DeepNetwork(
      architecture: Architecture(inputShape: shape, layers: [LinearHead(outputs: 2)]),
      parameters: Array(network.parameters.dropFirst()))
    #expect(network.logits(inputs) == head.logits(doubled))
  }
}
