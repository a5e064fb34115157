import Datasets
import DeepNetworks
import Formats
import LinearCore
import Networks

/// What is asked of a network that lies in a model file, of any kind. What else it can do is asked by its type: attacks
/// take any `Classifier`, certificates and reductions a network of one hidden layer.
package protocol StoredNetwork: Sendable {
  /// The number of input coordinates.
  var inputDimension: Int { get }
  /// The number of classes it tells apart.
  var classCount: Int { get }
  /// 64 hexadecimal digits that change with any weight or option (SHA-256).
  var checksum: String { get }

  /// The images with several channels that the network reads; nil where samples are vectors to it.
  var inputImage: InputImage? { get }

  /// Writes the network, atomically, in the format that the extension of `path` means.
  ///
  /// - Parameter classes: the values of its classes in the order of its outputs, where they are known.
  func write(to path: String, classes: [ClassLabel]?) throws(FormatError)

  /// The network and data in units in which single precision holds both.
  ///
  /// - Throws: ``ExperimentError/usage(_:)`` where there are none, naming the sample or what does not fit.
  func fitted(to data: Dataset, reference: Dataset?) throws(ExperimentError) -> FittedModel
}

extension StoredNetwork {
  package var inputImage: InputImage? { nil }
}

/// What images a network reads.
package struct InputImage: Sendable, Equatable {
  /// The order of their axes.
  package let layout: InputLayout
  /// Their extents, in that order.
  package let extents: [Int]

  package init(layout: InputLayout, extents: [Int]) {
    (self.layout, self.extents) = (layout, extents)
  }

  /// The same extents in the other order.
  var otherExtents: [Int] {
    layout == .nhwc
      ? [extents[2], extents[0], extents[1]] : [extents[1], extents[2], extents[0]]
  }
}

/// A network as a model file holds it.
package struct StoredModel: Sendable {
  package let network: any StoredNetwork

  package init(_ network: any StoredNetwork) { self.network = network }

  /// Reads a model file; the content tells which kind it is.
  ///
  /// - Parameters:
  ///   - exponent: the degree, for a file that does not say it.
  ///   - normalizeInput: whether features are divided by ||x||^(p-1), for a file that does not say it.
  ///   - layers: what a state dict of plain layers does not say.
  /// - Throws: `FormatError`, also where one of these is given for a network whose file says it.
  package init(
    path: String, exponent: Double? = nil, normalizeInput: Bool? = nil,
    layers: PlainLayerOptions = PlainLayerOptions()
  ) throws(FormatError) {
    if let graph = try Self.graph(
      path: path, hasDegree: exponent != nil || normalizeInput != nil, layers: layers)
    {
      self.init(graph)
      return
    }
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
        "is a deep network, whose layers say their degrees and normalisations; expected no \(SettingName("p")) and "
          + "no \(SettingName("normalize-input"))")
    }
    try Self.checkRange(Safetensors(path: path), path)
    self.init(try DeepModelFile.read(path))
  }

  /// A network of one hidden layer.
  package init(_ network: ModelFile.HeldNetwork) {
    switch network {
    case .single(let network): self.init(network)
    case .double(let network): self.init(network)
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

  /// A network of one hidden layer in single precision; nil for another kind, and for weights that single precision does
  /// not hold as they are.
  package var shallow: PReLUNetwork<Float>? { network as? PReLUNetwork<Float> }
  /// A network of one hidden layer whose weights single precision does not hold as they are.
  package var extreme: PReLUNetwork<Double>? { network as? PReLUNetwork<Double> }
  package var deep: DeepNetwork<Float>? { network as? DeepNetwork<Float> }

  package var inputDimension: Int { network.inputDimension }
  package var classCount: Int { network.classCount }
  package var checksum: String { network.checksum }

  /// See ``StoredNetwork/write(to:classes:)``.
  package func write(to path: String, classes: [ClassLabel]? = nil) throws(FormatError) {
    try network.write(to: path, classes: classes)
  }

  /// See ``StoredNetwork/fitted(to:reference:)``.
  package func fitted(to data: Dataset, reference: Dataset? = nil) throws(ExperimentError)
    -> FittedModel
  { try network.fitted(to: data, reference: reference) }
}

extension PReLUNetwork {
  package var checksum: String {
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

extension DeepNetwork: StoredNetwork where Scalar == Float {
  package func write(to path: String, classes: [ClassLabel]?) throws(FormatError) {
    try DeepModelFile.write(self, to: path, classes: classes)
  }

  package func fitted(to data: Dataset, reference: Dataset?) throws(ExperimentError) -> FittedModel
  { try FittedModel(unscaled: self, data: data, reference: reference) }

  package var inputImage: InputImage? {
    let shape = architecture.inputShape
    return shape.pixels > 1 && shape.channels > 1
      ? InputImage(layout: .nhwc, extents: [shape.rows, shape.columns, shape.channels]) : nil
  }

  package var checksum: String {
    var sum = ContentDigest()
    sum.update(architecture.json)
    for tensor in parameters { tensor.elements.withUnsafeBytes { sum.update($0) } }
    return sum.hexadecimal
  }
}
