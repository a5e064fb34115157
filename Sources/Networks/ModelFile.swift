import Formats
import LinearCore

/// Networks as safetensors files, with the hyper-parameters in the metadata.
///
/// Tensors: `hiddenWeights` (hidden, input), `outputWeights` (outputs, hidden), where present
/// `outputBias` (outputs) and `center` (input). Metadata: `format` = "polyrelu-1", `p`,
/// `normalizeInput`.
public enum ModelFile {
  static let format = "polyrelu-1"

  /// The tensors and metadata of a network, to be written alone or with others.
  public static func contents<Scalar: LinearScalar>(of network: PReLUNetwork<Scalar>)
    -> Safetensors
  {
    var file = Safetensors()
    file.tensors["hiddenWeights"] = tensor(network.hiddenWeights)
    file.tensors["outputWeights"] = tensor(network.outputWeights)
    if let bias = network.outputBias { file.tensors["outputBias"] = tensor(bias) }
    if let center = network.center { file.tensors["center"] = tensor(center) }
    file.metadata = [
      "format": format, "p": "\(network.exponent)",
      "normalizeInput": "\(network.normalizeInput)",
    ]
    return file
  }

  /// Writes a network, atomically.
  public static func write<Scalar: LinearScalar>(_ network: PReLUNetwork<Scalar>, to path: String)
    throws(FormatError)
  {
    try contents(of: network).write(to: path)
  }

  /// Reads a network.
  ///
  /// A file without our metadata, a PyTorch state dict with `prelulayer.W` (input, hidden),
  /// `output_net.weight` (outputs, hidden) and where present `output_net.bias` and `center`, needs the
  /// two hyper-parameters; for our own files they must be nil or agree.
  public static func read<Scalar: LinearScalar>(
    _ path: String, exponent: Double? = nil, normalizeInput: Bool? = nil,
    as _: Scalar.Type = Scalar.self
  ) throws(FormatError) -> PReLUNetwork<Scalar> {
    try network(
      in: Safetensors(path: path), path: path, exponent: exponent, normalizeInput: normalizeInput)
  }

  /// The network held by the contents of a file; see ``read(_:exponent:normalizeInput:as:)``.
  public static func network<Scalar: LinearScalar>(
    in file: Safetensors, path: String, exponent: Double? = nil, normalizeInput: Bool? = nil
  ) throws(FormatError) -> PReLUNetwork<Scalar> {
    if file.metadata["format"] == nil, file.tensors["prelulayer.W"] != nil {
      return try stateDict(
        file, path: path, exponent: exponent, normalizeInput: normalizeInput)
    }
    guard file.metadata["format"] == format else {
      throw FormatError(
        path: path,
        "not a model: expected metadata format = \(format), or the tensors prelulayer.W and "
          + "output_net.weight of a PyTorch state dict")
    }
    guard let p = file.metadata["p"].flatMap(Double.init),
      let normalize = file.metadata["normalizeInput"].flatMap(Bool.init)
    else {
      throw FormatError(path: path, "metadata p and normalizeInput are missing or unreadable")
    }
    if let exponent, exponent != p {
      throw FormatError(path: path, "the model has p = \(p), but --p says \(exponent)")
    }
    if let normalizeInput, normalizeInput != normalize {
      throw FormatError(
        path: path, "the model has normalizeInput = \(normalize), but the option says otherwise")
    }
    return try assemble(
      path: path, exponent: p, normalizeInput: normalize,
      hidden: try matrix(file, "hiddenWeights", path),
      output: try matrix(file, "outputWeights", path),
      bias: try file.tensors["outputBias"].map { _ throws(FormatError) in
        try vector(file, "outputBias", path)
      },
      center: try file.tensors["center"].map { _ throws(FormatError) in
        try vector(file, "center", path)
      })
  }

  private static func stateDict<Scalar: LinearScalar>(
    _ file: Safetensors, path: String, exponent: Double?, normalizeInput: Bool?
  ) throws(FormatError) -> PReLUNetwork<Scalar> {
    guard let exponent, let normalizeInput else {
      throw FormatError(
        path: path,
        "a PyTorch state dict does not say its hyper-parameters: give --p and --normalize-input or "
          + "--no-normalize-input")
    }
    let hidden: Matrix<Scalar> = try matrix(file, "prelulayer.W", path)
    return try assemble(
      path: path, exponent: exponent, normalizeInput: normalizeInput, hidden: hidden.transposed,
      output: try matrix(file, "output_net.weight", path),
      bias: try file.tensors["output_net.bias"].map { _ throws(FormatError) in
        try vector(file, "output_net.bias", path)
      },
      center: try file.tensors["center"].map { _ throws(FormatError) in
        try vector(file, "center", path)
      })
  }

  private static func assemble<Scalar: LinearScalar>(
    path: String, exponent: Double, normalizeInput: Bool, hidden: Matrix<Scalar>,
    output: Matrix<Scalar>, bias: [Scalar]?, center: [Scalar]?
  ) throws(FormatError) -> PReLUNetwork<Scalar> {
    do {
      return try PReLUNetwork(
        exponent: exponent, hiddenWeights: hidden, outputWeights: output, outputBias: bias,
        center: center, normalizeInput: normalizeInput)
    } catch {
      throw FormatError(path: path, error.description)
    }
  }
}

// MARK: - Tensors

extension ModelFile {
  /// A matrix as a tensor of the same scalar type.
  public static func tensor<Scalar: LinearScalar>(_ matrix: Matrix<Scalar>) -> Tensor {
    tensor(shape: [matrix.rows, matrix.columns], matrix.elements)
  }

  /// A vector as a tensor of the same scalar type.
  public static func tensor<Scalar: LinearScalar>(_ vector: [Scalar]) -> Tensor {
    tensor(shape: [vector.count], vector)
  }

  private static func tensor<Scalar: LinearScalar>(shape: [Int], _ elements: [Scalar]) -> Tensor {
    if let floats = elements as? [Float] { return Tensor(shape: shape, elements: .float32(floats)) }
    return Tensor(shape: shape, elements: .float64(elements.map { Double($0) }))
  }

  /// A tensor of two dimensions from a file.
  public static func matrix<Scalar: LinearScalar>(
    _ file: Safetensors, _ name: String, _ path: String
  ) throws(FormatError) -> Matrix<Scalar> {
    let tensor = try file.tensor(name, path: path)
    guard tensor.shape.count == 2 else {
      throw FormatError(path: path, "tensor '\(name)' has shape \(tensor.shape), expected two axes")
    }
    return Matrix(rows: tensor.shape[0], columns: tensor.shape[1], elements: scalars(tensor))
  }

  /// A vector from a file; axes of length 1 before its own are let pass.
  public static func vector<Scalar: LinearScalar>(
    _ file: Safetensors, _ name: String, _ path: String
  ) throws(FormatError) -> [Scalar] {
    let tensor = try file.tensor(name, path: path)
    guard tensor.shape.count >= 1, tensor.shape.dropLast().allSatisfy({ $0 == 1 }) else {
      throw FormatError(path: path, "tensor '\(name)' has shape \(tensor.shape), expected one axis")
    }
    return scalars(tensor)
  }

  private static func scalars<Scalar: LinearScalar>(_ tensor: Tensor) -> [Scalar] {
    if let same = tensor.floats as? [Scalar] { return same }
    return tensor.doubles.map { Scalar($0) }
  }
}
