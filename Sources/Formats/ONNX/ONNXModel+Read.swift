import SwiftProtobuf

extension ONNXModel {
  /// The most bytes that a file may have: what a protocol buffers message can hold.
  private static let maximumBytes = 1 << 31

  /// Reads the file `path`, and the files beside it in which it keeps weights.
  /// - Throws: `FormatError` for what is no ONNX graph of dense tensors of numbers.
  package init(path: String) throws(FormatError) {
    let bytes = try FileSource.contents(of: path, maximumBytes: Self.maximumBytes)
    try self.init(bytes: bytes, path: path)
  }

  /// Reads the contents of a file; errors name `path`.
  package init(bytes: [UInt8], path: String) throws(FormatError) {
    try ONNXMessageScan.check(bytes, path: path)
    var options = BinaryDecodingOptions()
    options.discardUnknownFields = true
    // A graph within an attribute within a node takes three; no supported operator has any.
    options.messageDepthLimit = 32
    let message: Onnx_ModelProto
    do {
      message = try Onnx_ModelProto(serializedBytes: bytes, options: options)
    } catch {
      throw FormatError(path: path, "is not an ONNX file: it is damaged or of another format")
    }
    guard message.hasGraph else {
      throw FormatError(path: path, "is not an ONNX file: it holds no graph")
    }
    try self.init(message, ONNXTensorReader(path: path))
  }

  private init(_ message: Onnx_ModelProto, _ reader: ONNXTensorReader) throws(FormatError) {
    let (graph, path) = (message.graph, reader.path)
    guard graph.sparseInitializer.isEmpty else {
      throw FormatError(path: path, "holds sparse constants; expected dense ones")
    }
    var constants: [String: Tensor] = [:]
    for tensor in graph.initializer {
      let name = tensor.name
      let constant = try reader.tensor(tensor, what: "constant '\(name.shortened)'")
      guard constants.updateValue(constant, forKey: name) == nil else {
        throw FormatError(path: path, "holds the constant '\(name.shortened)' twice")
      }
    }
    // Files of IR version 3 list constants among the inputs as well.
    self.init(
      name: graph.name, documentation: message.docString,
      inputs: graph.input.filter { constants[$0.name] == nil }.map(Port.init),
      outputs: graph.output.map(Port.init))
    self.constants = constants
    for node in graph.node { nodes.append(try Node(node, reader)) }
    for entry in message.metadataProps { metadata[entry.key] = entry.value }
    operatorSets = [:]
    for set in message.opsetImport {
      operatorSets[set.domain == "ai.onnx" ? "" : set.domain] = Int(truncatingIfNeeded: set.version)
    }
  }
}

extension ONNXModel.Port {
  fileprivate init(_ message: Onnx_ValueInfoProto) {
    let type = message.type.tensorType
    self.init(
      name: message.name,
      extents: type.hasShape
        ? type.shape.dim.map { dimension in
          if case .dimValue(let value) = dimension.value {
            Int(truncatingIfNeeded: value)
          } else {
            nil
          }
        } : nil)
  }
}

extension ONNXModel.Node {
  fileprivate init(
    _ message: Onnx_NodeProto, _ reader: ONNXTensorReader
  ) throws(FormatError) {
    self.init(
      name: message.name, operation: message.opType,
      domain: message.domain == "ai.onnx" ? "" : message.domain, inputs: message.input,
      outputs: message.output)
    for attribute in message.attribute {
      attributes[attribute.name] = try Self.attribute(attribute, of: message, reader)
    }
  }

  private static func attribute(
    _ message: Onnx_AttributeProto, of node: Onnx_NodeProto, _ reader: ONNXTensorReader
  ) throws(FormatError) -> ONNXModel.Attribute {
    switch message.type {
    case .int: return .integer(Int(truncatingIfNeeded: message.i))
    case .ints: return .integers(message.ints.map { Int(truncatingIfNeeded: $0) })
    case .float: return .float(message.f)
    case .floats: return .floats(message.floats)
    case .string: return .text(String(decoding: message.s, as: UTF8.self))
    case .tensor:
      let place =
        "attribute '\(message.name.shortened)' of \(node.opType.shortened) '\(node.name.shortened)'"
      return .tensor(try reader.tensor(message.t, what: place))
    case .undefined:
      // Files of the first version do not say the kind.
      if message.hasF { return .float(message.f) }
      if message.hasI { return .integer(Int(truncatingIfNeeded: message.i)) }
      if message.hasS { return .text(String(decoding: message.s, as: UTF8.self)) }
      return .integers(message.ints.map { Int(truncatingIfNeeded: $0) })
    case .strings: return .other("a list of text")
    case .graph, .graphs: return .other("a graph")
    case .sparseTensor, .sparseTensors: return .other("a sparse tensor")
    case .tensors: return .other("a list of tensors")
    case .typeProto, .typeProtos: return .other("a type")
    }
  }
}
