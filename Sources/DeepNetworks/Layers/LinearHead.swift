import LinearCore
import Networks

/// The outputs of a network, f = V x + bias; x is the whole sample.
public struct LinearHead: Layer {
  /// The name in model files.
  public static let kind = "linear"

  /// The number of outputs.
  public var outputs: Int
  /// Whether every output has a bias.
  public var hasBias: Bool

  /// A layer; what is out of range is found by ``outputShape(for:)``.
  public init(outputs: Int, hasBias: Bool = true) {
    self.outputs = outputs
    self.hasBias = hasBias
  }

  /// A vector of ``outputs`` numbers.
  public func outputShape(for input: FeatureShape) throws(NetworkError) -> FeatureShape {
    guard (1...FeatureShape.largestExtent).contains(outputs) else {
      throw NetworkError(
        "a linear layer has \(outputs) outputs; expected 1 to \(FeatureShape.largestExtent)")
    }
    return FeatureShape(vector: outputs)
  }

  /// `weights`, (outputs, input.count), and `bias`, (1, outputs): uniform in +-1/sqrt(inputs), PyTorch's
  /// default.
  public func parameters(for input: FeatureShape) -> [ParameterDescription] {
    let bound = 1 / Double(input.count).squareRoot()
    let weights = ParameterDescription(
      name: "weights", rows: outputs, columns: input.count, initialization: .uniform(bound: bound))
    let bias = ParameterDescription(
      name: "bias", rows: 1, columns: outputs, initialization: .uniform(bound: bound))
    return hasBias ? [weights, bias] : [weights]
  }

  /// Outputs of a batch.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward<Scalar: LinearScalar>(
    _ inputs: Matrix<Scalar>, shape input: FeatureShape, parameters: [Matrix<Scalar>],
    mode: PassMode
  ) -> LayerPass<Scalar> {
    let weights = parameters[0]
    var values = Matrix.product(inputs, weights, transposeB: true)
    if hasBias { values.subtractFromRows(parameters[1].elements.map { -$0 }) }
    let hasBias = hasBias
    return LayerPass(outputs: values) { cotangent, request in
      var gradients: [Matrix<Scalar>] = []
      if request.contains(.parameters) {
        gradients.append(Matrix.product(cotangent, transposeA: true, inputs))
        if hasBias {
          let means = cotangent.columnMeans()
          gradients.append(
            Matrix(
              rows: 1, columns: means.count, elements: means.map { $0 * Scalar(cotangent.rows) }))
        }
      }
      return LayerPass.Gradient(
        inputs: request.contains(.inputs) ? Matrix.product(cotangent, weights) : nil,
        parameters: gradients)
    }
  }
}

extension LinearHead {
  /// MatMul, and Add for the bias.
  public func appendOperators(
    to graph: inout ONNXGraph, reading value: String, shape input: FeatureShape,
    parameters: [Matrix<Float>]
  ) -> String {
    let weights = graph.constant("weights", ModelFile.tensor(parameters[0].transposed))
    let sums = graph.append("MatMul", [value, weights], to: "weighted_sum")
    guard hasBias else { return sums }
    let bias = graph.constant("bias", ModelFile.tensor(parameters[1].elements))
    return graph.append("Add", [sums, bias], to: "biased_sum")
  }
}
