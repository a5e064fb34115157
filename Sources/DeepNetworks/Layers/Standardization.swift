import LinearCore
import Networks

/// Inputs as networks like them, (x - mean) / deviation in every channel, with fixed numbers: the first
/// layer of a network whose inputs stay in the box where attacks look for them.
public struct Standardization: Layer {
  /// The name in model files.
  public static let kind = "standardization"

  /// What is subtracted, one number a channel.
  public var means: [Double]
  /// What is divided by, one number a channel.
  public var deviations: [Double]

  /// A layer; one mean and one deviation a channel of the input.
  public init(means: [Double], deviations: [Double]) {
    self.means = means
    self.deviations = deviations
  }

  /// The shape of the input, which does not change.
  public func outputShape(for input: FeatureShape) throws(NetworkError) -> FeatureShape {
    guard means.count == input.channels, deviations.count == input.channels else {
      throw NetworkError(
        "a standardization has \(means.count) means and \(deviations.count) deviations for "
          + "\(input.channels) channels")
    }
    // Also in single precision.
    guard means.allSatisfy({ Float($0).isFinite }),
      zip(means, deviations).allSatisfy({
        $1 > 0 && $1.isFinite && Float(1 / $1).isFinite && Float($0 / $1).isFinite
      })
    else {
      throw NetworkError(
        "a standardization needs finite means, and positive deviations whose reciprocals are finite"
      )
    }
    return input
  }

  /// Shifted and scaled samples.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward<Scalar: LinearScalar>(
    _ inputs: Matrix<Scalar>, shape input: FeatureShape, parameters: [Matrix<Scalar>],
    mode: PassMode
  ) -> LayerPass<Scalar> {
    let scales = deviations.map { Scalar(1 / $0) }
    let shifts = zip(means, deviations).map { Scalar(-$0 / $1) }
    return LayerPass(outputs: ChannelLoops.scaled(inputs, scales, shifts)) { cotangent, request in
      guard request.contains(.inputs) else { return LayerPass.Gradient(inputs: nil) }
      return LayerPass.Gradient(inputs: ChannelLoops.scaled(cotangent, scales, nil))
    }
  }
}

extension Standardization {
  /// Two operators, Mul and Add, with one factor and one summand a channel.
  public func appendOperators(
    to graph: inout ONNXGraph, reading value: String, shape input: FeatureShape,
    parameters: [Matrix<Float>]
  ) -> String {
    let scales = graph.constant(
      "scales", ofChannels: deviations.map { Float(1 / $0) }, shape: input)
    let shifts = graph.constant(
      "shifts", ofChannels: zip(means, deviations).map { Float(-$0 / $1) }, shape: input)
    let scaled = graph.append("Mul", [value, scales], to: "scaled")
    return graph.append("Add", [scaled, shifts], to: "standardized")
  }
}
