import LinearCore
import Networks

/// The stable ranks that belong to one layer of neurons: smooth counts of the directions that matter.
package struct LayerStableRank: Sendable, Equatable, Codable {
  /// The number of the layer in the network.
  package let layer: Int
  /// What files call layers of its type.
  package let kind: String
  /// ||W||_F^2 / ||W||_2^2 of each tensor of weights, (neurons, inputs) or (filters, values of a patch).
  package let weights: [Double]
  /// The same of the features behind the layer, (samples, values of a sample).
  package let features: Double
}

extension DeepNetwork {
  /// The network of the first layers alone, whose outputs are the features behind the last of them.
  ///
  /// - Parameter count: 1...the number of layers.
  public func prefix(_ count: Int) -> DeepNetwork {
    precondition(
      (1...architecture.layers.layers.count).contains(count),
      "one layer at least, and no more than all")
    let part = Architecture(
      accepted: architecture.inputShape, layers: Array(architecture.layers.layers.prefix(count)))
    return DeepNetwork(
      accepted: part, parameters: Array(parameters.prefix(part.parameters.count)))
  }

  /// Stable ranks of all layers of pReLU neurons, and of the residual blocks that hold such.
  ///
  /// - Parameter inputs: the samples whose features are looked at, (n, inputDimension), n >= 1.
  package func stableRanks(on inputs: Matrix<Scalar>) -> [LayerStableRank] {
    precondition(inputs.rows >= 1, "features of no sample")
    let names = architecture.parameters.map(\.name)
    return architecture.layers.layers.enumerated().compactMap { number, layer in
      guard layer is DensePReLU || layer is ConvolutionalPReLU || layer is Residual else {
        return nil
      }
      let own = names.indices.filter {
        names[$0].hasPrefix("layers.\(number).") && names[$0].hasSuffix("weights")
      }
      return LayerStableRank(
        layer: number, kind: type(of: layer).kind, weights: own.map { parameters[$0].stableRank() },
        features: prefix(number + 1).logits(inputs).stableRank())
    }
  }
}
