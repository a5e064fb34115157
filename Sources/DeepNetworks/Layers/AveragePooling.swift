import LinearCore
import Networks

/// Means of windows of pixels, channel by channel.
public struct AveragePooling: Layer {
  /// "average-pooling".
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
    // The network was built with the shape that the layer accepts.
    let geometry = try! PatchGeometry(input: input, kernel: window, stride: stride, padding: 0)
    return LayerPass(outputs: WindowMeans.forward(inputs, geometry)) { cotangent, request in
      guard request.contains(.inputs) else { return LayerPass.Gradient(inputs: nil) }
      return LayerPass.Gradient(inputs: WindowMeans.backward(cotangent, geometry))
    }
  }
}

/// The mean of all pixels, channel by channel: from an image to a vector.
public struct GlobalAveragePooling: Layer {
  /// "global-average-pooling".
  public static let kind = "global-average-pooling"

  /// A layer.
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

/// Means over windows without padding, and the way back.
private enum WindowMeans {
  /// (n, pixels x channels) to (n, windows x channels).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  static func forward<Scalar: LinearScalar>(_ inputs: Matrix<Scalar>, _ geometry: PatchGeometry)
    -> Matrix<Scalar>
  {
    let channels = geometry.input.channels
    var result = Matrix<Scalar>(rows: inputs.rows, columns: geometry.positions * channels)
    result.withMutablePointer { target in
      inputs.withPointer { source in
        for image in 0..<inputs.rows {
          geometry.forEachPixelOfWindows { position, pixel in
            let x = source + image * geometry.input.count + pixel * channels
            let y = target + (image * geometry.positions + position) * channels
            for c in 0..<channels { y[c] += x[c] }
          }
        }
        Scalar.scale(
          inputs.rows * geometry.positions * channels, 1 / Scalar(geometry.pixelsOfWindow), target)
      }
    }
    return result
  }

  /// (n, windows x channels) to (n, pixels x channels).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  static func backward<Scalar: LinearScalar>(
    _ cotangent: Matrix<Scalar>, _ geometry: PatchGeometry
  ) -> Matrix<Scalar> {
    let channels = geometry.input.channels
    let share = 1 / Scalar(geometry.pixelsOfWindow)
    var result = Matrix<Scalar>(rows: cotangent.rows, columns: geometry.input.count)
    result.withMutablePointer { target in
      cotangent.withPointer { source in
        for image in 0..<cotangent.rows {
          geometry.forEachPixelOfWindows { position, pixel in
            let x = source + (image * geometry.positions + position) * channels
            let y = target + image * geometry.input.count + pixel * channels
            for c in 0..<channels { y[c] += share * x[c] }
          }
        }
      }
    }
    return result
  }
}
