/// An array of labels as a file holds it: numbers of any type, or names.
package enum LabelArray: Sendable, Equatable {
  case numbers(Tensor)
  /// Fixed-width text, numpy's `<U` and `S`, row-major.
  case names(shape: [Int], [String])

  /// The values of labels, integers where all of them are: a one-dimensional array for a file.
  package init(_ labels: [ClassLabel]) {
    var integers: [Int64] = []
    for label in labels { if case .integer(let value) = label { integers.append(Int64(value)) } }
    self =
      integers.count == labels.count
      ? .numbers(Tensor(shape: [labels.count], elements: .int64(integers)))
      : .names(shape: [labels.count], labels.map(\.description))
  }

  package var shape: [Int] {
    switch self {
    case .numbers(let tensor): tensor.shape
    case .names(let shape, _): shape
    }
  }

  /// The values, row-major.
  ///
  /// - Parameters:
  ///   - name: what the array is called in an error, for example `y`.
  ///   - path: the file it came from.
  /// - Throws: `FormatError` at the first number that is not a finite integer.
  package func values(named name: String, path: String) throws(FormatError) -> [ClassLabel] {
    switch self {
    case .numbers(let tensor):
      try tensor.integers(named: name, path: path).map { .integer($0) }
    case .names(_, let names): names.map { .name($0) }
    }
  }
}

extension NPZ {
  /// Whether the array `name` holds text; reads its header only.
  static func isText(_ name: String, in archive: ZipArchive) throws(FormatError) -> Bool {
    guard let entry = archive.entries.first(where: { arrayName($0) == name }) else { return false }
    var source = try archive.open(entry, isWhole: false)
    let what = "array '\(name.shortened)'"
    let header = try NPYHeader.readDictionary(
      from: &source, available: entry.size, what: what, path: archive.path
    ).0
    let code = header.description.drop { "<>|=".contains($0) }
    return code.first.map { "USO".contains($0) } ?? false
  }

  /// Reads one array of labels from the file `path`.
  ///
  /// - Parameter maximumBytes: the most bytes that numbers may take in memory.
  package static func labels(
    path: String, name: String, maximumBytes: Int = defaultMaximumBytes
  ) throws(FormatError) -> LabelArray {
    let archive = try ZipArchive(path: path)
    let what = "array '\(name)'"
    if let entry = archive.entries.first(where: { $0.name == name + ".npy" }) {
      var source = try archive.open(entry)
      if let text = try NPYText.decode(from: &source, size: entry.size, what: what, path: path) {
        try source.finish()
        return text
      }
    }
    let arrays = try read(path: path, names: [name], maximumBytes: maximumBytes)
    guard let tensor = arrays[name] else {
      throw FormatError(path: path, "has no \(what)")
    }
    return .numbers(tensor)
  }

  /// Writes `arrays` and arrays of labels to the file `path`, atomically.
  package static func write(
    _ arrays: [String: Tensor], labels: [String: LabelArray], to path: String,
    isCompressed: Bool = false
  ) throws(FormatError) {
    var files = arrays.mapValues(NPY.encode)
    for (name, array) in labels {
      switch array {
      case .numbers(let tensor): files[name] = NPY.encode(tensor)
      case .names(let shape, let names): files[name] = NPYText.encode(names, shape: shape)
      }
    }
    try AtomicFile.write(encode(files: files, path: path, isCompressed: isCompressed), to: path)
  }
}

extension NPY {
  /// Reads the array of labels in the file `path`.
  package static func labels(path: String) throws(FormatError) -> LabelArray {
    var source = try FileSource(path: path)
    if let text = try NPYText.decode(from: &source, size: source.size, what: "array", path: path) {
      return text
    }
    return .numbers(try read(path: path))
  }
}
