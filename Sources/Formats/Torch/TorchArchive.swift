/// A file that PyTorch's `torch.save` wrote (version 1.6 or later: a zip archive with a pickle), opened
/// for its state dict.
///
/// Only tensors of plain numbers are read, through ``PickleReader``; any other Python object beside them is passed
/// over, and refused by name where it stands in the place of a tensor that is asked for. The state dict may lie inside
/// a dictionary, as `state_dict`, `model`, `net` or any other name.
package struct TorchArchive {
  /// The default of the most bytes that the tensors read may take in memory: 4 GiB.
  package static let defaultMaximumBytes = 4 << 30

  /// Enough for the descriptions of half a million tensors.
  private static let maximumPickleLength = 1 << 25

  private let archive: ZipArchive
  private let dictionary: TorchDictionary
  private let storages: [String: ZipArchive.Entry]
  private let isBigEndian: Bool

  private var tensors: [String: TorchTensor] { dictionary.tensors }

  /// The names of the tensors, sorted.
  package var names: [String] { tensors.keys.sorted() }

  /// The names of the tensors and of what stands in the place of one, sorted.
  var allNames: [String] { (Array(tensors.keys) + Array(dictionary.foreign.keys)).sorted() }

  /// The same in the order of the dictionary.
  var namesInOrder: [String] { dictionary.order }

  /// The shape of the tensor `name`, nil if there is none.
  func shape(of name: String) -> [Int]? { tensors[name]?.shape }

  /// Opens the file `path` and reads what it holds, but no numbers yet.
  package init(path: String) throws(FormatError) {
    try self.init(ZipArchive(path: path))
  }

  /// Opens the contents of a file; errors name `path`.
  package init(bytes: [UInt8], path: String) throws(FormatError) {
    try self.init(ZipArchive(bytes: bytes, path: path))
  }

  init(
    _ archive: ZipArchive, isWanted: (Set<String>) -> Bool = { _ in true }
  ) throws(FormatError) {
    let path = archive.path
    guard let pickle = archive.entries.first(where: Self.isPickle) else {
      throw FormatError(path: path, "holds no data.pkl; expected a file of torch.save")
    }
    let folder = pickle.name.dropLast("data.pkl".count)
    var storages: [String: ZipArchive.Entry] = [:]
    var order: ZipArchive.Entry?
    for entry in archive.entries where entry.name.hasPrefix(folder) {
      let name = entry.name.dropFirst(folder.count)
      if name.hasPrefix("data/") { storages[String(name.dropFirst(5))] = entry }
      if name == "byteorder" { order = entry }
    }
    guard pickle.size <= Self.maximumPickleLength else {
      throw FormatError(
        path: path,
        "has a data.pkl of \(pickle.size) bytes; expected at most \(Self.maximumPickleLength)")
    }
    isBigEndian =
      try order.map { entry throws(FormatError) in
        try Self.isBigEndian(entry, archive)
      } ?? false
    var reader = PickleReader(try archive.bytes(of: pickle), path: path)
    dictionary = try reader.readStateDictionary(isWanted: isWanted)
    self.archive = archive
    self.storages = storages
  }

  static func isPickle(_ entry: ZipArchive.Entry) -> Bool {
    let parts = entry.name.split(separator: "/", omittingEmptySubsequences: false)
    return parts.last == "data.pkl" && parts.count <= 2
  }

  /// Reads tensors.
  ///
  /// - Parameters:
  ///   - names: the tensors to read, all of which must be there; nil reads every tensor.
  ///   - maximumBytes: the most bytes that the tensors and their storages may take in memory. Each
  ///     call also stays below 16 times the length of the file and a mebibyte, which the numbers that
  ///     `torch.save` stores in full never reach.
  package func read(names: [String]? = nil, maximumBytes: Int = defaultMaximumBytes)
    throws(FormatError) -> [String: Tensor]
  {
    let limit = min(maximumBytes, 16 * min(archive.size, 1 << 55) + 1 << 20)
    var remaining = limit
    var loaded: [TorchStorage: Tensor.Elements] = [:]
    var result: [String: Tensor] = [:]
    for name in names ?? self.names {
      let tensor = try tensor(name)
      let (storage, width) = (tensor.storage, tensor.storage.type.widthInMemory)
      func reserve(_ count: Int) throws(FormatError) {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: width)
        guard !overflow, bytes <= remaining else {
          throw FormatError(
            path: archive.path,
            "tensor '\(name.shortened)' of shape \(shapeText(tensor.shape)) takes the file beyond "
              + "\(limit) bytes in memory, more than it can honestly need")
        }
        remaining -= bytes
      }
      if loaded[storage] == nil {
        let entry = try checked(storage, of: name)
        try reserve(storage.count)
        loaded[storage] = try elements(storage, entry)
      }
      if !tensor.isWholeStorage { try reserve(tensor.count) }
      if let elements = loaded[storage] {
        result[name] = Tensor(shape: tensor.shape, elements: elements.viewed(tensor))
      }
    }
    return result
  }

  /// The tensor `name`, whose elements were checked to lie inside its storage.
  private func tensor(_ name: String) throws(FormatError) -> TorchTensor {
    if let maker = dictionary.foreign[name] {
      throw FormatError(
        path: archive.path,
        "'\(name.shortened)' is an object of '\(maker)', which is not read: expected a tensor of plain "
          + "numbers")
    }
    guard let tensor = tensors[name] else {
      throw FormatError(
        path: archive.path,
        "has no tensor '\(name.shortened)'; it holds \(listing(names, "tensors"))")
    }
    if let problem = tensor.problem {
      throw FormatError(path: archive.path, "tensor '\(name.shortened)' \(problem)")
    }
    return tensor
  }

  /// The archive's entry of a storage, which must be as long as the pickle says.
  private func checked(_ storage: TorchStorage, of name: String) throws(FormatError)
    -> ZipArchive.Entry
  {
    guard let entry = storages[storage.key] else {
      throw FormatError(
        path: archive.path,
        "tensor '\(name.shortened)' needs storage '\(storage.key.shortened)', which is missing")
    }
    guard storage.type.byteCount(storage.count) == entry.size else {
      throw FormatError(
        path: archive.path,
        "storage '\(storage.key.shortened)' of tensor '\(name.shortened)' holds \(entry.size) bytes; data.pkl says "
          + "\(storage.count) numbers of \(storage.type.width) bytes")
    }
    return entry
  }

  private func elements(_ storage: TorchStorage, _ entry: ZipArchive.Entry) throws(FormatError)
    -> Tensor.Elements
  {
    var source = try archive.open(entry)
    let elements = try storage.type.read(
      count: storage.count, swapped: isBigEndian, from: &source,
      what: "storage '\(storage.key.shortened)'", path: archive.path)
    try source.finish()
    return elements
  }

  private static func isBigEndian(
    _ entry: ZipArchive.Entry, _ archive: ZipArchive
  ) throws(FormatError) -> Bool {
    let text = entry.size <= 16 ? String(decoding: try archive.bytes(of: entry), as: UTF8.self) : ""
    guard text == "little" || text == "big" else {
      throw FormatError(
        path: archive.path, "has an unreadable byteorder; expected 'little' or 'big'")
    }
    return text == "big"
  }
}
