import Formats
import Foundation
import LinearCore

/// Samples from a file of the user.
///
/// The content of a file tells its format, whatever it is called. `FILE.npz` and `FILE.safetensors`, and a
/// dictionary of tensors that PyTorch's `torch.save` wrote, hold `X` (n, D), `y` (n) and perhaps `group` (n), of any
/// float, integer or bool type, `.npz` also in Fortran order and either byte order. `FILE.npy` holds X
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
    let categories = try integers(arrays.labels, count: inputs.rows)
    var data = Dataset(name: name, inputs: inputs, labels: categories, classCount: 1)
    switch rule {
    case .category:
      (data.labels, data.classCount) = classes(categories)
    case .modulo(let n):
      data.labels = categories.map(rule.label)
      data.classCount = n
      (data.groups, _) = numbered(categories)
    }
    if let groups = arrays.groups {
      (data.groups, _) = numbered(try integers(groups, count: inputs.rows))
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
    guard try reading({ () throws(FormatError) in try NPY.isArray(path: path) }) else {
      return try tensors(path)
    }
    func source(_ path: String, _ name: String) throws(DatasetError) -> Source {
      let tensor = try reading { () throws(FormatError) in try NPY.read(path: path) }
      return Source(tensor: tensor, path: path, name: name)
    }
    let inputs = try source(path, "X")
    let groupPath = "\(stem(path))_groups.npy"
    let hasGroups = FileManager.default.fileExists(atPath: groupPath)
    return (
      inputs, try source(labelPath(path), "y"), hasGroups ? try source(groupPath, "group") : nil
    )
  }

  /// The path without `.npy`, in small letters or large.
  private static func stem(_ path: String) -> Substring {
    path.lowercased().hasSuffix(".npy") ? path.dropLast(4) : path[...]
  }

  private static func tensors(
    _ path: String
  ) throws(DatasetError) -> (inputs: Source, labels: Source, groups: Source?) {
    let file: TensorFile
    do throws(FormatError) {
      file = try TensorFile(path: path) { $0.isSuperset(of: ["X", "y"]) }
    } catch {
      let endings = [".npz", ".npy", ".safetensors", ".pt", ".pth"]
      guard endings.contains(where: { path.lowercased().hasSuffix($0) }) else {
        throw .invalid(source: path, problem: "is no .npz, .safetensors or .npy file")
      }
      throw .file(error)
    }
    // Shapes that do not fit are refused before memory is taken for numbers.
    let inputs = try reading { () throws(FormatError) in try file.shape(of: "X") }
    if let inputs {
      if let problem = problem(ofInputs: inputs) {
        throw .invalid(source: path, problem: "array 'X' \(problem)")
      }
      for name in ["y", "group"] {
        let shape = try reading { () throws(FormatError) in try file.shape(of: name) }
        if let shape, let problem = problem(ofLabels: shape, count: inputs[0]) {
          throw .invalid(source: path, problem: "array '\(name)' \(problem)")
        }
      }
    }
    func source(_ name: String) throws(DatasetError) -> Source {
      let tensor = try reading { () throws(FormatError) in try file.tensor(name) }
      return Source(tensor: tensor, path: path, name: name)
    }
    // Labels first: they are small, and more often wrong.
    let labels = try file.names.contains("X") ? source("y") : source("X")
    let groups = file.names.contains("group") ? try source("group") : nil
    return (try source("X"), labels, groups)
  }

  private static func problem(ofInputs shape: [Int]) -> String? {
    shape.count == 2 && shape[0] > 0 && shape[1] > 0
      ? nil : "has shape \(shape); expected (samples, dimension), both at least 1"
  }

  private static func problem(ofLabels shape: [Int], count: Int) -> String? {
    shape == [count] || shape == [count, 1]
      ? nil : "has shape \(shape); expected [\(count)], one entry a row of 'X'"
  }

  private static func labelPath(_ path: String) throws(DatasetError) -> String {
    let url = URL(fileURLWithPath: path)
    let stem = String(stem(url.lastPathComponent))
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

  private static func inputs(_ source: Source) throws(DatasetError) -> Matrix<Float> {
    let shape = source.tensor.shape
    if let problem = problem(ofInputs: shape) { throw source.invalid(problem) }
    let matrix = Matrix<Float>(rows: shape[0], columns: shape[1], elements: source.tensor.floats)
    if !matrix.isFinite(), let index = matrix.elements.firstIndex(where: { !$0.isFinite }) {
      throw source.invalid(
        "holds \(matrix.elements[index]) in row \(index / shape[1]), column \(index % shape[1]); "
          + "expected finite single-precision numbers")
    }
    return matrix
  }

  private static func integers(_ source: Source, count: Int) throws(DatasetError) -> [Int] {
    let shape = source.tensor.shape
    if let problem = problem(ofLabels: shape, count: count) { throw source.invalid(problem) }
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
