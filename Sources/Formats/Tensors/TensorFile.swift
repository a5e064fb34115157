/// A file of named tensors in any of the formats this module reads, recognised by its content: its name
/// only helps to say what was expected.
package struct TensorFile {
  private enum Storage {
    case safetensors(SafetensorsFile)
    case npz(ZipArchive)
    case torch(TorchArchive)
  }

  private let path: String
  private let storage: Storage

  /// The names of the tensors, sorted.
  package let names: [String]

  /// Opens a safetensors file, an `.npz` archive or a file of PyTorch's `torch.save`, and reads what it holds, but no
  /// numbers yet.
  ///
  /// - Parameter isWanted: which of several dictionaries in a PyTorch file is meant, by the names in it.
  package init(path: String, isWanted: (Set<String>) -> Bool = { _ in true }) throws(FormatError) {
    self.path = path
    let start = try Self.start(of: path)
    if start.starts(with: [0x50, 0x4B]) {
      let archive = try ZipArchive(path: path)
      if archive.entries.contains(where: TorchArchive.isPickle) {
        let torch = try TorchArchive(archive, isWanted: isWanted)
        (storage, names) = (.torch(torch), torch.allNames)
      } else {
        (storage, names) = (.npz(archive), archive.entries.compactMap(NPZ.arrayName).sorted())
      }
      return
    }
    if let problem = Self.problem(path, start) { throw FormatError(path: path, problem) }
    let file = try SafetensorsFile(path: path)
    (storage, names) = (.safetensors(file), file.header.entries.keys.sorted())
  }

  /// The names of the tensors in the order of the file.
  package var namesInOrder: [String] {
    switch storage {
    case .safetensors(let file):
      file.header.entries.sorted { ($0.value.begin, $0.key) < ($1.value.begin, $1.key) }.map(\.key)
    case .npz(let archive): archive.entries.compactMap(NPZ.arrayName)
    case .torch(let archive): archive.namesInOrder
    }
  }

  /// The metadata of a safetensors file; other formats have none.
  package var metadata: [String: String] {
    if case .safetensors(let file) = storage { file.header.metadata } else { [:] }
  }

  /// The shape of the tensor `name`, nil where the file has none of that name. Reads no numbers.
  package func shape(of name: String) throws(FormatError) -> [Int]? {
    switch storage {
    case .safetensors(let file): file.header.entries[name]?.shape
    case .npz(let archive): try NPZ.shape(of: name, in: archive)
    case .torch(let archive): archive.shape(of: name)
    }
  }

  /// The tensor `name`.
  /// - Throws: `FormatError` if there is no such tensor, or it cannot be read.
  package func tensor(_ name: String) throws(FormatError) -> Tensor {
    guard names.contains(name) else {
      let noun = if case .npz = storage { "array" } else { "tensor" }
      throw FormatError(
        path: path,
        "has no \(noun) '\(name.shortened)'; it holds \(listing(names, noun + "s"))")
    }
    return try contents(of: [name], maximumBytes: NPZ.defaultMaximumBytes)
      .tensor(name, path: path)
  }

  /// The labels of this name: numbers, or in an npz archive text.
  package func labels(_ name: String) throws(FormatError) -> LabelArray {
    if case .npz = storage, names.contains(name) { return try NPZ.labels(path: path, name: name) }
    return .numbers(try tensor(name))
  }

  /// The shape of the labels `name`, nil where the file has none, or where they are text, which is read before its
  /// shape is known.
  package func labelShape(of name: String) throws(FormatError) -> [Int]? {
    if case .npz(let archive) = storage, try NPZ.isText(name, in: archive) { return nil }
    return try shape(of: name)
  }

  /// The contents, of the tensors only those named; names that the file does not have are left out.
  ///
  /// - Parameter maximumBytes: the most bytes that the tensors may take in memory.
  package func contents(of wanted: Set<String>, maximumBytes: Int) throws(FormatError)
    -> Safetensors
  {
    let present = names.filter(wanted.contains)
    switch storage {
    case .safetensors(let file):
      return try file.contents(of: wanted, maximumBytes: maximumBytes)
    case .npz(let archive):
      return Safetensors(tensors: try NPZ.read(archive, present, maximumBytes))
    case .torch(let archive):
      return Safetensors(tensors: try archive.read(names: present, maximumBytes: maximumBytes))
    }
  }

  /// Whether the file is a zip archive: npz, or of PyTorch.
  package static func isArchive(path: String) throws(FormatError) -> Bool {
    try start(of: path).starts(with: [0x50, 0x4B])
  }

  /// Whether the file is meant to be an ONNX file: by its name, or because it starts like one and like no other.
  package static func isONNX(path: String) throws(FormatError) -> Bool {
    if path.lowercased().hasSuffix(".onnx") { return true }
    let start = try start(of: path)
    guard start.count > 8, start[8] != UInt8(ascii: "{") else { return false }
    // The version of the format, a small number, and then a field of the model.
    return start[0] == 0x08 && start[1] < 0x20
      && [0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42].contains(start[2])
  }

  /// Whether a file is a table of text: no format of binary numbers, neither by its name nor by what it begins with.
  package static func isTable(path: String) throws(FormatError) -> Bool {
    let binary = [".npz", ".npy", ".safetensors", ".pt", ".pth", ".h5", ".hdf5"]
    if binary.contains(where: { path.lowercased().hasSuffix($0) }) { return false }
    let source = try FileSource(path: path)
    let start = try collect(4096, path) { (buffer) throws(FormatError) in
      try source.read(into: buffer)
    }
    guard CSVFile.isText(start) else { return false }
    if start.count > 8, start[8] == UInt8(ascii: "{") {
      // A safetensors header of that length, as far as the file may hold one.
      let length = start.prefix(8).reversed().reduce(0.0) { $0 * 256 + Double($1) }
      return length > Double(source.size)
    }
    return true
  }

  private static func start(of path: String) throws(FormatError) -> [UInt8] {
    let source = try FileSource(path: path)
    return try collect(64, path) { (buffer) throws(FormatError) in try source.read(into: buffer) }
  }

  /// Why a file that is no zip archive cannot be a safetensors file either.
  private static func problem(_ path: String, _ start: [UInt8]) -> String? {
    // Behind its length, a safetensors header starts with '{'.
    if start.count > 8, start[8] == UInt8(ascii: "{") { return nil }
    let name = path.lowercased()
    if start.starts(with: [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]) {
      return
        "is an HDF5 file, which is not read; expected npz, npy, safetensors or CSV (h5py reads it, "
        + "numpy.savez writes npz)"
    }
    // A pickle of protocol 2 to 5.
    if start.count > 2, start[0] == 0x80, (2...5).contains(start[1]) {
      return
        "is a bare pickle, such as PyTorch wrote before version 1.6; load it in PyTorch and save "
        + "the state dict again with torch.save"
    }
    if name.hasSuffix(".onnx") {
      return
        "is an ONNX file, in which only whole networks are read; expected safetensors, npz or pt"
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
  let shown = names.prefix(8).map { "'\($0.shortened)'" }.joined(separator: ", ")
  return names.count > 8 ? "\(shown) and \(names.count - 8) more" : shown
}
