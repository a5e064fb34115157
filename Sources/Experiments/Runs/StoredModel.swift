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
    // Other formats than safetensors hold networks of one hidden layer only. What is wrong with a file is
    // said by the reader of those.
    let file: Safetensors?
    do throws(FormatError) { file = try Safetensors(path: path) } catch { file = nil }
    guard let file, DeepModelFile.isDeep(file) else {
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
    self = .deep(try DeepModelFile.network(in: file, path: path))
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

  /// 64 hexadecimal digits that change with any weight or option (SHA-256).
  var checksum: String {
    switch self {
    case .shallow(let network): network.checksum
    case .deep(let network): network.checksum
    }
  }

  /// Writes the network, atomically, in the format that the extension of `path` means.
  ///
  /// - Parameter classes: the values of its classes in the order of its outputs, where they are known.
  public func write(to path: String, classes: [ClassLabel]? = nil) throws(FormatError) {
    switch self {
    case .shallow(let network): try ModelFile.write(network, to: path, classes: classes)
    case .deep(let network): try DeepModelFile.write(network, to: path, classes: classes)
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
    var sum = ContentDigest()
    sum.update([inputDimension, hiddenWidth, outputCount, normalizeInput ? 1 : 0])
    withUnsafeBytes(of: exponent) { sum.update($0) }
    for values in [
      hiddenWeights.elements, outputWeights.elements, outputBias ?? [], center ?? [],
    ] {
      sum.update([values.count])
      values.withUnsafeBytes { sum.update($0) }
    }
    return sum.hexadecimal
  }
}

extension DeepNetwork<Float> {
  /// 64 hexadecimal digits that change with any weight or layer (SHA-256).
  var checksum: String {
    var sum = ContentDigest()
    sum.update(architecture.json)
    for tensor in parameters { tensor.elements.withUnsafeBytes { sum.update($0) } }
    return sum.hexadecimal
  }
}
