import LinearCore
import Networks

/// A residual connection, y = x + block(x).
public struct Residual: Layer {
  /// The name in model files.
  public static let kind = "residual"

  /// The layers beside which x passes; behind them a sample has the shape it had before.
  package var block: LayerChain

  /// A connection around layers that keep the shape of a sample.
  public init(_ block: [any Layer]) { self.block = LayerChain(block) }

  /// The shape of the input, which does not change.
  public func outputShape(for input: FeatureShape) throws(NetworkError) -> FeatureShape {
    let output = try block.outputShape(for: input)
    guard output == input else {
      throw NetworkError(
        "the block of a residual connection makes \(output) of \(input); expected the same shape")
    }
    return input
  }

  /// Those of the block, `block.NUMBER.NAME`.
  public func parameters(for input: FeatureShape) -> [ParameterDescription] {
    block.parameters(for: input, prefix: "block.")
  }

  /// A batch with what the block adds to it.
  public func forward<Scalar: LinearScalar>(
    _ inputs: Matrix<Scalar>, shape input: FeatureShape, parameters: [Matrix<Scalar>],
    mode: PassMode
  ) -> LayerPass<Scalar> {
    let pass = block.forward(inputs, shape: input, parameters: parameters, mode: mode)
    return LayerPass(outputs: ChannelLoops.sum(inputs, pass.outputs)) { cotangent, request in
      let inner = pass.backward(cotangent, request)
      return LayerPass.Gradient(
        inputs: inner.inputs.map { ChannelLoops.sum(cotangent, $0) },
        parameters: inner.parameters)
    }
  }
}

extension Residual {
  /// Those of the block, and Add.
  public func appendOperators(
    to graph: inout ONNXGraph, reading value: String, shape input: FeatureShape,
    parameters: [Matrix<Float>]
  ) throws(NetworkError) -> String {
    let block = block
    let inner = try graph.inside("block.") { (graph) throws(NetworkError) in
      try block.appendOperators(to: &graph, reading: value, shape: input, parameters: parameters)
    }
    return graph.append("Add", [value, inner], to: "sum")
  }
}
