import Formats
import LinearCore
import Networks

/// The graph of a deep network while its layers write themselves into it.
///
/// Between layers a batch is (n, values of a sample), channels last, as everywhere in this module; the
/// operators of the standard want images channels first, see ``appendImage(_:shape:)``.
public struct ONNXGraph {
  /// The graph so far.
  package var model: ONNXModel
  /// Stands before every name that the present layer makes, such as `layers.2.`.
  public private(set) var prefix: String

  /// A graph without operators.
  init(_ model: ONNXModel, prefix: String) {
    self.model = model
    self.prefix = prefix
  }

  /// Calls `body` with a longer prefix, for a part of a layer.
  mutating func inside<Result>(
    _ part: String, _ body: (inout ONNXGraph) throws(NetworkError) -> Result
  ) throws(NetworkError) -> Result {
    let outer = prefix
    prefix += part
    defer { prefix = outer }
    return try body(&self)
  }

  /// Adds an operator; see `ONNXModel.append`.
  ///
  /// - Parameter output: what its value is called within the layer.
  /// - Returns: the whole name of its value.
  public mutating func append(
    _ operation: String, _ inputs: [String], to output: String,
    integers: [String: Int] = [:], integerLists: [String: [Int]] = [:],
    floats: [String: Float] = [:]
  ) -> String {
    model.append(
      operation, inputs, to: prefix + output, integers: integers, integerLists: integerLists,
      floats: floats)
  }

  /// Adds a constant, called `name` within the layer, and returns its whole name.
  public mutating func constant(_ name: String, _ tensor: Tensor) -> String {
    model.constants[prefix + name] = tensor
    return prefix + name
  }

  /// Adds a constant of one number a channel to be used with samples of a shape, (pixels x channels).
  mutating func constant(_ name: String, ofChannels values: [Float], shape: FeatureShape) -> String
  {
    let repeated = (0..<shape.pixels).flatMap { _ in values }
    return constant(name, Tensor(shape: [shape.count], elements: .float32(repeated)))
  }

  /// A batch as images: (n, count) to (n, channels, rows, columns).
  ///
  /// - Parameter output: what it is called within the layer.
  public mutating func appendImage(
    _ value: String, shape: FeatureShape, to output: String = "image"
  )
    -> String
  {
    let extents = "shape.\(shape)"
    // 0 takes the extent of the batch.
    model.constants[extents] = Tensor(
      shape: [4],
      elements: .int64([0, shape.rows, shape.columns, shape.channels].map { Int64($0) }))
    let last = append("Reshape", [value, extents], to: output + "_channels_last")
    return append("Transpose", [last], to: output, integerLists: ["perm": [0, 3, 1, 2]])
  }

  /// Images as a batch: (n, channels, rows, columns) to (n, count).
  public mutating func appendFlat(_ image: String, to output: String) -> String {
    let last = append(
      "Transpose", [image], to: output + "_channels_last", integerLists: ["perm": [0, 2, 3, 1]])
    return append("Flatten", [last], to: output, integers: ["axis": 1])
  }
}

extension DeepNetwork where Scalar == Float {
  /// The network, as it is evaluated, as a graph of standard ONNX operators: `input`
  /// (batch, inputDimension) to `logits` (batch, outputCount), samples stored as for
  /// ``logits(_:)``, images channels last.
  ///
  /// - Throws: `NetworkError` that names a layer which cannot be written.
  package func onnxModel() throws(NetworkError) -> ONNXModel {
    var model = ONNXModel(
      name: "polyrelu-deep",
      documentation: "a deep network of pReLU layers; an input is "
        + "\(architecture.inputShape) numbers, row by row, channels last",
      input: .init(name: "input", width: inputDimension),
      output: .init(name: "logits", width: outputCount))
    model.metadata = DeepModelFile.metadata(of: architecture)
    var graph = ONNXGraph(model, prefix: "layers.")
    let value = try architecture.layers.appendOperators(
      to: &graph, reading: "input", shape: architecture.inputShape, parameters: parameters)
    // Whichever operator is the last, also if there is none, its value leaves under this name.
    graph.model.append("Identity", [value], to: "logits")
    return graph.model
  }
}
