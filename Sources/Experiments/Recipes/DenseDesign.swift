import DeepNetworks
import Networks
import Runs

/// A fully connected pReLU network of some depth, and what keeps its signal alive on the way: the designs that the
/// experiments on depth compare.
struct DenseDesign: Codable, Sendable, Hashable {
  /// What stands around the hidden layers.
  enum Variant: String, Codable, Sendable, CaseIterable {
    /// Hidden layers one after the other, then the outputs.
    case plain
    /// A layer normalisation behind every hidden layer.
    case layerNormalization = "layer norm"
    /// From the second hidden layer on, x + layer(x).
    case residual
    /// From the second hidden layer on, x + layer(normalisation(x)), and a normalisation before the outputs.
    case residualNormalization = "residual + layer norm"
    /// As plain, with every feature divided by ||x||^(p-1): a layer scales with its input and no more.
    case inputNormalization = "input norm"
    /// As residual, with every feature divided by ||x||^(p-1).
    case residualInputNormalization = "residual + input norm"

    var normalizesInput: Bool {
      self == .inputNormalization || self == .residualInputNormalization
    }

    /// The simplest variant with the same function: a residual connection needs a second hidden layer, and at p = 1
    /// there is nothing to divide inputs by.
    func simplest(exponent: Double, depth: Int) -> Variant {
      switch self {
      case .inputNormalization where exponent == 1: .plain
      case .residualInputNormalization where exponent == 1: depth == 1 ? .plain : .residual
      case .residual where depth == 1: .plain
      case .residualNormalization where depth == 1: .layerNormalization
      case .residualInputNormalization where depth == 1: .inputNormalization
      default: self
      }
    }
  }

  /// The degree p of every hidden layer.
  var exponent: Double
  /// Hidden layers.
  var depth: Int
  /// Neurons a hidden layer.
  var width: Int
  var variant: Variant

  /// Numbers multiplied in one pass of a sample through all hidden layers.
  func products(dimension: Int) -> Int { width * (dimension + (depth - 1) * width) }

  /// The layers: at depth 1 without normalisation, and without a bias, the network of the theory.
  ///
  /// - Parameters:
  ///   - dimension: coordinates of an input.
  ///   - outputs: 1 for two classes, otherwise one a class.
  ///   - hasBias: whether outputs have a bias.
  func architecture(dimension: Int, outputs: Int, hasBias: Bool) throws(NetworkError)
    -> Architecture
  {
    let layer = DensePReLU(
      units: width, exponent: exponent, normalizesInput: variant.normalizesInput)
    var layers: [any Layer] = [layer]
    for _ in 1..<max(1, depth) {
      switch variant {
      case .plain, .inputNormalization: layers.append(layer)
      case .layerNormalization: layers += [LayerNormalization(), layer]
      case .residual, .residualInputNormalization: layers.append(Residual([layer]))
      case .residualNormalization: layers.append(Residual([LayerNormalization(), layer]))
      }
    }
    if variant == .layerNormalization || variant == .residualNormalization {
      layers.append(LayerNormalization())
    }
    layers.append(LinearHead(outputs: outputs, hasBias: hasBias))
    return try Architecture(inputShape: FeatureShape(vector: dimension), layers: layers)
  }
}

extension SettingsCheck {
  /// The designs of dense networks, whose layers have at most as many weights as any.
  func dense(depths: [Int], variants: [DenseDesign.Variant], width: Int, dimension: Int)
    throws(ExperimentError)
  {
    try counts("depths", depths, in: 1...100)
    try list("variants", variants) { (_) throws(ExperimentError) in }
    try self.width("width", width, dimension: max(dimension, width))
  }
}
