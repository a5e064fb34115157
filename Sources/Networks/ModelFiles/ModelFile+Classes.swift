import Formats

/// The values of the classes that a network tells apart, in the order of its outputs (of one output: the
/// negative class, then the positive one).
///
/// Metadata `classes` of a safetensors file, JSON such as `[1, 2, 3]` or `["cat", "dog"]`; an array
/// `classes` of an npz file, integers or text. Other files do not say them.
extension ModelFile {
  static let classesName = "classes"

  /// What the file `path` says about the values of its classes; nil where it says nothing.
  ///
  /// - Throws: `FormatError` for a file that cannot be read, for what is no list of integers or names, and
  ///   for a value that occurs twice.
  public static func classes(path: String) throws(FormatError) -> [ClassLabel]? {
    guard try TensorFile.isArchive(path: path) else {
      return try classes(metadata: Safetensors.metadata(path: path), path: path)
    }
    guard try NPZ.names(path: path).contains(classesName) else { return nil }
    let array = try NPZ.labels(path: path, name: classesName, maximumBytes: 1 << 24)
    guard array.shape.count == 1 else {
      throw FormatError(
        path: path, "array '\(classesName)' has shape \(array.shape); expected one axis")
    }
    return try checked(array.values(named: classesName, path: path), path)
  }

  /// What the metadata of a file say about the values of its classes.
  package static func classes(metadata: [String: String], path: String) throws(FormatError)
    -> [ClassLabel]?
  {
    // What other programs call by this name may be anything.
    guard let text = metadata[classesName], metadata["format"]?.hasPrefix("polyrelu") == true
    else { return nil }
    return try checked(ClassList.parse(text), path)
  }

  private static func checked(_ classes: [ClassLabel]?, _ path: String) throws(FormatError)
    -> [ClassLabel]
  {
    guard let classes, !classes.isEmpty else {
      throw FormatError(
        path: path, "metadata \(classesName) is no list of integers or names, such as [1, 2, 3]")
    }
    var seen: Set<ClassLabel> = []
    for label in classes where !seen.insert(label).inserted {
      throw FormatError(path: path, "'\(classesName)' holds the value \(label.quoted) twice")
    }
    return classes
  }
}
