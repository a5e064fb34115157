import Foundation
import SwiftProtobuf

extension ONNXModel {
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
    do { return try message.serializedBytes() } catch {
      preconditionFailure("a message without required fields, below 2 GiB: \(error)")
    }
  }

  private var message: Onnx_ModelProto {
    var model = Onnx_ModelProto()
    model.irVersion = Int64(Self.irVersion)
    model.producerName = "polyrelu"
    model.docString = documentation
    model.graph.node = nodes.map(Self.message)
    model.graph.name = name
    model.graph.initializer = constants.sorted { $0.key < $1.key }
      .map { Self.message($0.value, name: $0.key) }
    model.graph.input = inputs.map(Self.message)
    model.graph.output = outputs.map(Self.message)
    model.opsetImport = operatorSets.sorted { $0.key < $1.key }.map { domain, version in
      var set = Onnx_OperatorSetIdProto()
      set.domain = domain
      set.version = Int64(version)
      return set
    }
    model.metadataProps = metadata.sorted { $0.key < $1.key }.map { key, value in
      var entry = Onnx_StringStringEntryProto()
      entry.key = key
      entry.value = value
      return entry
    }
    return model
  }

  private static func message(_ node: Node) -> Onnx_NodeProto {
    var message = Onnx_NodeProto()
    message.input = node.inputs
    message.output = node.outputs
    message.name = node.name
    message.opType = node.operation
    message.attribute = node.attributes
      .sorted { ($0.value.place, $0.key) < ($1.value.place, $1.key) }
      .map { Self.message($0.value, name: $0.key) }
    return message
  }

  private static func message(_ attribute: Attribute, name: String) -> Onnx_AttributeProto {
    var message = Onnx_AttributeProto()
    message.name = name
    switch attribute {
    case .integer(let value): (message.i, message.type) = (Int64(value), .int)
    case .integers(let values): (message.ints, message.type) = (values.map { Int64($0) }, .ints)
    case .float(let value): (message.f, message.type) = (value, .float)
    case .floats(let values): (message.floats, message.type) = (values, .floats)
    case .text(let value): (message.s, message.type) = (Data(value.utf8), .string)
    case .tensor(let value): (message.t, message.type) = (Self.message(value, name: ""), .tensor)
    case .other(let kind): preconditionFailure("an attribute that is not written: \(kind)")
    }
    return message
  }

  /// A tensor of type FLOAT, for integers INT64.
  private static func message(_ tensor: Tensor, name: String) -> Onnx_TensorProto {
    var message = Onnx_TensorProto()
    message.dims = tensor.shape.map { Int64($0) }
    message.name = name
    if case .int64 = tensor.elements {
      message.dataType = Int32(Onnx_TensorProto.DataType.int64.rawValue)
      message.rawData = tensor.elements.withBytes { Data($0) }
    } else {
      message.dataType = Int32(Onnx_TensorProto.DataType.float.rawValue)
      message.rawData = Tensor.Elements.float32(tensor.floats).withBytes { Data($0) }
    }
    return message
  }

  /// A float tensor whose varying extents are called `batch`.
  private static func message(_ port: Port) -> Onnx_ValueInfoProto {
    var message = Onnx_ValueInfoProto()
    message.name = port.name
    message.type.tensorType.elemType = Int32(Onnx_TensorProto.DataType.float.rawValue)
    message.type.tensorType.shape.dim = (port.extents ?? []).map { extent in
      var dimension = Onnx_TensorShapeProto.Dimension()
      if let extent { dimension.dimValue = Int64(extent) } else { dimension.dimParam = "batch" }
      return dimension
    }
    return message
  }
}

extension ONNXModel.Attribute {
  /// Where an attribute is written, beside those of other kinds: integers, lists of them, numbers, others.
  fileprivate var place: Int {
    switch self {
    case .integer: 0
    case .integers: 1
    case .float: 2
    case .floats, .text, .tensor, .other: 3
    }
  }
}
