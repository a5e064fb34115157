import Formats
import LinearCore

/// What the tensors of a network are called in a file.
struct TensorNames: Equatable {
  let hidden: String
  let output: String
  let hiddenBias: String
  let bias: String
  let center: String
  /// Whether the hidden weights are stored as (input, hidden).
  let hiddenIsTransposed: Bool
  /// What stands in front of all of them.
  var prefix = ""

  static let own = TensorNames(
    hidden: "hiddenWeights", output: "outputWeights", hiddenBias: "hiddenBias",
    bias: "outputBias", center: "center",
    hiddenIsTransposed: false)

  static let stateDict = TensorNames(
    hidden: "prelulayer.W", output: "output_net.weight", hiddenBias: "prelulayer.bias",
    bias: "output_net.bias",
    center: "center", hiddenIsTransposed: true)

  /// The names of everything that a model file may hold, hyper-parameters included.
  var all: Set<String> {
    [
      hidden, output, hiddenBias, bias, center, "p", "normalizeInput", prefix + "p",
      prefix + "normalizeInput",
    ]
  }

  /// The same names behind `prefix`, as wrappers of modules write them: `module.`, `_orig_mod.`, `model.`.
  func behind(_ prefix: String) -> TensorNames {
    TensorNames(
      hidden: prefix + hidden, output: prefix + output, hiddenBias: prefix + hiddenBias,
      bias: prefix + bias, center: prefix + center, hiddenIsTransposed: hiddenIsTransposed,
      prefix: prefix)
  }

  /// The ways to find a network among the tensors of a file: all that hold both pairs of weights behind one prefix,
  /// of which one without a prefix excludes the others.
  static func matches(among names: Set<String>) -> [TensorNames] {
    var found: [TensorNames] = []
    for kind in [stateDict, own] {
      if names.contains(kind.hidden), names.contains(kind.output) { return [kind] }
      for name in names.sorted() where name.hasSuffix("." + kind.hidden) {
        let candidate = kind.behind(String(name.dropLast(kind.hidden.count)))
        if names.contains(candidate.output) { found.append(candidate) }
      }
    }
    return found
  }
}

extension ModelFile {
  /// The network held by the contents of a file; see ``read(_:exponent:normalizeInput:as:)``.
  public static func network<Scalar: LinearScalar>(
    in file: Safetensors, path: String, exponent: Double? = nil, normalizeInput: Bool? = nil
  ) throws(FormatError) -> PReLUNetwork<Scalar> {
    let names = try names(among: file.names, path)
    let found = file.metadata["format"]
    guard names.hiddenIsTransposed || found == nil || [format, biasedFormat].contains(found) else {
      throw FormatError(
        path: path,
        "has the model format '\(found?.shortened ?? "")'; this version reads "
          + "\(format) and \(biasedFormat)"
      )
    }
    let hyperParameters = try hyperParameters(file, names, path, exponent, normalizeInput)
    try checkShapes(file, names, path)
    let hidden: Matrix<Scalar> = try matrix(file, names.hidden, path)
    let hiddenBias: [Scalar]? =
      file.names.contains(names.hiddenBias) ? try vector(file, names.hiddenBias, path) : nil
    let weights = names.hiddenIsTransposed ? hidden.transposed : hidden
    let hasBias = file.names.contains(names.bias)
    let center = file.names.contains(names.center)
    do {
      return try PReLUNetwork(
        exponent: hyperParameters.exponent,
        hiddenWeights: hiddenBias.map(weights.appendingColumn) ?? weights,
        outputWeights: try matrix(file, names.output, path),
        outputBias: hasBias ? try vector(file, names.bias, path) : nil,
        center: center ? scalars(try file.tensor(names.center, path: path)) : nil,
        normalizeInput: hyperParameters.normalizeInput, hasHiddenBias: hiddenBias != nil)
    } catch let error as NetworkError {
      throw FormatError(path: path, error.description)
    } catch let error as FormatError {
      throw error
    } catch {
      throw FormatError(path: path, "\(error)")
    }
  }

  /// Whether tensors of these names are a network of one hidden layer.
  package static func isNetwork(_ names: Set<String>) -> Bool {
    !TensorNames.matches(among: names).isEmpty
  }

  /// What the tensors are called; throws unless one of the two pairs of weights is there, once.
  static func names(
    among names: Set<String>, _ path: String
  ) throws(FormatError) -> TensorNames {
    let matches = TensorNames.matches(among: names)
    if matches.count == 1 { return matches[0] }
    if matches.count > 1 {
      let shown = matches.prefix(8).map { "'\($0.hidden.shortened)'" }.joined(separator: ", ")
      throw FormatError(
        path: path,
        "holds \(matches.count) networks: \(shown)\(matches.count > 8 ? ", …" : ""); save the one that is "
          + "meant by itself")
    }
    let shown = names.sorted().prefix(8).map { "'\($0.shortened)'" }.joined(separator: ", ")
    let more = names.count > 8 ? " and \(names.count - 8) more" : ""
    throw FormatError(
      path: path,
      "not a model: expected the tensors hiddenWeights and outputWeights, or prelulayer.W and "
        + "output_net.weight of a PyTorch state dict; it holds "
        + (names.isEmpty ? "no tensors" : shown + more))
  }
}

// MARK: - Hyper-parameters

extension ModelFile {
  private static func hyperParameters(
    _ file: Safetensors, _ names: TensorNames, _ path: String, _ exponent: Double?,
    _ normalizeInput: Bool?
  ) throws(FormatError) -> (exponent: Double, normalizeInput: Bool) {
    func place(_ name: String) -> String {
      file.metadata[name] == nil && !file.names.contains(name) ? names.prefix + name : name
    }
    let p = try number(place("p"), file, path)
    let normalize = try flag(place("normalizeInput"), file, path)
    if let exponent, let p, exponent != p {
      throw FormatError(
        path: path, "the model has p = \(p), but \(SettingName("p")) says \(exponent)")
    }
    if let normalizeInput, let normalize, normalizeInput != normalize {
      throw FormatError(
        path: path, "the model has normalizeInput = \(normalize), but the option says otherwise")
    }
    guard let exponent = p ?? exponent, let normalizeInput = normalize ?? normalizeInput else {
      throw FormatError(
        path: path,
        (names.hiddenIsTransposed ? "a PyTorch state dict" : "it")
          + " does not say its hyper-parameters: give \(SettingName("p")) and \(SettingName("normalize-input")) or "
          + "\(SettingName("no-normalize-input"))")
    }
    return (exponent, normalizeInput)
  }

  /// A number from the metadata or from an array with one element.
  private static func number(
    _ name: String, _ file: Safetensors, _ path: String
  ) throws(FormatError) -> Double? {
    if let text = file.metadata[name] {
      guard let value = Double(text) else {
        throw FormatError(
          path: path, "metadata \(name) is '\(text.shortened)'; expected a number")
      }
      return value
    }
    guard file.names.contains(name) else { return nil }
    let tensor = try file.tensor(name, path: path)
    guard tensor.count == 1 else {
      throw FormatError(
        path: path, "array '\(name.shortened)' has shape \(tensor.shape); expected a single number")
    }
    return tensor.doubles[0]
  }

  private static func flag(
    _ name: String, _ file: Safetensors, _ path: String
  ) throws(FormatError) -> Bool? {
    if let text = file.metadata[name] {
      guard let value = Bool(text) else {
        throw FormatError(
          path: path, "metadata \(name) is '\(text.shortened)'; expected true or false")
      }
      return value
    }
    guard let value = try number(name, file, path) else { return nil }
    guard value == 0 || value == 1 else {
      throw FormatError(path: path, "array '\(name.shortened)' holds \(value); expected 0 or 1")
    }
    return value == 1
  }
}

// MARK: - Shapes

extension ModelFile {
  /// Compares the shapes of all tensors; where one of them is the transpose of what the others ask for,
  /// the error says so.
  private static func checkShapes(
    _ file: Safetensors, _ names: TensorNames, _ path: String
  ) throws(FormatError) {
    let hidden = try shape(file, names.hidden, axes: 2, path)
    let output = try shape(file, names.output, axes: 2, path)
    let (inputAxis, hiddenAxis) = names.hiddenIsTransposed ? (0, 1) : (1, 0)
    let (input, width) = (hidden[inputAxis], hidden[hiddenAxis])
    let order = names.hiddenIsTransposed ? "(input, hidden)" : "(hidden, input)"
    func failure(_ text: String) -> FormatError { FormatError(path: path, text) }
    var center: Int?
    if file.names.contains(names.center) {
      let tensor = try file.tensor(names.center, path: path)
      // The mean of a batch keeps its axis in PyTorch: (1, input) is as good as (input).
      let isRow = tensor.shape.count == 2 && tensor.shape[0] == 1
      center = try shape(file, names.center, axes: isRow ? 2 : 1, path).last
    }
    if output[1] != width {
      if output[1] == input, center == nil || center == width {
        throw failure(
          "tensor '\(names.hidden.shortened)' has shape \(hidden) and looks transposed: expected "
            + "\(order) = \([hidden[1], hidden[0]]), because '\(names.output.shortened)' reads \(output[1]) neurons"
        )
      }
      if output[0] == width {
        throw failure(
          "tensor '\(names.output.shortened)' has shape \(output) and looks transposed: expected "
            + "(outputs, hidden) = \([output[1], output[0]]), because '\(names.hidden.shortened)' has "
            + "\(width) neurons")
      }
      throw failure(
        "tensor '\(names.output.shortened)' of shape \(output) reads \(output[1]) neurons, but "
          + "'\(names.hidden.shortened)' of shape \(hidden) = \(order) has \(width)")
    }
    if let center, center != input {
      throw failure(
        "tensor '\(names.center.shortened)' has \(center) coordinates, but "
          + "'\(names.hidden.shortened)' of shape \(hidden) = \(order) reads \(input)")
    }
    if file.names.contains(names.hiddenBias) {
      let bias = try shape(file, names.hiddenBias, axes: 1, path)[0]
      guard bias == width else {
        throw failure(
          "tensor '\(names.hiddenBias.shortened)' has \(bias) numbers for the \(width) neurons of "
            + "'\(names.hidden.shortened)'")
      }
    }
    if file.names.contains(names.bias) {
      let bias = try shape(file, names.bias, axes: 1, path)[0]
      guard bias == output[0] else {
        throw failure(
          "tensor '\(names.bias.shortened)' has \(bias) numbers for the \(output[0]) outputs of "
            + "'\(names.output.shortened)'")
      }
    }
  }

  private static func shape(
    _ file: Safetensors, _ name: String, axes: Int, _ path: String
  ) throws(FormatError) -> [Int] {
    let tensor = try file.tensor(name, path: path)
    guard tensor.shape.count == axes else {
      throw FormatError(
        path: path,
        "tensor '\(name.shortened)' has shape \(tensor.shape), expected "
          + (axes == 1 ? "one axis" : "two axes"))
    }
    if case .int64 = tensor.elements {
      throw FormatError(
        path: path, "tensor '\(name.shortened)' holds integers; expected floating-point weights")
    }
    return tensor.shape
  }
}
