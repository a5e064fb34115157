import LinearCore
import Networks

/// Layer normalisation (Ba, Kiros, Hinton, 2016): y = gain (x - mean) / sqrt(variance + epsilon) + shift,
/// with mean and variance over all values of a sample, gain and shift one a channel.
///
/// For vectors that is PyTorch's `LayerNorm`, for images its `GroupNorm` with one group.
public struct LayerNormalization: Layer {
  /// The name in model files.
  public static let kind = "layer-normalization"

  /// Added to the variance.
  public var epsilon: Double

  /// A layer; an epsilon out of range is found by ``outputShape(for:)``.
  public init(epsilon: Double = 1e-5) { self.epsilon = epsilon }

  /// The shape of the input, which does not change.
  public func outputShape(for input: FeatureShape) throws(NetworkError) -> FeatureShape {
    // Its reciprocal root has to be a number in single precision as well.
    guard epsilon >= 1e-30, epsilon.isFinite else {
      throw NetworkError(
        "the epsilon of a layer normalisation is \(epsilon); expected a number of at least 1e-30")
    }
    return input
  }

  /// `gain`, at first 1, and `shift`, at first 0: (1, channels) each.
  public func parameters(for input: FeatureShape) -> [ParameterDescription] {
    [("gain", 1.0), ("shift", 0)].map { name, value in
      ParameterDescription(
        name: name, rows: 1, columns: input.channels, initialization: .constant(value))
    }
  }

  /// The batch, every sample normalised by itself: (n, input.count).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward<Scalar: LinearScalar>(
    _ inputs: Matrix<Scalar>, shape input: FeatureShape, parameters: [Matrix<Scalar>],
    mode: PassMode
  ) -> LayerPass<Scalar> {
    let (gain, shift) = (parameters[0].elements, parameters[1].elements)
    let (normalized, inverseDeviations) = RowNormalization.normalize(inputs, epsilon: epsilon)
    let channels = input.channels
    return LayerPass(outputs: ChannelLoops.scaled(normalized, gain, shift)) { cotangent, request in
      var parameterGradients: [Matrix<Scalar>] = []
      if request.contains(.parameters) {
        let (sums, products) = ChannelLoops.sums(cotangent, times: normalized, channels: channels)
        parameterGradients = [products, sums].map {
          Matrix(rows: 1, columns: channels, elements: $0)
        }
      }
      guard request.contains(.inputs) else {
        return LayerPass.Gradient(inputs: nil, parameters: parameterGradients)
      }
      var gradient = ChannelLoops.scaled(cotangent, gain, nil)
      RowNormalization.projectOut(&gradient, normalized, inverseDeviations)
      return LayerPass.Gradient(inputs: gradient, parameters: parameterGradients)
    }
  }
}

extension LayerNormalization {
  /// LayerNormalization of what is left when the mean is subtracted: some implementations take the
  /// variance from a mean of squares, in single precision, which needs a small mean to be right.
  public func appendOperators(
    to graph: inout ONNXGraph, reading value: String, shape input: FeatureShape,
    parameters: [Matrix<Float>]
  ) -> String {
    let mean = graph.append(
      "ReduceMean", [value], to: "mean", integers: ["keepdims": 1], integerLists: ["axes": [1]])
    let centered = graph.append("Sub", [value, mean], to: "centered")
    let gain = graph.constant("gain", ofChannels: parameters[0].elements, shape: input)
    let shift = graph.constant("shift", ofChannels: parameters[1].elements, shape: input)
    return graph.append(
      "LayerNormalization", [centered, gain, shift], to: "normalized", integers: ["axis": -1],
      floats: ["epsilon": Float(epsilon)])
  }
}
