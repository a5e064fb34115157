extension Safetensors {
  /// Writes the file `path`, atomically.
  public func write(to path: String) throws(FormatError) {
    try AtomicFile.write(encoded(), to: path)
  }

  /// The bytes of a file: keys sorted, wide elements first so that every tensor is aligned.
  /// Equal contents give equal bytes.
  public func encoded() -> [UInt8] {
    let sorted = tensors.sorted { $0.key < $1.key }
    let laidOut = sorted.sorted {
      ($1.value.elements.scalarType.width, $0.key) < ($0.value.elements.scalarType.width, $1.key)
    }
    var offsets: [String: Range<Int>] = [:]
    var position = 0
    for (name, tensor) in laidOut {
      let end = position + tensor.count * tensor.elements.scalarType.width
      offsets[name] = position..<end
      position = end
    }
    var members: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }
        .map { "\(JSONString.quoted($0.key)):\(JSONString.quoted($0.value))" }
      members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    for (name, tensor) in sorted {
      let range = offsets[name] ?? 0..<0
      members.append(
        "\(JSONString.quoted(name)):{\"dtype\":\"\(code(of: tensor))\","
          + "\"shape\":[\(tensor.shape.map(String.init).joined(separator: ","))],"
          + "\"data_offsets\":[\(range.lowerBound),\(range.upperBound)]}")
    }
    var header = Array("{\(members.joined(separator: ","))}".utf8)
    // Spaces up to a multiple of eight keep the buffer aligned.
    header += [UInt8](repeating: 0x20, count: (8 - header.count % 8) % 8)
    var bytes = (0..<8).map { UInt8(header.count >> (8 * $0) & 255) }
    bytes.reserveCapacity(8 + header.count + position)
    bytes += header
    for (_, tensor) in laidOut {
      tensor.elements.withBytes { bytes.append(contentsOf: $0) }
    }
    return bytes
  }

  private func code(of tensor: Tensor) -> String {
    switch tensor.elements {
    case .float32: "F32"
    case .float64: "F64"
    case .int64: "I64"
    }
  }
}
