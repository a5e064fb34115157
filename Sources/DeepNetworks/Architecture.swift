import Foundation
import Networks

/// What a deep network consists of, without its weights: the shape of its inputs and its layers.
public struct Architecture: Sendable, Equatable {
  /// The shape of an input.
  public let inputShape: FeatureShape
  /// The layers, the last of which makes the outputs.
  package let layers: LayerChain
  /// The shape of a sample before the first layer and behind each.
  public let shapes: [FeatureShape]
  /// The trained tensors in the order of the layers, called `layers.NUMBER.NAME`.
  public let parameters: [ParameterDescription]
  /// Values of one sample on its way through the layers, those of the way back included.
  let valuesOfSample: Int

  /// An architecture.
  /// - Throws: `NetworkError` that names the layer which cannot take what the one before makes.
  public init(inputShape: FeatureShape, layers: [any Layer]) throws(NetworkError) {
    guard !layers.isEmpty else { throw NetworkError("a deep network needs at least one layer") }
    let chain = LayerChain(layers)
    let shapes = try chain.shapes(for: inputShape)
    valuesOfSample = chain.valuesOfSample(for: inputShape)
    guard valuesOfSample <= Self.largestWork else {
      throw NetworkError(
        "a sample becomes \(valuesOfSample) values on its way through the layers; expected at most "
          + "\(Self.largestWork)")
    }
    self.inputShape = inputShape
    self.layers = chain
    self.shapes = shapes
    parameters = chain.parameters(for: inputShape, prefix: "layers.")
  }

  /// The architecture of the first layers of one that was accepted.
  /// - Precondition: at least one layer, and each takes what the one before makes.
  init(accepted inputShape: FeatureShape, layers: [any Layer]) {
    do throws(NetworkError) {
      try self.init(inputShape: inputShape, layers: layers)
    } catch {
      preconditionFailure("layers that do not fit: \(error)")
    }
  }

  /// The number of outputs: the values of a sample behind the last layer.
  public var outputCount: Int { shapes[shapes.count - 1].count }

  /// How many numbers are trained; 2^62 stands for more than can be counted.
  public var parameterCount: Int {
    parameters.reduce(0) { sum, parameter in
      let (count, overflow) = parameter.rows.multipliedReportingOverflow(by: parameter.columns)
      return overflow ? 1 << 62 : min(1 << 62, min(1 << 61, sum) + min(1 << 61, count))
    }
  }

  /// The most values that one sample may become on its way: 1 GiB in single precision.
  private static let largestWork = 1 << 28

  /// Bytes that one thread takes, at least, for a sample in single precision and its gradients.
  var bytesOfSample: Int { 4 * (valuesOfSample + 2 * layers.largestPatches(for: inputShape)) }
}

extension Architecture: Codable {
  private enum Key: String, CodingKey {
    case inputShape, layers
  }

  /// Reads the input shape and the layers.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    try self.init(
      inputShape: container.decode(FeatureShape.self, forKey: .inputShape),
      layers: container.decode(LayerChain.self, forKey: .layers).layers)
  }

  /// Writes the input shape and the layers.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(inputShape, forKey: .inputShape)
    try container.encode(layers, forKey: .layers)
  }
}

extension Architecture {
  /// As JSON with sorted keys: equal architectures give equal text.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    do { return String(decoding: try encoder.encode(self), as: UTF8.self) } catch {
      preconditionFailure("layers hold finite numbers, which always encode: \(error)")
    }
  }

  /// Reads JSON.
  ///
  /// - Parameter catalog: the types of layers that it may name.
  /// - Throws: `NetworkError` in one line.
  package init(json: String, catalog: LayerCatalog = .standard) throws(NetworkError) {
    let decoder = JSONDecoder()
    decoder.userInfo[.layerCatalog] = catalog
    do {
      self = try decoder.decode(Architecture.self, from: Data(json.utf8))
    } catch let error as NetworkError {
      throw error
    } catch let error as DecodingError {
      throw NetworkError(Self.text(of: error))
    } catch {
      throw NetworkError("\(error)")
    }
  }

  private static func text(of error: DecodingError) -> String {
    func place(_ path: [any CodingKey]) -> String {
      let names = path.map { key in key.intValue.map(String.init) ?? key.stringValue }
      return names.isEmpty ? "" : " at \(names.joined(separator: "."))"
    }
    switch error {
    case .keyNotFound(let key, let context):
      return "'\(key.stringValue)' is missing" + place(context.codingPath)
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return "a value of another type than expected" + place(context.codingPath)
    case .dataCorrupted(let context):
      return context.debugDescription + place(context.codingPath)
    @unknown default:
      return "it cannot be decoded"
    }
  }
}
