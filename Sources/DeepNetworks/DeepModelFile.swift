import Formats
import LinearCore
import Networks

/// Deep networks in safetensors files: every trained tensor under its name, such as `layers.1.weights`,
/// and in the metadata `format` = "polyrelu-deep-1" and `architecture`, JSON with the input shape and the
/// layers; where they are known also the values of the classes, see `ModelFile.classes(path:)`.
public enum DeepModelFile {
  static let format = "polyrelu-deep-1"

  /// The most values that the tensors of a model may have: 1 GiB in single precision.
  public static let maximumParameterCount = 1 << 28

  /// Whether the metadata of a file say that it holds a deep network.
  public static func isDeep(_ file: Safetensors) -> Bool { file.metadata["format"] == format }

  /// The tensors and metadata of a network, to be written alone or with others.
  ///
  /// - Parameter classes: the values of its classes in the order of its outputs, where they are known.
  public static func contents<Scalar: LinearScalar>(
    of network: DeepNetwork<Scalar>, classes: [ClassLabel]? = nil
  ) -> Safetensors {
    var file = Safetensors()
    for (description, tensor) in zip(network.architecture.parameters, network.parameters) {
      file.tensors[description.name] = ModelFile.tensor(tensor)
    }
    file.metadata = metadata(of: network.architecture)
    file.metadata["classes"] = classes.map(ClassList.text)
    return file
  }

  /// What a file says about the network that it holds.
  static func metadata(of architecture: Architecture) -> [String: String] {
    ["format": format, "architecture": architecture.json]
  }

  /// The format that the extension of `path` means: safetensors or ONNX.
  public static func writableFormat(path: String) throws(FormatError) -> ModelFile.WritableFormat {
    let format = try ModelFile.WritableFormat(path: path)
    guard format != .npz else {
      throw FormatError(
        path: path, "cannot hold a deep network; expected a name ending in .safetensors or .onnx")
    }
    return format
  }

  /// Writes a network, atomically, in the format that the extension of `path` means.
  ///
  /// - Parameter classes: the values of its classes in the order of its outputs, where they are known.
  public static func write<Scalar: LinearScalar>(
    _ network: DeepNetwork<Scalar>, to path: String, classes: [ClassLabel]? = nil
  ) throws(FormatError) {
    guard try writableFormat(path: path) == .onnx else {
      return try contents(of: network, classes: classes).write(to: path)
    }
    var model: ONNXModel
    do throws(NetworkError) {
      model = try DeepNetwork<Float>(
        architecture: network.architecture, parameters: network.parameters.map { $0.converted() }
      ).onnxModel()
    } catch {
      throw FormatError(path: path, "cannot be written: \(error.description)")
    }
    model.metadata["classes"] = classes.map(ClassList.text)
    try model.write(to: path)
  }

  /// Reads a network.
  ///
  /// - Parameter catalog: the types of layers that the file may name.
  package static func read<Scalar: LinearScalar>(
    _ path: String, catalog: LayerCatalog = .standard, as _: Scalar.Type = Scalar.self
  ) throws(FormatError) -> DeepNetwork<Scalar> {
    let file = try TensorFile(path: path)
    // The layers tell which tensors are needed, before memory is taken for any.
    let start = Safetensors(metadata: file.metadata)
    let architecture = try architecture(in: start, path: path, catalog: catalog)
    try refuseOtherTensors(architecture, file.names, path)
    var wanted: Set<String> = []
    for description in architecture.parameters {
      if let shape = try file.shape(of: description.name) {
        try check(shape, description, path)
      }
      wanted.insert(description.name)
    }
    return try network(
      in: file.contents(of: wanted, maximumBytes: 16 * maximumParameterCount), path: path,
      catalog: catalog)
  }

  /// The network held by the contents of a file, which may hold other tensors as well, but none that
  /// looks like one of another architecture.
  package static func network<Scalar: LinearScalar>(
    in file: Safetensors, path: String, catalog: LayerCatalog = .standard
  ) throws(FormatError) -> DeepNetwork<Scalar> {
    let architecture = try architecture(in: file, path: path, catalog: catalog)
    try refuseOtherTensors(architecture, file.names.sorted(), path)
    var parameters: [Matrix<Scalar>] = []
    for description in architecture.parameters {
      let tensor = try file.tensor(description.name, path: path)
      if case .int64 = tensor.elements {
        throw FormatError(
          path: path,
          "tensor '\(description.name.shortened)' holds integers; expected floating-point weights")
      }
      try check(tensor.shape, description, path)
      parameters.append(try ModelFile.matrix(file, description.name, path))
    }
    do throws(NetworkError) {
      return try DeepNetwork(architecture: architecture, parameters: parameters)
    } catch {
      throw FormatError(path: path, error.description)
    }
  }

  /// The layers that the metadata of a file describe; they are known to fit each other and into memory.
  static func architecture(
    in file: Safetensors, path: String, catalog: LayerCatalog
  ) throws(FormatError) -> Architecture {
    let found = file.metadata["format"]
    guard found == format else {
      throw FormatError(
        path: path,
        "has the model format '\(found?.shortened ?? "")'; expected a deep network, \(format)")
    }
    guard let json = file.metadata["architecture"] else {
      throw FormatError(path: path, "has no metadata 'architecture', the layers of the network")
    }
    let architecture: Architecture
    do throws(NetworkError) {
      architecture = try Architecture(json: json, catalog: catalog)
    } catch {
      throw FormatError(path: path, "has a bad architecture: \(error.description)")
    }
    guard architecture.parameterCount <= maximumParameterCount else {
      throw FormatError(
        path: path,
        "describes a network of \(architecture.parameterCount) weights; expected at most "
          + "\(maximumParameterCount)")
    }
    if let problem = MemoryBudget.problem(architecture.bytesOfSample) {
      throw FormatError(path: path, "describes a network of which a sample \(problem)")
    }
    return architecture
  }

  /// Refuses tensors that look like those of another architecture.
  private static func refuseOtherTensors(
    _ architecture: Architecture, _ names: [String], _ path: String
  ) throws(FormatError) {
    let known = Set(architecture.parameters.map(\.name))
    if let extra = names.first(where: { $0.hasPrefix("layers.") && !known.contains($0) }) {
      throw FormatError(
        path: path, "has the tensor '\(extra.shortened)', which no layer asks for")
    }
  }

  /// Refuses a tensor of another shape than its layer asks for.
  private static func check(
    _ shape: [Int], _ description: ParameterDescription, _ path: String
  ) throws(FormatError) {
    guard shape.count == 2 else {
      throw FormatError(
        path: path,
        "tensor '\(description.name.shortened)' has shape \(shape), expected two axes")
    }
    guard shape == [description.rows, description.columns] else {
      throw FormatError(
        path: path,
        "tensor '\(description.name.shortened)' has shape \(shape), expected "
          + "[\(description.rows), \(description.columns)]")
    }
  }
}
