import LinearCore
import Networks

/// Dropout (Srivastava et al., 2014): in training every value is 0 with probability `rate` and otherwise
/// divided by 1 - rate; in evaluation nothing happens.
public struct Dropout: Layer {
  /// The name in model files.
  public static let kind = "dropout"

  /// The share of values that are dropped, in [0, 1).
  public var rate: Double

  /// A layer; a rate out of range is found by ``outputShape(for:)``.
  public init(rate: Double) { self.rate = rate }

  /// The shape of the input, which does not change.
  public func outputShape(for input: FeatureShape) throws(NetworkError) -> FeatureShape {
    guard rate >= 0, rate < 1 else {
      throw NetworkError("the rate of a dropout is \(rate); expected a number in [0, 1)")
    }
    return input
  }

  /// A batch without the values that are dropped.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward<Scalar: LinearScalar>(
    _ inputs: Matrix<Scalar>, shape input: FeatureShape, parameters: [Matrix<Scalar>],
    mode: PassMode
  ) -> LayerPass<Scalar> {
    guard case .training(let stream) = mode, rate > 0 else {
      return LayerPass(outputs: inputs) { cotangent, _ in LayerPass.Gradient(inputs: cotangent) }
    }
    let factors: Matrix<Scalar> = dropoutFactors(
      rows: inputs.rows, columns: inputs.columns, rate: rate, stream: stream)
    return LayerPass(outputs: ChannelLoops.product(inputs, factors)) { cotangent, _ in
      LayerPass.Gradient(inputs: ChannelLoops.product(cotangent, factors))
    }
  }
}

extension Dropout {
  /// Nothing: it is evaluated, not trained.
  public func appendOperators(
    to graph: inout ONNXGraph, reading value: String, shape input: FeatureShape,
    parameters: [Matrix<Float>]
  ) -> String {
    value
  }
}

/// 0 with probability `rate`, otherwise 1 / (1 - rate).
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func dropoutFactors<Scalar: LinearScalar>(
  rows: Int, columns: Int, rate: Double, stream: RandomStream
) -> Matrix<Scalar> {
  var generator = stream
  var factors = Matrix<Scalar>(uninitializedRows: rows, columns: columns)
  let kept = Scalar(1 / (1 - rate))
  factors.withMutablePointer {
    for i in 0..<rows * columns { $0[i] = generator.nextUniform() < rate ? 0 : kept }
  }
  return factors
}
