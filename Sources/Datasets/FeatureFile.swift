import Formats
import Foundation
import LinearCore

/// Samples from a file of the user.
///
/// `FILE.npz` and `FILE.safetensors` hold `X` (n, D), `y` (n) and perhaps `group` (n), of any float,
/// integer or bool type, `.npz` also in Fortran order and either byte order. `FILE.npy` holds X
/// alone; its labels are in the same folder, in the first of
/// 1. `FILE_labels.npy`,
/// 2. `y…` where FILE is `X…` (`X_train.npy` goes with `y_train.npy`),
/// 3. `labels.npy`,
/// and its groups, if any, in `FILE_groups.npy`.
///
/// Labels are integers. If all are 0 or 1, or all are -1 or +1, there are two classes and 1 is the
/// positive one; other labels are numbered 0..<C in ascending order. Under a modulus rule the label
/// is the integer in the file modulo n, and the integers in the file are the subclasses, unless
/// `group` names them. Groups are numbered in ascending order; each must lie within one class.
public enum FeatureFile {
  /// Reads the file `path`.
  public static func load(
    path: String, labels rule: LabelRule = .category, split: StratifiedSplit = .all
  ) throws(DatasetError) -> Dataset {
    let arrays = try arrays(path)
    let name = URL(fileURLWithPath: path).lastPathComponent
    let inputs = try inputs(arrays.inputs)
    let categories = try integers(arrays.labels, count: inputs.rows.rows)
    var data = Dataset(name: name, inputs: inputs.rows, labels: categories, classCount: 1)
    (data.unit, data.exactInputs) = (inputs.unit, inputs.exact)
    switch rule {
    case .category:
      (data.labels, data.classCount) = classes(categories)
    case .modulo(let n):
      data.labels = categories.map(rule.label)
      data.classCount = n
      (data.groups, _) = numbered(categories)
    }
    if let groups = arrays.groups {
      (data.groups, _) = numbered(try integers(groups, count: inputs.rows.rows))
    }
    if let groups = data.groups {
      data.groupLabels = try groupLabels(groups, data.labels, arrays.groups ?? arrays.labels)
    }
    return split == .all ? data : try part(split, of: data, categories, path)
  }

  /// An array and what an error calls it.
  private struct Source {
    let tensor: Tensor
    let path: String
    let name: String

    func invalid(_ problem: String) -> DatasetError {
      .invalid(source: path, problem: "array '\(name)' \(problem)")
    }
  }

  private static func arrays(
    _ path: String
  ) throws(DatasetError) -> (inputs: Source, labels: Source, groups: Source?) {
    if path.hasSuffix(".npz") {
      let names = try reading { () throws(FormatError) in try NPZ.names(path: path) }
      let wanted = ["X", "y"] + (names.contains("group") ? ["group"] : [])
      let arrays = try reading { () throws(FormatError) in
        try NPZ.read(path: path, names: wanted)
      }
      func source(_ name: String) -> Source? {
        arrays[name].map { Source(tensor: $0, path: path, name: name) }
      }
      guard let inputs = source("X"), let labels = source("y") else {
        throw .invalid(source: path, problem: "lacks the arrays 'X' and 'y'")
      }
      return (inputs, labels, source("group"))
    }
    if path.hasSuffix(".safetensors") { return try tensors(path) }
    guard path.hasSuffix(".npy") else {
      throw .invalid(source: path, problem: "is no .npz, .safetensors or .npy file")
    }
    func source(_ path: String, _ name: String) throws(DatasetError) -> Source {
      let tensor = try reading { () throws(FormatError) in try NPY.read(path: path) }
      return Source(tensor: tensor, path: path, name: name)
    }
    let inputs = try source(path, "X")
    let groupPath = "\(path.dropLast(4))_groups.npy"
    let hasGroups = FileManager.default.fileExists(atPath: groupPath)
    return (
      inputs, try source(labelPath(path), "y"), hasGroups ? try source(groupPath, "group") : nil
    )
  }

  private static func tensors(
    _ path: String
  ) throws(DatasetError) -> (inputs: Source, labels: Source, groups: Source?) {
    let file = try reading { () throws(FormatError) in try Safetensors(path: path) }
    func source(_ name: String) throws(DatasetError) -> Source {
      let tensor = try reading { () throws(FormatError) in try file.tensor(name, path: path) }
      return Source(tensor: tensor, path: path, name: name)
    }
    let hasGroups = file.tensors["group"] != nil
    return (try source("X"), try source("y"), hasGroups ? try source("group") : nil)
  }

  private static func labelPath(_ path: String) throws(DatasetError) -> String {
    let url = URL(fileURLWithPath: path)
    let stem = url.deletingPathExtension().lastPathComponent
    var names = ["\(stem)_labels.npy"]
    if stem.hasPrefix("X") { names.append("y\(stem.dropFirst()).npy") }
    names.append("labels.npy")
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[...$0]) } ?? ""
    for name in names where folder + name != path {
      if FileManager.default.fileExists(atPath: folder + name) { return folder + name }
    }
    throw .invalid(
      source: path,
      problem: "has no labels beside it; expected \(names.joined(separator: " or "))")
  }

  private static func inputs(_ source: Source) throws(DatasetError) -> ScaledSamples {
    let shape = source.tensor.shape
    guard shape.count == 2, shape[0] > 0, shape[1] > 0 else {
      throw source.invalid("has shape \(shape); expected (samples, dimension), both at least 1")
    }
    let samples = ScaledSamples(rows: shape[0], columns: shape[1], source.tensor)
    if let index = samples.firstNotFinite {
      throw source.invalid(
        "holds \(source.tensor.doubles[index]) in row \(index / shape[1]), "
          + "column \(index % shape[1]); expected finite numbers")
    }
    return samples
  }

  private static func integers(_ source: Source, count: Int) throws(DatasetError) -> [Int] {
    let shape = source.tensor.shape
    guard shape == [count] || shape == [count, 1] else {
      throw source.invalid("has shape \(shape); expected [\(count)], one entry a row of 'X'")
    }
    return try reading { () throws(FormatError) in
      try source.tensor.integers(named: source.name, path: source.path)
    }
  }

  /// Labels in 0..<count for the integers of a file, see ``FeatureFile``.
  private static func classes(_ categories: [Int]) -> (labels: [Int], count: Int) {
    if categories.allSatisfy({ $0 == 0 || $0 == 1 }) { return (categories, 2) }
    if categories.allSatisfy({ $0 == -1 || $0 == 1 }) { return (categories.map { max($0, 0) }, 2) }
    return numbered(categories)
  }

  /// The values numbered in ascending order.
  private static func numbered(_ values: [Int]) -> ([Int], count: Int) {
    let sorted = Set(values).sorted()
    let numbers = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1, $0) })
    return (values.map { numbers[$0] ?? 0 }, sorted.count)
  }

  private static func groupLabels(
    _ groups: [Int], _ labels: [Int], _ source: Source
  ) throws(DatasetError) -> [Int] {
    var result = [Int](repeating: -1, count: (groups.max() ?? -1) + 1)
    for (row, group) in groups.enumerated() {
      if result[group] < 0 { result[group] = labels[row] }
      guard result[group] == labels[row] else {
        throw source.invalid(
          "puts row \(row) of class \(labels[row]) into a group of class \(result[group]); "
            + "expected every group within one class")
      }
    }
    return result
  }

  private static func part(
    _ split: StratifiedSplit, of data: Dataset, _ categories: [Int], _ path: String
  ) throws(DatasetError) -> Dataset {
    let indices = split.indices(of: categories)
    guard !indices.isEmpty else {
      throw .invalid(
        source: path, problem: "has too few samples of every class for the split '\(split)'")
    }
    return data.subset(indices)
  }
}
