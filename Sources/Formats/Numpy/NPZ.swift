/// The `.npz` format of numpy: a zip archive with one `.npy` file an array.
///
/// Hostile archives are refused before memory is reserved for them: an entry may not claim more
/// bytes than its compressed size can hold, its `.npy` header must promise exactly these, and all
/// arrays together must stay below `maximumBytes`.
public enum NPZ {
  /// The default of the most bytes that the arrays read may take in memory: 4 GiB.
  public static let defaultMaximumBytes = 4 << 30

  /// Reads arrays from the file `path`.
  ///
  /// - Parameters:
  ///   - names: the arrays to read, all of which must be there; nil reads every array.
  ///   - maximumBytes: the most bytes that the result may take in memory.
  public static func read(
    path: String, names: [String]? = nil, maximumBytes: Int = defaultMaximumBytes
  ) throws(FormatError) -> [String: Tensor] {
    try read(ZipArchive(path: path), names, maximumBytes)
  }

  /// Reads arrays from the contents of a file; errors name `path`.
  public static func decode(
    _ bytes: [UInt8], path: String, names: [String]? = nil,
    maximumBytes: Int = defaultMaximumBytes
  ) throws(FormatError) -> [String: Tensor] {
    try read(ZipArchive(bytes: bytes, path: path), names, maximumBytes)
  }

  /// The names of the arrays in the file `path`, in its order.
  public static func names(path: String) throws(FormatError) -> [String] {
    try ZipArchive(path: path).entries.compactMap(arrayName)
  }

  /// The shape of the array `name`, nil if there is none; reads its header only.
  static func shape(
    of name: String, in archive: ZipArchive
  ) throws(FormatError) -> [Int]? {
    guard let entry = archive.entries.first(where: { arrayName($0) == name }) else { return nil }
    var source = try archive.open(entry, isWhole: false)
    return try NPYHeader.read(
      from: &source, available: entry.size, what: "array '\(name.shortened)'", path: archive.path
    ).header.shape
  }

  static func read(
    _ archive: ZipArchive, _ names: [String]?, _ maximumBytes: Int
  ) throws(FormatError) -> [String: Tensor] {
    var entries: [String: ZipArchive.Entry] = [:]
    for entry in archive.entries {
      if let name = arrayName(entry) { entries[name] = entry }
    }
    var remaining = maximumBytes
    var result: [String: Tensor] = [:]
    for name in names ?? entries.keys.sorted() {
      guard let entry = entries[name] else {
        throw FormatError(
          path: archive.path,
          "has no array '\(name.shortened)'; it holds \(listing(entries.keys.sorted(), "arrays"))")
      }
      var source = try archive.open(entry)
      let tensor = try NPY.decode(
        from: &source, size: entry.size, what: "array '\(name.shortened)'", path: archive.path,
        maximumBytes: remaining)
      try source.finish()
      remaining -= tensor.count * tensor.elements.scalarType.width
      result[name] = tensor
    }
    return result
  }

  /// The name of the array in `entry`; other files in an archive are left alone.
  static func arrayName(_ entry: ZipArchive.Entry) -> String? {
    entry.name.hasSuffix(".npy") ? String(entry.name.dropLast(4)) : nil
  }
}
