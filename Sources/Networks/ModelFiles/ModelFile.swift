import Formats
import LinearCore

/// Networks in files.
///
/// Our own tensors: `hiddenWeights` (hidden, input), `outputWeights` (outputs, hidden), where present
/// `hiddenBias` (hidden), `outputBias` (outputs) and `center` (input). The hyper-parameters `p` and `normalizeInput` are
/// metadata of a safetensors file beside `format` = "polyrelu-1" ("polyrelu-2" with hidden biases, which
/// earlier versions would not see), and arrays without axes in an npz file; so are
/// the values of the classes where they are known, see ``classes(path:)``.
public enum ModelFile {
  static let format = "polyrelu-1"
  /// The format of networks with hidden biases.
  static let biasedFormat = "polyrelu-2"

  /// The most bytes that the tensors of a model may take in memory: 1 GiB.
  public static let maximumBytes = 1 << 30

  /// The formats that ``write(_:to:)`` tells apart by the extension of the file.
  public enum WritableFormat: String, Sendable, CaseIterable {
    /// The format of our own run directories.
    case safetensors
    /// For numpy.
    case npz
    /// For inference elsewhere, in single precision.
    case onnx

    /// The format that the extension of `path` means.
    public init(path: String) throws(FormatError) {
      let name = path.split(separator: "/").last ?? ""
      let parts = name.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count > 1, let known = WritableFormat(rawValue: parts.last?.lowercased() ?? "")
      else {
        throw FormatError(
          path: path, "unknown model format; expected a name ending in .safetensors, .npz or .onnx")
      }
      self = known
    }
  }

  /// The tensors and metadata of a network, to be written alone or with others.
  ///
  /// - Parameter classes: the values of its classes in the order of its outputs, where they are known.
  public static func contents<Scalar: LinearScalar>(
    of network: PReLUNetwork<Scalar>, classes: [ClassLabel]? = nil
  ) -> Safetensors {
    var file = Safetensors()
    file.tensors["hiddenWeights"] = tensor(network.inputWeights)
    file.tensors["outputWeights"] = tensor(network.outputWeights)
    if let bias = network.hiddenBias { file.tensors["hiddenBias"] = tensor(bias) }
    if let bias = network.outputBias { file.tensors["outputBias"] = tensor(bias) }
    if let center = network.center { file.tensors["center"] = tensor(center) }
    file.metadata = [
      "format": network.hasHiddenBias ? biasedFormat : format, "p": "\(network.exponent)",
      "normalizeInput": "\(network.normalizeInput)",
    ]
    file.metadata[classesName] = classes.map(ClassList.text)
    return file
  }

  /// Writes a network, atomically, in the format that the extension of `path` means.
  ///
  /// - Parameter classes: the values of its classes in the order of its outputs, where they are known.
  public static func write<Scalar: LinearScalar>(
    _ network: PReLUNetwork<Scalar>, to path: String, classes: [ClassLabel]? = nil
  ) throws(FormatError) {
    switch try WritableFormat(path: path) {
    case .safetensors: try contents(of: network, classes: classes).write(to: path)
    case .npz:
      var arrays = contents(of: network).tensors
      arrays["p"] = Tensor(shape: [], elements: .float64([network.exponent]))
      arrays["normalizeInput"] = Tensor(
        shape: [], elements: .int64([network.normalizeInput ? 1 : 0]))
      let labels = classes.map { [classesName: LabelArray($0)] } ?? [:]
      try NPZ.write(arrays, labels: labels, to: path)
    case .onnx:
      let single = network.hiddenWeights.converted(to: Float.self)
      guard single.isFinite(), network.outputWeights.converted(to: Float.self).isFinite(),
        ((network.outputBias ?? []) + (network.center ?? [])).allSatisfy({ Float($0).isFinite })
      else {
        throw FormatError(
          path: path, "cannot be written: a weight exceeds the range of single precision")
      }
      var model = network.converted(to: Float.self).onnxModel()
      model.metadata[classesName] = classes.map(ClassList.text)
      try model.write(to: path)
    }
  }

  /// Reads a network from a safetensors or npz file, or from a state dict that PyTorch's `torch.save`
  /// wrote; the content tells which.
  ///
  /// A PyTorch state dict has `prelulayer.W` (input, hidden), `output_net.weight` (outputs, hidden) and
  /// where present `prelulayer.bias` (hidden), `output_net.bias` and `center` ((input) or (1, input)). All names may stand behind one prefix, such
  /// as `module.` or `_orig_mod.`, and the state dict in a dictionary of a checkpoint. Where a file does not say its two hyper-parameters
  /// they must be given; where it does they must be nil or agree.
  public static func read<Scalar: LinearScalar>(
    _ path: String, exponent: Double? = nil, normalizeInput: Bool? = nil,
    as _: Scalar.Type = Scalar.self
  ) throws(FormatError) -> PReLUNetwork<Scalar> {
    try network(
      in: tensors(path), path: path, exponent: exponent, normalizeInput: normalizeInput)
  }

  /// The tensors of a file that belong to a network.
  static func tensors(_ path: String) throws(FormatError) -> Safetensors {
    let file = try TensorFile(path: path) { !TensorNames.matches(among: $0).isEmpty }
    let names = try names(among: Set(file.names), path)
    return try file.contents(of: names.all, maximumBytes: maximumBytes)
  }
}
