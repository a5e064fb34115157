import LinearCore
import Networks

/// Means of windows of pixels, channel by channel.
public struct AveragePooling: Layer {
  /// The name in model files.
  public static let kind = "average-pooling"

  /// The side of a window in pixels.
  public var window: Int
  /// Pixels from window to window.
  public var stride: Int

  /// A layer.
  /// - Parameter stride: the window's side by default, so that windows do not overlap.
  public init(window: Int, stride: Int? = nil) {
    self.window = window
    self.stride = stride ?? window
  }

  /// One pixel a window.
  public func outputShape(for input: FeatureShape) throws(NetworkError) -> FeatureShape {
    let geometry = try PatchGeometry(input: input, kernel: window, stride: stride, padding: 0)
    return FeatureShape(
      rows: geometry.rows, columns: geometry.columns, channels: input.channels)
  }

  /// Means of a batch.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward<Scalar: LinearScalar>(
    _ inputs: Matrix<Scalar>, shape input: FeatureShape, parameters: [Matrix<Scalar>],
    mode: PassMode
  ) -> LayerPass<Scalar> {
    let geometry = PatchGeometry(accepted: input, kernel: window, stride: stride, padding: 0)
    return LayerPass(outputs: WindowMeans.forward(inputs, geometry)) { cotangent, request in
      guard request.contains(.inputs) else { return LayerPass.Gradient(inputs: nil) }
      return LayerPass.Gradient(inputs: WindowMeans.backward(cotangent, geometry))
    }
  }
}

extension AveragePooling {
  /// AveragePool, between changes to channels first and back.
  public func appendOperators(
    to graph: inout ONNXGraph, reading value: String, shape input: FeatureShape,
    parameters: [Matrix<Float>]
  ) -> String {
    let image = graph.appendImage(value, shape: input)
    let pooled = graph.append(
      "AveragePool", [image], to: "means",
      integerLists: ["kernel_shape": [window, window], "strides": [stride, stride]])
    return graph.appendFlat(pooled, to: "pooled")
  }
}
