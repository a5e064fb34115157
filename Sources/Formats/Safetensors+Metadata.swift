extension Safetensors {
  /// The metadata of the file `path`; its tensors are not read.
  public static func metadata(path: String) throws(FormatError) -> [String: String] {
    let source = try FileSource(path: path)
    func take(_ count: Int) throws(FormatError) -> [UInt8] {
      try collect(count, path) { (buffer) throws(FormatError) in try source.read(into: buffer) }
    }
    let prefix = try take(min(8, source.size))
    let claimed = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let length = min(claimed, UInt64(max(0, source.size - 8)), UInt64(maximumHeaderLength))
    return try header(prefix + take(Int(length)), path).0.metadata
  }
}
