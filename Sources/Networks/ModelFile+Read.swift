import Formats
import LinearCore

/// What the tensors of a network are called in a file.
struct TensorNames {
  let hidden: String
  let output: String
  let bias: String
  let center = "center"
  /// Whether the hidden weights are stored as (input, hidden).
  let hiddenIsTransposed: Bool

  static let own = TensorNames(
    hidden: "hiddenWeights", output: "outputWeights", bias: "outputBias",
    hiddenIsTransposed: false)

  static let stateDict = TensorNames(
    hidden: "prelulayer.W", output: "output_net.weight", bias: "output_net.bias",
    hiddenIsTransposed: true)

  /// All names that a model file may have.
  static let all = Set(
    [own, stateDict].flatMap { [$0.hidden, $0.output, $0.bias, $0.center] }
      + ["p", "normalizeInput"])
}

extension ModelFile {
  /// The network held by the contents of a file; see ``read(_:exponent:normalizeInput:as:)``.
  public static func network<Scalar: LinearScalar>(
    in file: Safetensors, path: String, exponent: Double? = nil, normalizeInput: Bool? = nil
  ) throws(FormatError) -> PReLUNetwork<Scalar> {
    try requireModel(path, names: file.tensors.keys.sorted()) { file.tensors[$0] != nil }
    let isStateDict = file.tensors[TensorNames.stateDict.hidden] != nil
    let found = file.metadata["format"]
    guard isStateDict || found == nil || found == format else {
      throw FormatError(
        path: path, "has the model format '\(found ?? "")'; this version reads \(format)")
    }
    let names = isStateDict ? TensorNames.stateDict : .own
    let hyperParameters = try hyperParameters(file, path, exponent, normalizeInput)
    try checkShapes(file, names, path)
    let hidden: Matrix<Scalar> = try matrix(file, names.hidden, path)
    let hasBias = file.tensors[names.bias] != nil
    do {
      return try PReLUNetwork(
        exponent: hyperParameters.exponent,
        hiddenWeights: names.hiddenIsTransposed ? hidden.transposed : hidden,
        outputWeights: try matrix(file, names.output, path),
        outputBias: hasBias ? try vector(file, names.bias, path) : nil,
        center: file.tensors[names.center].map(scalars),
        normalizeInput: hyperParameters.normalizeInput)
    } catch let error as NetworkError {
      throw FormatError(path: path, error.description)
    } catch let error as FormatError {
      throw error
    } catch {
      throw FormatError(path: path, "\(error)")
    }
  }

  /// Throws unless one of the two pairs of weights is there.
  static func requireModel(
    _ path: String, names: [String], holds: (String) -> Bool
  ) throws(FormatError) {
    let isModel = [TensorNames.own, .stateDict].contains { holds($0.hidden) && holds($0.output) }
    if isModel { return }
    let shown = names.prefix(8).map { "'\($0)'" }.joined(separator: ", ")
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
    _ file: Safetensors, _ path: String, _ exponent: Double?, _ normalizeInput: Bool?
  ) throws(FormatError) -> (exponent: Double, normalizeInput: Bool) {
    let p = try number("p", file, path)
    let normalize = try flag("normalizeInput", file, path)
    if let exponent, let p, exponent != p {
      throw FormatError(path: path, "the model has p = \(p), but --p says \(exponent)")
    }
    if let normalizeInput, let normalize, normalizeInput != normalize {
      throw FormatError(
        path: path, "the model has normalizeInput = \(normalize), but the option says otherwise")
    }
    guard let exponent = p ?? exponent, let normalizeInput = normalize ?? normalizeInput else {
      throw FormatError(
        path: path,
        (file.tensors[TensorNames.stateDict.hidden] == nil ? "it" : "a PyTorch state dict")
          + " does not say its hyper-parameters: give --p and --normalize-input or "
          + "--no-normalize-input")
    }
    return (exponent, normalizeInput)
  }

  /// A number from the metadata or from an array with one element.
  private static func number(
    _ name: String, _ file: Safetensors, _ path: String
  ) throws(FormatError) -> Double? {
    if let text = file.metadata[name] {
      guard let value = Double(text) else {
        throw FormatError(path: path, "metadata \(name) is '\(text)'; expected a number")
      }
      return value
    }
    guard let tensor = file.tensors[name] else { return nil }
    guard tensor.count == 1 else {
      throw FormatError(
        path: path, "array '\(name)' has shape \(tensor.shape); expected a single number")
    }
    return tensor.doubles[0]
  }

  private static func flag(
    _ name: String, _ file: Safetensors, _ path: String
  ) throws(FormatError) -> Bool? {
    if let text = file.metadata[name] {
      guard let value = Bool(text) else {
        throw FormatError(path: path, "metadata \(name) is '\(text)'; expected true or false")
      }
      return value
    }
    guard let value = try number(name, file, path) else { return nil }
    guard value == 0 || value == 1 else {
      throw FormatError(path: path, "array '\(name)' holds \(value); expected 0 or 1")
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
    if let tensor = file.tensors[names.center] {
      // The mean of a batch keeps its axis in PyTorch: (1, input) is as good as (input).
      let isRow = tensor.shape.count == 2 && tensor.shape[0] == 1
      center = try shape(file, names.center, axes: isRow ? 2 : 1, path).last
    }
    if output[1] != width {
      if output[1] == input, center == nil || center == width {
        throw failure(
          "tensor '\(names.hidden)' has shape \(hidden) and looks transposed: expected \(order) = "
            + "\([hidden[1], hidden[0]]), because '\(names.output)' reads \(output[1]) neurons")
      }
      if output[0] == width {
        throw failure(
          "tensor '\(names.output)' has shape \(output) and looks transposed: expected "
            + "(outputs, hidden) = \([output[1], output[0]]), because '\(names.hidden)' has "
            + "\(width) neurons")
      }
      throw failure(
        "tensor '\(names.output)' of shape \(output) reads \(output[1]) neurons, but "
          + "'\(names.hidden)' of shape \(hidden) = \(order) has \(width)")
    }
    if let center, center != input {
      throw failure(
        "tensor '\(names.center)' has \(center) coordinates, but '\(names.hidden)' of shape "
          + "\(hidden) = \(order) reads \(input)")
    }
    if file.tensors[names.bias] != nil {
      let bias = try shape(file, names.bias, axes: 1, path)[0]
      guard bias == output[0] else {
        throw failure(
          "tensor '\(names.bias)' has \(bias) numbers for the \(output[0]) outputs of "
            + "'\(names.output)'")
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
        "tensor '\(name)' has shape \(tensor.shape), expected "
          + (axes == 1 ? "one axis" : "two axes"))
    }
    if case .int64 = tensor.elements {
      throw FormatError(
        path: path, "tensor '\(name)' holds integers; expected floating-point weights")
    }
    return tensor.shape
  }
}
