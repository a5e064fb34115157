/// A graph of standard ONNX operators in single precision, ready to be written.
///
/// Opset 17 with IR version 8, which onnxruntime reads since 1.12. Source: onnx/onnx, `onnx.proto`.
package struct ONNXModel: Sendable, Equatable {
  /// One operator of the graph.
  package struct Node: Sendable, Equatable {
    /// The operator of the standard domain, for example `MatMul`.
    package var operation: String
    /// Names of the values it reads.
    package var inputs: [String]
    /// The name of the value it makes.
    package var output: String
    package var integers: [String: Int] = [:]
    /// Its attributes that are lists of integers.
    package var integerLists: [String: [Int]] = [:]
    /// Its attributes in single precision.
    package var floats: [String: Float] = [:]
  }

  /// A value that enters or leaves the graph: (batch, `width`).
  package struct Port: Sendable, Equatable {
    /// The name of the value.
    package var name: String
    /// The number of columns.
    package var width: Int

    /// A value by name and width.
    package init(name: String, width: Int) {
      self.name = name
      self.width = width
    }
  }

  /// The version of the operator set.
  package static let operatorSet = 17

  static let irVersion = 8

  /// The name of the graph.
  package var name: String
  /// For a person.
  package var documentation: String
  /// The value that enters.
  package var input: Port
  /// The value that leaves.
  package var output: Port
  /// The operators, each after those it depends on.
  package private(set) var nodes: [Node] = []
  /// Constants by name; numbers are written in single precision, integers as they are.
  package var constants: [String: Tensor] = [:]
  /// Free text by key.
  package var metadata: [String: String] = [:]

  /// A graph without operators.
  package init(name: String, documentation: String, input: Port, output: Port) {
    self.name = name
    self.documentation = documentation
    self.input = input
    self.output = output
  }

  /// Adds an operator and returns the name of its value.
  @discardableResult
  package mutating func append(
    _ operation: String, _ inputs: [String], to output: String, integers: [String: Int] = [:],
    integerLists: [String: [Int]] = [:], floats: [String: Float] = [:]
  ) -> String {
    nodes.append(
      Node(
        operation: operation, inputs: inputs, output: output, integers: integers,
        integerLists: integerLists, floats: floats))
    return output
  }

  /// Writes the file `path`, atomically.
  package func write(to path: String) throws(FormatError) {
    let size = constants.values.reduce(0) { $0 + 4 * $1.count }
    guard size < 1 << 31 - 1 << 20 else {
      throw FormatError(
        path: path, "cannot be written: \(size) bytes of weights, an ONNX file holds at most 2 GiB")
    }
    try AtomicFile.write(encoded(), to: path)
  }

  /// The bytes of a file; equal models give equal bytes.
  package func encoded() -> [UInt8] {
    var model = ProtobufMessage()
    model.append(1, Self.irVersion)
    model.append(2, "polyrelu")
    model.append(6, documentation)
    model.append(7) { graph in
      for node in nodes { graph.append(1) { encode(node, &$0) } }
      graph.append(2, name)
      for (name, tensor) in constants.sorted(by: { $0.key < $1.key }) {
        graph.append(5) { encode(name, tensor, &$0) }
      }
      graph.append(11) { encode(input, &$0) }
      graph.append(12) { encode(output, &$0) }
    }
    model.append(8) {
      $0.append(1, "")
      $0.append(2, Self.operatorSet)
    }
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
      model.append(14) {
        $0.append(1, key)
        $0.append(2, value)
      }
    }
    return model.bytes
  }

  private func encode(_ node: Node, _ message: inout ProtobufMessage) {
    for input in node.inputs { message.append(1, input) }
    message.append(2, node.output)
    message.append(3, node.output)
    message.append(4, node.operation)
    for (name, value) in node.integers.sorted(by: { $0.key < $1.key }) {
      message.append(5) {
        $0.append(1, name)
        $0.append(3, value)
        $0.append(20, 2)
      }
    }
    for (name, values) in node.integerLists.sorted(by: { $0.key < $1.key }) {
      message.append(5) {
        $0.append(1, name)
        for value in values { $0.append(8, value) }
        $0.append(20, 7)
      }
    }
    for (name, value) in node.floats.sorted(by: { $0.key < $1.key }) {
      message.append(5) {
        $0.append(1, name)
        $0.append(2, value)
        $0.append(20, 1)
      }
    }
  }

  /// TensorProto of type FLOAT, for integers INT64.
  private func encode(_ name: String, _ tensor: Tensor, _ message: inout ProtobufMessage) {
    var (type, elements) = (1, Tensor.Elements.float32([]))
    if case .int64 = tensor.elements {
      (type, elements) = (7, tensor.elements)
    } else {
      elements = .float32(tensor.floats)
    }
    for extent in tensor.shape { message.append(1, extent) }
    message.append(2, type)
    message.append(8, name)
    message.append(9, elements.withBytes { Array($0) })
  }

  /// ValueInfoProto of a float tensor (batch, width).
  private func encode(_ port: Port, _ message: inout ProtobufMessage) {
    message.append(1, port.name)
    message.append(2) { type in
      type.append(1) { tensor in
        tensor.append(1, 1)
        tensor.append(2) { shape in
          shape.append(1) { $0.append(2, "batch") }
          shape.append(1) { $0.append(1, port.width) }
        }
      }
    }
  }
}
