import Datasets
import Formats
import Graphs
import LinearCore
import Networks

/// What a state dict of plain layers does not say.
package struct PlainLayerOptions: Sendable {
  /// What stands between the layers.
  package var activation: PlainActivation?
  /// Channels, rows and columns of a sample, for a network that starts with a convolution.
  package var inputShape: [Int]?

  package init(activation: PlainActivation? = nil, inputShape: [Int]? = nil) {
    self.activation = activation
    self.inputShape = inputShape
  }
}

extension GraphNetwork: StoredNetwork where Scalar == Float {
  package var checksum: String { plan.checksum }

  /// Those of several channels that the file has an axis for.
  package var inputImage: InputImage? {
    guard let axes = plan.imageAxes, axes.channels > 1, axes.rows * axes.columns > 1 else {
      return nil
    }
    return axes.isChannelsLast
      ? InputImage(layout: .nhwc, extents: [axes.rows, axes.columns, axes.channels])
      : InputImage(layout: .nchw, extents: [axes.channels, axes.rows, axes.columns])
  }

  package func write(to path: String, classes: [ClassLabel]?) throws(FormatError) {
    guard try ModelFile.WritableFormat(path: path) == .onnx else {
      throw FormatError(
        path: path, "cannot hold an imported network of layers; expected a name ending in .onnx")
    }
    try plan.write(to: path, classes: classes)
  }

  /// Images that are stored channels last are turned where the network takes them channels first.
  package func fitted(to data: Dataset, reference: Dataset?) throws(ExperimentError) -> FittedModel
  {
    var network = self
    if let image = data.imageShape, image.channels > 1,
      plan.inputShape.suffix(3) == [image.channels, image.rows, image.columns]
    {
      network = GraphNetwork(plan.readingChannelsLast(image.channels))
    }
    return try FittedModel(unscaled: network, data: data, reference: reference)
  }
}

extension StoredModel {
  /// A network of imported layers.
  package var graph: GraphNetwork<Float>? { network as? GraphNetwork<Float> }

  /// The network of an ONNX file, or of a state dict of plain layers; nil for a file of another kind.
  ///
  /// - Parameter hasDegree: whether a degree or a normalisation is given, which such files have no place for.
  static func graph(
    path: String, hasDegree: Bool, layers: PlainLayerOptions
  ) throws(FormatError) -> GraphNetwork<Float>? {
    let isONNX = try TensorFile.isONNX(path: path)
    if isONNX || layers.activation != nil, hasDegree {
      throw FormatError(
        path: path,
        "is a network of layers, which say themselves what they do; expected no \(SettingName("p")) and no "
          + "\(SettingName("normalize-input"))")
    }
    if isONNX {
      guard layers.activation == nil, layers.inputShape == nil else {
        throw FormatError(
          path: path,
          "is an ONNX file, which says its layers; expected no \(SettingName("activation")) and no "
            + "\(SettingName("input-shape"))")
      }
      return GraphNetwork(try ONNXGraphFile.read(path))
    }
    if let activation = layers.activation {
      return GraphNetwork(
        try PlainStateDict.read(path, activation: activation, inputShape: layers.inputShape))
    }
    let file = try TensorFile(path: path)
    let names = Set(file.names)
    if file.metadata["format"] == nil, !ModelFile.isNetwork(names), PlainStateDict.isMeant(names) {
      throw FormatError(
        path: path,
        "holds layers, but not what stands between them: give \(SettingName("activation")) relu, tanh or prelu:P"
      )
    }
    if layers.inputShape != nil {
      throw FormatError(
        path: path,
        "is no state dict of plain layers; expected no \(SettingName("input-shape"))")
    }
    return nil
  }
}
