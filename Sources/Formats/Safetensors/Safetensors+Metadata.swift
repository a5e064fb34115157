extension Safetensors {
  /// The metadata of the file `path`; its tensors are not read.
  public static func metadata(path: String) throws(FormatError) -> [String: String] {
    try SafetensorsFile(path: path).header.metadata
  }
}
