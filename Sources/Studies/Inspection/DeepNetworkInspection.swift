import Datasets
import DeepNetworks
import Formats
import Foundation
import LinearCore
import Networks
import Runs

/// What a deep network consists of: the result of `polyrelu inspect` for one.
package struct DeepNetworkInspection: Codable, Sendable, Equatable {
  package struct Layer: Codable, Sendable, Equatable {
    /// Its number, inside a residual connection behind that of the connection: "3.block.0".
    package let name: String
    /// What files call layers of its type.
    package let kind: String
    /// Its settings in words, such as "exponent 3, filters 32".
    package let settings: String
    /// The shape of a sample behind it.
    package let outputShape: FeatureShape
    /// Trained numbers, those of layers inside it included.
    package let parameters: Int
  }

  package struct Weights: Codable, Sendable, Equatable {
    /// Its name in files.
    package let name: String
    /// Rows and columns.
    package let shape: [Int]
    package let norm: Double
    /// The smallest norm of a row: of a neuron or filter.
    package let smallestRowNorm: Double
    /// The largest norm of a row.
    package let largestRowNorm: Double
    /// ||W||_F^2 / ||W||_2^2, between 1 and the rank; 0 for zeros.
    package let stableRank: Double
  }

  /// The shape of an input.
  package let inputShape: FeatureShape
  package let outputCount: Int
  package let parameters: Int
  /// The layers, first to last.
  package let layers: [Layer]
  /// The trained tensors, first to last.
  package let weights: [Weights]
  /// Accuracy on the data, where they are given.
  package let accuracy: Double?

  /// The values of the classes in the order of the outputs, where they are known.
  package let classes: [ClassLabel]?

  /// Inspects a network, with data where there are any.
  package init(_ network: DeepNetwork<Float>, classes: [ClassLabel]? = nil, data: Dataset? = nil) {
    self.classes = classes
    let architecture = network.architecture
    inputShape = architecture.inputShape
    outputCount = architecture.outputCount
    parameters = architecture.parameterCount
    layers = Self.layers(of: architecture.layers, from: architecture.inputShape, prefix: "")
    weights = zip(architecture.parameters, network.parameters).map { description, tensor in
      let norms = tensor.rowNorms().map { Double($0) }
      return Weights(
        name: description.name, shape: [tensor.rows, tensor.columns],
        norm: Double(tensor.frobeniusNorm), smallestRowNorm: norms.min() ?? 0,
        largestRowNorm: norms.max() ?? 0, stableRank: tensor.stableRank())
    }
    accuracy = data.map { network.accuracy($0.inputs, labels: $0.labels) }
  }

  /// The layers of a network or block, each before those inside it.
  private static func layers(
    of chain: LayerChain, from input: FeatureShape, prefix: String
  ) -> [Layer] {
    let shapes = chain.acceptedShapes(for: input)
    return zip(chain.layers, shapes).enumerated().flatMap { number, entry in
      let (layer, input) = entry
      let name = "\(prefix)\(number)"
      let itself = Layer(
        name: name, kind: type(of: layer).kind,
        settings: layer is Residual ? "" : settings(of: layer),
        outputShape: shapes[number + 1],
        parameters: layer.parameters(for: input).reduce(0) { $0 + $1.rows * $1.columns })
      guard let residual = layer as? Residual else { return [itself] }
      return [itself] + layers(of: residual.block, from: input, prefix: name + ".block.")
    }
  }

  /// The JSON of a layer without its punctuation.
  private static func settings(of layer: any DeepNetworks.Layer) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    guard let json = try? encoder.encode(layer) else { return "" }
    return String(decoding: json, as: UTF8.self).dropFirst().dropLast()
      .replacingOccurrences(of: "\"", with: "").replacingOccurrences(of: ":", with: " ")
      .replacingOccurrences(of: ",", with: ", ")
  }
}
