import Datasets
import DeepNetworks
import Formats
import LinearCore
import Networks

/// A network as a model file holds it: of one hidden layer, or deep.
package enum StoredModel: Sendable {
  /// One hidden layer, which theory, certificates and reductions are about.
  case shallow(PReLUNetwork<Float>)
  /// One hidden layer, of weights that single precision does not hold as they are; see ``fitted(to:reference:)``.
  case extreme(PReLUNetwork<Double>)
  /// Layers one after the other.
  case deep(DeepNetwork<Float>)

  /// Reads a model file; the content tells which kind it is.
  ///
  /// - Parameters:
  ///   - exponent: the degree, for a file that does not say it.
  ///   - normalizeInput: whether features are divided by ||x||^(p-1), for a file that does not say it.
  /// - Throws: `FormatError`, also where one of these is given for a deep network, whose layers say it.
  package init(path: String, exponent: Double? = nil, normalizeInput: Bool? = nil)
    throws(FormatError)
  {
    // Other formats than safetensors hold networks of one hidden layer only.
    let start = Safetensors(metadata: try TensorFile(path: path).metadata)
    guard DeepModelFile.isDeep(start) else {
      self.init(
        try ModelFile.readHeld(path, exponent: exponent, normalizeInput: normalizeInput))
      return
    }
    guard exponent == nil, normalizeInput == nil else {
      throw FormatError(
        path: path,
        "is a deep network, whose layers say their degrees and normalisations; expected no --p and "
          + "no --normalize-input")
    }
    try Self.checkRange(Safetensors(path: path), path)
    self = .deep(try DeepModelFile.read(path))
  }

  /// A network of one hidden layer.
  package init(_ network: ModelFile.HeldNetwork) {
    switch network {
    case .single(let network): self = .shallow(network)
    case .double(let network): self = .extreme(network)
    }
  }

  /// Refuses tensors of a deep network that single precision would make zeros or infinite.
  private static func checkRange(_ file: Safetensors, _ path: String) throws(FormatError) {
    for (name, tensor) in file.tensors.sorted(by: { $0.key < $1.key }) {
      guard case .float64(let values) = tensor.elements else { continue }
      let largest = values.reduce(0) { max($0, $1.magnitude) }
      let range = Double(Float.leastNormalMagnitude)...Double(Float.greatestFiniteMagnitude)
      if largest > 0 && largest.isFinite && !range.contains(largest) {
        throw FormatError(
          path: path,
          "tensor '\(name)' holds numbers up to \(largest); expected sizes that single precision holds, "
            + "in which deep networks are computed")
      }
    }
  }

  /// The number of input coordinates.
  package var inputDimension: Int {
    switch self {
    case .shallow(let network): network.inputDimension
    case .extreme(let network): network.inputDimension
    case .deep(let network): network.inputDimension
    }
  }

  /// The number of classes it tells apart.
  package var classCount: Int {
    switch self {
    case .shallow(let network): network.classCount
    case .extreme(let network): network.classCount
    case .deep(let network): network.classCount
    }
  }

  /// 64 hexadecimal digits that change with any weight or option (SHA-256).
  var checksum: String {
    switch self {
    case .shallow(let network): network.checksum
    case .extreme(let network): network.checksum
    case .deep(let network): network.checksum
    }
  }

  /// Writes the network, atomically, in the format that the extension of `path` means.
  ///
  /// - Parameter classes: the values of its classes in the order of its outputs, where they are known.
  package func write(to path: String, classes: [ClassLabel]? = nil) throws(FormatError) {
    switch self {
    case .shallow(let network): try ModelFile.write(network, to: path, classes: classes)
    case .extreme(let network): try ModelFile.write(network, to: path, classes: classes)
    case .deep(let network): try DeepModelFile.write(network, to: path, classes: classes)
    }
  }
}

extension PReLUNetwork {
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
  package var checksum: String {
    var sum = ContentDigest()
    sum.update(architecture.json)
    for tensor in parameters { tensor.elements.withUnsafeBytes { sum.update($0) } }
    return sum.hexadecimal
  }
}
