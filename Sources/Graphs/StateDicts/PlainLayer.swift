import Formats
import Networks

/// A fully connected or convolutional layer of a state dict: its names and shapes, no numbers yet.
struct PlainLayer: Equatable {
  /// The name of the module.
  let name: String
  /// The whole names of its tensors.
  let weight: String
  let bias: String?
  /// (outputs, inputs) or (filters, channels, rows, columns).
  let shape: [Int]

  var isConvolution: Bool { shape.count == 4 }

  /// The layers of a file in its order.
  /// - Throws: `FormatError` for a tensor that belongs to neither kind of layer.
  static func layers(in file: TensorFile, path: String) throws(FormatError) -> [PlainLayer] {
    var layers: [PlainLayer] = []
    let names = file.namesInOrder
    let present = Set(names)
    for name in names {
      let parts = split(name)
      switch parts.leaf {
      case "weight":
        layers.append(try layer(parts.module, name, present, file, path))
      case "bias" where present.contains(join(parts.module, "weight")): continue
      default:
        throw FormatError(
          path: path,
          "tensor '\(name.shortened)' is no weight or bias of a fully connected or convolutional layer; a "
            + "network with others can be exported to ONNX, and that file given instead")
      }
    }
    guard !layers.isEmpty else {
      throw FormatError(path: path, "holds no tensor whose name ends in 'weight'")
    }
    return layers
  }

  /// Whether names are such that a plain network is meant: all of them end in `weight` or `bias`.
  static func areNames(_ names: Set<String>) -> Bool {
    names.contains { split($0).leaf == "weight" }
  }

  private static func layer(
    _ module: String, _ name: String, _ present: Set<String>, _ file: TensorFile, _ path: String
  ) throws(FormatError) -> PlainLayer {
    guard let shape = try file.shape(of: name) else {
      // An object in the place of a tensor is refused by its name.
      _ = try file.tensor(name)
      throw FormatError(path: path, "'\(name.shortened)' is no tensor")
    }
    guard shape.count == 2 || shape.count == 4, shape.allSatisfy({ $0 > 0 }) else {
      throw FormatError(
        path: path,
        "tensor '\(name.shortened)' has shape \(Shape.text(shape)); expected that of a fully connected or "
          + "convolutional layer; a network with other layers can be exported to ONNX, and that file given "
          + "instead")
    }
    let bias = join(module, "bias")
    let hasBias = present.contains(bias)
    if hasBias, let found = try file.shape(of: bias), found != [shape[0]] {
      throw FormatError(
        path: path,
        "tensor '\(bias.shortened)' has shape \(Shape.text(found)); expected [\(shape[0])]")
    }
    return PlainLayer(
      name: stripped(module), weight: name, bias: hasBias ? bias : nil, shape: shape)
  }

  private static func split(_ name: String) -> (module: String, leaf: String) {
    guard let dot = name.lastIndex(of: ".") else { return ("", name) }
    return (String(name[..<dot]), String(name[name.index(after: dot)...]))
  }

  private static func join(_ module: String, _ leaf: String) -> String {
    module.isEmpty ? leaf : module + "." + leaf
  }

  /// Without what wrappers of modules put in front.
  private static func stripped(_ module: String) -> String {
    var rest = Substring(module)
    let prefixes = ["module.", "model.", "_orig_mod.", "net."]
    while let prefix = prefixes.first(where: rest.hasPrefix) { rest = rest.dropFirst(prefix.count) }
    return String(rest)
  }

  /// With the numbers in names in order, so that 2 comes before 10.
  static func isBefore(_ a: PlainLayer, _ b: PlainLayer) -> Bool {
    func key(_ name: String) -> [String] {
      name.split(separator: ".").map { part in
        let digits = part.reversed().prefix { $0.isASCII && $0.isNumber }.count
        let number = part.suffix(digits)
        return part.dropLast(digits) + String(repeating: "0", count: max(0, 20 - digits)) + number
      }
    }
    return key(a.name).lexicographicallyPrecedes(key(b.name))
  }
}
