import LinearCore
import Networks

/// The mean of all pixels, channel by channel: from an image to a vector.
public struct GlobalAveragePooling: Layer {
  /// The name in model files.
  public static let kind = "global-average-pooling"

  /// A layer for images of any size.
  public init() {}

  /// A vector of as many numbers as the image has channels.
  public func outputShape(for input: FeatureShape) throws(NetworkError) -> FeatureShape {
    FeatureShape(vector: input.channels)
  }

  /// Means of a batch.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward<Scalar: LinearScalar>(
    _ inputs: Matrix<Scalar>, shape input: FeatureShape, parameters: [Matrix<Scalar>],
    mode: PassMode
  ) -> LayerPass<Scalar> {
    let geometry = PatchGeometry(wholeOf: input)
    return LayerPass(outputs: WindowMeans.forward(inputs, geometry)) { cotangent, request in
      guard request.contains(.inputs) else { return LayerPass.Gradient(inputs: nil) }
      return LayerPass.Gradient(inputs: WindowMeans.backward(cotangent, geometry))
    }
  }
}

extension GlobalAveragePooling {
  /// GlobalAveragePool on images of channels first, then Flatten.
  public func appendOperators(
    to graph: inout ONNXGraph, reading value: String, shape input: FeatureShape,
    parameters: [Matrix<Float>]
  ) -> String {
    let image = graph.appendImage(value, shape: input)
    let pooled = graph.append("GlobalAveragePool", [image], to: "means")
    return graph.append("Flatten", [pooled], to: "pooled", integers: ["axis": 1])
  }
}
