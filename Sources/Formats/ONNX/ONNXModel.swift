/// A graph of ONNX operators: what a file holds, and what is put together to be written.
///
/// Written files have operator set 17 and IR version 8, which onnxruntime reads since 1.12. Source:
/// onnx/onnx, `onnx.proto`.
package struct ONNXModel: Sendable, Equatable {
  /// A setting of an operator.
  package enum Attribute: Sendable, Equatable {
    case integer(Int)
    case integers([Int])
    case float(Float)
    case floats([Float])
    case text(String)
    case tensor(Tensor)
    /// What no supported operator has, by the name of its kind.
    case other(String)
  }

  /// One operator of the graph.
  package struct Node: Sendable, Equatable {
    /// What the file calls this use of the operator; may be empty.
    package var name: String
    /// The operator, for example `MatMul`.
    package var operation: String
    /// The set that the operator belongs to; empty for the standard.
    package var domain = ""
    /// Names of the values it reads; empty for one that is left out.
    package var inputs: [String]
    /// Names of the values it makes; empty for one that nobody asks for.
    package var outputs: [String]
    /// Its settings by name.
    package var attributes: [String: Attribute] = [:]

    /// The name of its first value.
    package var output: String { outputs.first ?? "" }
  }

  /// A value that enters or leaves the graph.
  package struct Port: Sendable, Equatable {
    /// The name of the value.
    package var name: String
    /// Its extents, nil for one that varies; nil as a whole where the file does not say them.
    package var extents: [Int?]?

    /// A value of shape (batch, `width`).
    package init(name: String, width: Int) {
      self.init(name: name, extents: [nil, width])
    }

    /// A value by name and extents.
    package init(name: String, extents: [Int?]?) {
      self.name = name
      self.extents = extents
    }

    /// The last extent; 0 where it is not known.
    package var width: Int { extents?.last.flatMap { $0 } ?? 0 }
  }

  /// The version of the operator set of files that are written.
  package static let operatorSet = 17

  static let irVersion = 8

  /// The name of the graph.
  package var name: String
  /// For a person.
  package var documentation: String
  /// The values that enter. Of a file that was read, constants are not among them.
  package var inputs: [Port]
  /// The values that leave.
  package var outputs: [Port]
  /// The operators; of a graph that is put together, each after those it depends on.
  package var nodes: [Node] = []
  /// Constants by name; numbers are written in single precision, integers as they are.
  package var constants: [String: Tensor] = [:]
  /// Free text by key.
  package var metadata: [String: String] = [:]
  /// The version of every operator set that the nodes come from, by domain.
  package var operatorSets: [String: Int] = ["": operatorSet]

  /// A graph without operators.
  package init(name: String, documentation: String, input: Port, output: Port) {
    self.init(name: name, documentation: documentation, inputs: [input], outputs: [output])
  }

  /// A graph without operators.
  init(name: String, documentation: String, inputs: [Port], outputs: [Port]) {
    self.name = name
    self.documentation = documentation
    self.inputs = inputs
    self.outputs = outputs
  }

  /// The first value that enters.
  package var input: Port { inputs[0] }

  /// Adds an operator and returns the name of its value.
  @discardableResult
  package mutating func append(
    _ operation: String, _ inputs: [String], to output: String, integers: [String: Int] = [:],
    integerLists: [String: [Int]] = [:], floats: [String: Float] = [:]
  ) -> String {
    var node = Node(name: output, operation: operation, inputs: inputs, outputs: [output])
    for (name, value) in integers { node.attributes[name] = .integer(value) }
    for (name, values) in integerLists { node.attributes[name] = .integers(values) }
    for (name, value) in floats { node.attributes[name] = .float(value) }
    nodes.append(node)
    return output
  }
}
