import Attacks
import Datasets
import DeepNetworks
import Formats
import LinearCore
import Networks

/// A network as a model file holds it: of one hidden layer, or deep.
public enum StoredModel: Sendable {
  /// One hidden layer, which theory, certificates and reductions are about.
  case shallow(PReLUNetwork<Float>)
  /// Layers one after the other.
  case deep(DeepNetwork<Float>)

  /// Reads a model file; the content tells which kind it is.
  ///
  /// - Parameters:
  ///   - exponent: the degree, for a file that does not say it.
  ///   - normalizeInput: whether features are divided by ||x||^(p-1), for a file that does not say it.
  /// - Throws: `FormatError`, also where one of these is given for a deep network, whose layers say it.
  public init(path: String, exponent: Double? = nil, normalizeInput: Bool? = nil)
    throws(FormatError)
  {
    // Other formats than safetensors hold networks of one hidden layer only.
    let start = Safetensors(metadata: try TensorFile(path: path).metadata)
    guard DeepModelFile.isDeep(start) else {
      self = .shallow(
        try ModelFile.read(path, exponent: exponent, normalizeInput: normalizeInput))
      return
    }
    guard exponent == nil, normalizeInput == nil else {
      throw FormatError(
        path: path,
        "is a deep network, whose layers say their degrees and normalisations; expected no --p and "
          + "no --normalize-input")
    }
    self = .deep(try DeepModelFile.read(path))
  }

  /// The number of input coordinates.
  public var inputDimension: Int {
    switch self {
    case .shallow(let network): network.inputDimension
    case .deep(let network): network.inputDimension
    }
  }

  /// The number of classes it tells apart.
  public var classCount: Int {
    switch self {
    case .shallow(let network): network.classCount
    case .deep(let network): network.classCount
    }
  }

  /// Eight hexadecimal digits that change with any weight or option (CRC-32).
  var checksum: String {
    switch self {
    case .shallow(let network): network.checksum
    case .deep(let network): network.checksum
    }
  }

  /// Writes the network, atomically, in the format that the extension of `path` means.
  public func write(to path: String) throws(FormatError) {
    switch self {
    case .shallow(let network): try ModelFile.write(network, to: path)
    case .deep(let network): try DeepModelFile.write(network, to: path)
    }
  }
}

extension RobustnessStudy {
  /// Attacks a model of either kind; see ``run(_:data:reference:title:progress:)`` and
  /// ``run(classifier:data:reference:title:progress:)``.
  public func run(
    _ model: StoredModel, data: Dataset, reference: Dataset,
    progress: ProgressReporter = ProgressReporter(quiet: true)
  ) throws(ExperimentError) -> RobustnessResult<Float> {
    switch model {
    case .shallow(let network):
      try run(network, data: data, reference: reference, progress: progress)
    case .deep(let network):
      try run(classifier: network, data: data, reference: reference, progress: progress)
    }
  }
}

extension PReLUNetwork<Float> {
  fileprivate var checksum: String {
    var sum = Checksum()
    sum.update([inputDimension, hiddenWidth, outputCount, normalizeInput ? 1 : 0])
    withUnsafeBytes(of: exponent) { sum.update($0) }
    for values in [
      hiddenWeights.elements, outputWeights.elements, outputBias ?? [], center ?? [],
    ] {
      values.withUnsafeBytes { sum.update($0) }
    }
    return sum.hexadecimal
  }
}

extension DeepNetwork<Float> {
  fileprivate var checksum: String {
    var sum = Checksum()
    Array(architecture.json.utf8).withUnsafeBytes { sum.update($0) }
    for tensor in parameters { tensor.elements.withUnsafeBytes { sum.update($0) } }
    return sum.hexadecimal
  }
}
