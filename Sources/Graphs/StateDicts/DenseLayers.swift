import Formats
import Networks

/// Fully connected layers one after the other, from weights in memory.
package enum DenseLayers {
  /// What stands between the layers.
  package enum Activation: String, Sendable, CaseIterable {
    case identity, relu, tanh, logistic

    var function: ElementwiseFunction? {
      switch self {
      case .identity: nil
      case .relu: .relu
      case .tanh: .tanh
      case .logistic: .sigmoid
      }
    }
  }

  /// x -> W x + b.
  package struct Layer: Sendable {
    /// (out, in).
    package let weights: Tensor
    /// (out); nil for none.
    package let bias: Tensor?

    package init(weights: Tensor, bias: Tensor?) {
      (self.weights, self.bias) = (weights, bias)
    }
  }

  /// The steps of a network of these layers.
  ///
  /// - Throws: `NetworkError` that names the layer whose shape does not fit, or that holds a number that is not finite.
  package static func plan(_ layers: [Layer], activation: Activation) throws(NetworkError)
    -> GraphPlan
  {
    guard let first = layers.first, first.weights.shape.count == 2 else {
      throw NetworkError("weights of a first layer: expected an array of two axes")
    }
    var graph = try GraphBuilder(inputShape: [1, first.weights.shape[1]])
    var value = graph.input
    for (number, layer) in layers.enumerated() {
      do throws(NetworkError) {
        value = try graph.dense(value, weights: layer.weights)
        if let bias = layer.bias {
          guard bias.shape == [layer.weights.shape[0]] else {
            throw NetworkError(
              "a bias of shape \(Shape.text(bias.shape)) for weights of shape \(Shape.text(layer.weights.shape))"
            )
          }
          try GraphBuilder.check(bias)
          value = try graph.apply(.add, to: value, operand: bias)
        }
        if number < layers.count - 1, let function = activation.function {
          value = try graph.apply(function, to: value)
        }
      } catch { throw NetworkError("layer \(number): \(error.description)") }
    }
    return try graph.plan(output: value)
  }
}
