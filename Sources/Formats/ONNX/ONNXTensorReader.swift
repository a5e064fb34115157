import Foundation

/// Reads the tensors of an ONNX file: numbers of its own, or of a file beside it.
struct ONNXTensorReader {
  /// More axes than any tensor of a network has.
  private static let maximumAxes = 16

  /// The ONNX file, for errors and for the folder of other files.
  let path: String

  /// The numbers of a tensor.
  /// - Parameter what: what an error calls it.
  func tensor(_ message: Onnx_TensorProto, what: String) throws(FormatError) -> Tensor {
    let type = try scalarType(message, what)
    let shape = message.dims.map { Int(truncatingIfNeeded: $0) }
    guard shape.count <= Self.maximumAxes, let count = Tensor.count(of: shape),
      let byteCount = type.byteCount(count), byteCount < 1 << 40
    else {
      throw FormatError(path: path, "\(what) has the impossible shape \(shapeText(shape))")
    }
    func mismatch(_ found: Int, _ unit: String, _ expected: Int) -> FormatError {
      FormatError(
        path: path,
        "\(what) of shape \(shapeText(shape)) has \(found) \(unit); expected \(expected)")
    }
    if message.dataLocation == .external {
      return Tensor(
        shape: shape, elements: try external(message, type, count, byteCount, what))
    }
    if message.hasRawData {
      guard message.rawData.count == byteCount else {
        throw mismatch(message.rawData.count, "bytes", byteCount)
      }
      let elements = try [UInt8](message.rawData).withRawBytes { (bytes) throws(FormatError) in
        var source = MemorySource(bytes)
        return try type.read(count: count, swapped: false, from: &source, what: what, path: path)
      }
      return Tensor(shape: shape, elements: elements)
    }
    let elements = typedElements(message, type)
    guard elements.count == count else { throw mismatch(elements.count, "numbers", count) }
    return Tensor(shape: shape, elements: elements)
  }

  private func scalarType(_ message: Onnx_TensorProto, _ what: String) throws(FormatError)
    -> ScalarType
  {
    switch Onnx_TensorProto.DataType(rawValue: Int(truncatingIfNeeded: message.dataType)) {
    case .float: return .float32
    case .double: return .float64
    case .float16: return .float16
    case .bfloat16: return .bfloat16
    case .bool: return .bool
    case .int8: return .int8
    case .uint8: return .uint8
    case .int16: return .int16
    case .uint16: return .uint16
    case .int32: return .int32
    case .uint32: return .uint32
    case .int64: return .int64
    case .uint64: return .uint64
    case let other:
      let name = other.map { "\($0)".uppercased() } ?? "\(message.dataType)"
      throw FormatError(
        path: path,
        "\(what) has the element type \(name); expected floating-point numbers or integers")
    }
  }

  /// The numbers of the fields that have a type, which hold narrow types in wider ones.
  private func typedElements(_ message: Onnx_TensorProto, _ type: ScalarType) -> Tensor.Elements {
    switch type {
    case .float32: .float32(message.floatData)
    case .float64: .float64(message.doubleData)
    case .float16:
      .float32(
        message.int32Data.map { Float(Float16(bitPattern: UInt16(truncatingIfNeeded: $0))) })
    case .bfloat16:
      .float32(message.int32Data.map { Float(bitPattern: UInt32(truncatingIfNeeded: $0) << 16) })
    case .int64: .int64(message.int64Data)
    case .uint32, .uint64: .int64(message.uint64Data.map { Int64(clamping: $0) })
    default: .int64(message.int32Data.map { Int64($0) })
    }
  }

  /// The numbers of a file beside this one, as PyTorch's exporter writes them.
  private func external(
    _ message: Onnx_TensorProto, _ type: ScalarType, _ count: Int, _ byteCount: Int, _ what: String
  ) throws(FormatError) -> Tensor.Elements {
    var entries: [String: String] = [:]
    for entry in message.externalData { entries[entry.key] = entry.value }
    let name = entries["location"] ?? ""
    guard !name.isEmpty, name != ".", name != "..", !name.contains("/"), !name.contains("\\"),
      !name.contains("\0")
    else {
      throw FormatError(
        path: path,
        "\(what) is kept in '\(name.shortened)'; expected the name of a file beside this one")
    }
    guard let offset = Int(entries["offset"] ?? "0"), offset >= 0,
      let length = Int(entries["length"] ?? "\(byteCount)"), length == byteCount
    else {
      throw FormatError(
        path: path,
        "\(what) is kept at an impossible place of '\(name.shortened)'; expected \(byteCount) bytes"
      )
    }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    let neighbour = folder.appendingPathComponent(name).path
    var source = try FileSource(path: neighbour)
    guard offset <= source.size, byteCount <= source.size - offset else {
      throw FormatError(
        path: neighbour,
        "has \(source.size) bytes; \(what) of \(path) lies at \(offset) and takes \(byteCount)")
    }
    try source.seek(to: offset)
    return try type.read(count: count, swapped: false, from: &source, what: what, path: neighbour)
  }
}
