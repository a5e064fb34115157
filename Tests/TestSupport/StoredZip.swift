/// A zip archive of members that are not compressed, with right checksums: what is damaged inside it reaches the
/// readers behind the archive.
public func storedZip(_ members: [(name: String, bytes: [UInt8])]) -> [UInt8] {
  func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
  var (result, directory): ([UInt8], [UInt8]) = ([], [])
  for (name, bytes) in members {
    let text = Array(name.utf8)
    let (sum, size) = (little(Int(checksum(bytes)), 4), little(bytes.count, 4))
    // Version 2.0, no flags, stored, no date.
    let head = little(20, 2) + little(0, 8) + sum + size + size + little(text.count, 2)
    let offset = result.count
    result += Array("PK\u{3}\u{4}".utf8) + head + little(0, 2) + text + bytes
    directory += Array("PK\u{1}\u{2}".utf8) + little(20, 2) + head + little(0, 12)
    directory += little(offset, 4) + text
  }
  let (start, size) = (little(result.count, 4), little(directory.count, 4))
  let count = little(members.count, 2)
  result += directory + Array("PK\u{5}\u{6}".utf8) + little(0, 4) + count + count + size + start
  return result + little(0, 2)
}

/// CRC-32, bit by bit.
private func checksum(_ bytes: [UInt8]) -> UInt32 {
  ~bytes.reduce(~UInt32(0)) { sum, byte in
    (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum >> 1 ^ (sum & 1 == 1 ? 0xEDB8_8320 : 0) }
  }
}
