/// A file of named tensors in any of the formats this module reads, recognised by its content: its name
/// only helps to say what was expected.
public struct TensorFile {
  private enum Storage {
    case safetensors(Safetensors)
    case npz
    case torch(TorchArchive)
  }

  private let path: String
  private let storage: Storage

  /// The names of the tensors, sorted.
  public let names: [String]

  /// Opens a safetensors file, an `.npz` archive or a file of PyTorch's `torch.save`.
  public init(path: String) throws(FormatError) {
    self.path = path
    let start = try Self.start(of: path)
    if start.starts(with: [0x50, 0x4B]) {
      let archive = try ZipArchive(path: path)
      if archive.entries.contains(where: TorchArchive.isPickle) {
        let torch = try TorchArchive(archive)
        (storage, names) = (.torch(torch), torch.names)
      } else {
        (storage, names) = (.npz, try NPZ.names(path: path).sorted())
      }
      return
    }
    if let problem = Self.problem(path, start) { throw FormatError(path: path, problem) }
    let file = try Safetensors(path: path)
    (storage, names) = (.safetensors(file), file.tensors.keys.sorted())
  }

  /// The contents, of the tensors only those named; names that the file does not have are left out.
  ///
  /// - Parameter maximumBytes: the most bytes that the tensors may take in memory.
  public func contents(of wanted: Set<String>, maximumBytes: Int) throws(FormatError)
    -> Safetensors
  {
    let present = names.filter(wanted.contains)
    switch storage {
    case .safetensors(let file): return file
    case .npz:
      return Safetensors(
        tensors: try NPZ.read(path: path, names: present, maximumBytes: maximumBytes))
    case .torch(let archive):
      return Safetensors(tensors: try archive.read(names: present, maximumBytes: maximumBytes))
    }
  }

  /// Whether the file is a zip archive: npz, or of PyTorch.
  public static func isArchive(path: String) throws(FormatError) -> Bool {
    try start(of: path).starts(with: [0x50, 0x4B])
  }

  private static func start(of path: String) throws(FormatError) -> [UInt8] {
    let source = try FileSource(path: path)
    return try collect(64, path) { (buffer) throws(FormatError) in try source.read(into: buffer) }
  }

  /// Why a file that is no zip archive cannot be a safetensors file either.
  private static func problem(_ path: String, _ start: [UInt8]) -> String? {
    let name = path.lowercased()
    // A pickle of protocol 2 to 5; a safetensors header of such a length would start with '{' at 8.
    let isPickle = start.count > 2 && start[0] == 0x80 && (2...5).contains(start[1])
    if isPickle, start.count < 9 || start[8] != UInt8(ascii: "{") {
      return
        "is a bare pickle, such as PyTorch wrote before version 1.6; load it in PyTorch and save "
        + "the state dict again with torch.save"
    }
    if name.hasSuffix(".onnx") {
      return "is an ONNX file, which can be written but not read; expected safetensors, npz or pt"
    }
    if name.hasSuffix(".pt") || name.hasSuffix(".pth") {
      return "is not a zip archive; expected a state dict written by torch.save"
    }
    if name.hasSuffix(".npz") { return "is not a zip archive; expected an npz file" }
    return nil
  }
}

/// Up to eight names in quotes, for an error.
func listing(_ names: [String], _ what: String) -> String {
  if names.isEmpty { return "no \(what)" }
  let shown = names.prefix(8).map { "'\($0)'" }.joined(separator: ", ")
  return names.count > 8 ? "\(shown) and \(names.count - 8) more" : shown
}
