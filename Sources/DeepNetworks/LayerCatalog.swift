/// The types of layers that files may name.
package struct LayerCatalog: Sendable {
  /// Every layer of this module.
  package static let standard = LayerCatalog([
    AveragePooling.self, ConvolutionalPReLU.self, DensePReLU.self, Dropout.self,
    GlobalAveragePooling.self, LayerNormalization.self, LinearHead.self, Residual.self,
    Standardization.self,
  ])

  private let types: [String: any Layer.Type]

  /// A catalogue of types, each with a `kind` of its own.
  package init(_ types: [any Layer.Type]) {
    self.types = Dictionary(uniqueKeysWithValues: types.map { ($0.kind, $0) })
  }

  /// The same catalogue with one more type.
  package func adding(_ type: any Layer.Type) -> LayerCatalog {
    LayerCatalog(Array(types.values) + [type])
  }

  /// The names that files may hold, in alphabetical order.
  package var kinds: [String] { types.keys.sorted() }

  /// The type that files call `kind`.
  subscript(kind: String) -> (any Layer.Type)? { types[kind] }
}

extension CodingUserInfoKey {
  /// Where a decoder finds its ``LayerCatalog``; without one it knows the standard layers.
  static let layerCatalog = CodingUserInfoKey(rawValue: "DeepNetworks.LayerCatalog")!
}

/// In files a layer is a JSON object with its settings and, as `kind`, the name of its type.
extension LayerChain: Codable {
  private enum Key: String, CodingKey {
    case kind
  }

  private struct Entry: Codable {
    let layer: any Layer

    init(_ layer: any Layer) { self.layer = layer }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      let kind = try container.decode(String.self, forKey: .kind)
      let catalog = decoder.userInfo[.layerCatalog] as? LayerCatalog ?? .standard
      guard let type = catalog[kind] else {
        throw DecodingError.dataCorruptedError(
          forKey: Key.kind, in: container,
          debugDescription: "'\(kind)' is no layer; expected one of "
            + catalog.kinds.joined(separator: ", "))
      }
      layer = try type.init(from: decoder)
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(type(of: layer).kind, forKey: .kind)
      try layer.encode(to: encoder)
    }
  }

  /// Reads the layers of a list.
  package init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode([Entry].self).map(\.layer))
  }

  /// Writes the layers as a list.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(layers.map { Entry($0) })
  }
}
