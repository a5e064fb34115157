import Formats
import Foundation
import LinearCore

/// Samples from a file of the user.
///
/// The content of a file tells its format, whatever it is called. `FILE.npz` and `FILE.safetensors`, and a
/// dictionary of tensors that PyTorch's `torch.save` wrote, hold `X` (n, D), `y` (n) and perhaps `group` (n), of any
/// float, integer or bool type, `.npz` also in Fortran order and either byte order. X may have more axes, such as
/// (n, channels, rows, columns): a sample is then its numbers in the order of the file. `FILE.npy` holds X
/// alone; its labels are in the same folder, in the first of
/// 1. `FILE_labels.npy`,
/// 2. `y…` where FILE is `X…` (`X_train.npy` goes with `y_train.npy`),
/// 3. `labels.npy`,
/// and its groups, if any, in `FILE_groups.npy`.
///
/// Labels are integers, also as floats, or names: numpy's fixed-width text. If all are 0 or 1, or all are
/// -1 or +1, there are two classes and 1 is the positive one; other labels are numbered 0..<C in ascending
/// order, and ``Dataset/classes`` says their values. Under a modulus rule the label is the integer in the
/// file modulo n, and the integers in the file are the subclasses, unless `group` names them. Groups are
/// integers or names, numbered in ascending order; each must lie within one class.
public enum FeatureFile {
  /// Reads the file `path`.
  public static func load(
    path: String, labels rule: LabelRule = .category, split: StratifiedSplit = .all
  ) throws(DatasetError) -> Dataset {
    let arrays = try arrays(path)
    let name = URL(fileURLWithPath: path).lastPathComponent
    let inputs = try inputs(arrays.inputs)
    let values = try arrays.labels.values(count: inputs.rows.rows)
    let (categories, sorted) = numbered(values)
    var data = Dataset(name: name, inputs: inputs.rows, labels: categories, classCount: 1)
    (data.unit, data.exactInputs) = (inputs.unit, inputs.exact)
    switch rule {
    case .category:
      let found = classes(categories, sorted)
      data.labels = found.labels
      data.classCount = found.values.count
      data.classValues = found.values == ClassLabel.numbers(data.classCount) ? nil : found.values
    case .modulo(let n):
      data.labels = try arrays.labels.integers(values).map(rule.label)
      data.classCount = n
      (data.groups, data.groupValues) = (categories, sorted)
    }
    if let groups = arrays.groups {
      let (numbers, sorted) = numbered(try groups.values(count: inputs.rows.rows))
      (data.groups, data.groupValues) = (numbers, sorted)
    }
    if let groups = data.groups {
      data.groupLabels = try groupLabels(groups, data, (arrays.groups ?? arrays.labels).invalid)
    }
    return split == .all ? data : try part(split, of: data, categories, path)
  }

  /// The samples of a file that has no labels, all of one class; nil for a file that has some.
  static func unlabelled(path: String) throws(DatasetError) -> Dataset? {
    let source: Source
    if try reading({ () throws(FormatError) in try NPY.isArray(path: path) }) {
      guard labelNames(path).allSatisfy({ !FileManager.default.fileExists(atPath: $0) }) else {
        return nil
      }
      let tensor = try reading { () throws(FormatError) in try NPY.read(path: path) }
      source = Source(tensor: tensor, path: path, name: "X")
    } else {
      let file = try reading { () throws(FormatError) in
        try TensorFile(path: path) { $0.contains("X") }
      }
      guard file.names.contains("X"), !file.names.contains("y") else { return nil }
      if let shape = try reading({ () throws(FormatError) in try file.shape(of: "X") }),
        let problem = problem(ofInputs: shape)
      {
        throw .invalid(source: path, problem: "array 'X' \(problem)")
      }
      let tensor = try reading { () throws(FormatError) in try file.tensor("X") }
      source = Source(tensor: tensor, path: path, name: "X")
    }
    let found = try inputs(source)
    var data = Dataset(
      name: URL(fileURLWithPath: path).lastPathComponent, inputs: found.rows,
      labels: [Int](repeating: 0, count: found.rows.rows), classCount: 1)
    (data.unit, data.exactInputs) = (found.unit, found.exact)
    return data
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

  /// An array of labels and what an error calls it.
  private struct LabelSource {
    let array: LabelArray
    let path: String
    let name: String

    func invalid(_ problem: String) -> DatasetError {
      .invalid(source: path, problem: "array '\(name)' \(problem)")
    }

    /// The labels, one a row of X.
    func values(count: Int) throws(DatasetError) -> [ClassLabel] {
      if let problem = FeatureFile.problem(ofLabels: array.shape, count: count) {
        throw invalid(problem)
      }
      return try reading { () throws(FormatError) in try array.values(named: name, path: path) }
    }

    /// The same as integers, for what calculates with them.
    func integers(_ values: [ClassLabel]) throws(DatasetError) -> [Int] {
      var result: [Int] = []
      result.reserveCapacity(values.count)
      for value in values {
        guard case .integer(let number) = value else {
          throw invalid(
            "holds the name \(value.quoted); expected integers, for \(SettingName("labels")) parity or mod:N"
          )
        }
        result.append(number)
      }
      return result
    }
  }

  private static func arrays(
    _ path: String
  ) throws(DatasetError) -> (inputs: Source, labels: LabelSource, groups: LabelSource?) {
    guard try reading({ () throws(FormatError) in try NPY.isArray(path: path) }) else {
      return try tensors(path)
    }
    func labels(_ path: String, _ name: String) throws(DatasetError) -> LabelSource {
      let array = try reading { () throws(FormatError) in try NPY.labels(path: path) }
      return LabelSource(array: array, path: path, name: name)
    }
    let inputs = try reading { () throws(FormatError) in try NPY.read(path: path) }
    let groupPath = "\(stem(path))_groups.npy"
    let hasGroups = FileManager.default.fileExists(atPath: groupPath)
    return (
      Source(tensor: inputs, path: path, name: "X"), try labels(labelPath(path), "y"),
      hasGroups ? try labels(groupPath, "group") : nil
    )
  }

  /// The path without `.npy`, in small letters or large.
  private static func stem(_ path: String) -> Substring {
    path.lowercased().hasSuffix(".npy") ? path.dropLast(4) : path[...]
  }

  private static func tensors(
    _ path: String
  ) throws(DatasetError) -> (inputs: Source, labels: LabelSource, groups: LabelSource?) {
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
        let shape = try reading { () throws(FormatError) in try file.labelShape(of: name) }
        if let shape, let problem = problem(ofLabels: shape, count: inputs[0]) {
          throw .invalid(source: path, problem: "array '\(name)' \(problem)")
        }
      }
    }
    func labels(_ name: String) throws(DatasetError) -> LabelSource {
      let array = try reading { () throws(FormatError) in try file.labels(name) }
      return LabelSource(array: array, path: path, name: name)
    }
    func inputTensor() throws(DatasetError) -> Tensor {
      try reading { () throws(FormatError) in try file.tensor("X") }
    }
    // Labels first: they are small, and more often wrong.
    if inputs == nil { _ = try inputTensor() }
    let found = try labels("y")
    let groups = file.names.contains("group") ? try labels("group") : nil
    return (Source(tensor: try inputTensor(), path: path, name: "X"), found, groups)
  }

  private static func problem(ofInputs shape: [Int]) -> String? {
    shape.count >= 2 && shape.allSatisfy { $0 > 0 }
      ? nil : "has shape \(shape); expected (samples, dimension), both at least 1, or more axes"
  }

  private static func problem(ofLabels shape: [Int], count: Int) -> String? {
    shape == [count] || shape == [count, 1]
      ? nil : "has shape \(shape); expected [\(count)], one entry a row of 'X'"
  }

  /// The files beside an `.npy` file in which its labels may lie, the likeliest first.
  private static func labelNames(_ path: String) -> [String] {
    let url = URL(fileURLWithPath: path)
    let stem = String(stem(url.lastPathComponent))
    var names = ["\(stem)_labels.npy"]
    if stem.hasPrefix("X") { names.append("y\(stem.dropFirst()).npy") }
    names.append("labels.npy")
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[...$0]) } ?? ""
    return names.map { folder + $0 }.filter { $0 != path }
  }

  private static func labelPath(_ path: String) throws(DatasetError) -> String {
    let candidates = labelNames(path)
    if let found = candidates.first(where: FileManager.default.fileExists(atPath:)) {
      return found
    }
    let names = candidates.map { URL(fileURLWithPath: $0).lastPathComponent }
    throw .invalid(
      source: path,
      problem: "has no labels beside it; expected \(names.joined(separator: " or "))")
  }

  private static func inputs(_ source: Source) throws(DatasetError) -> ScaledSamples {
    let shape = source.tensor.shape
    if let problem = problem(ofInputs: shape) { throw source.invalid(problem) }
    let columns = source.tensor.count / shape[0]
    let samples = ScaledSamples(rows: shape[0], columns: columns, source.tensor)
    if let index = samples.firstNotFinite {
      throw source.invalid(
        "holds \(source.tensor.doubles[index]) in row \(index / columns), "
          + "column \(index % columns); expected finite numbers")
    }
    return samples
  }

  /// The labels of categories with their values in ascending order, see ``FeatureFile``.
  private static func classes(
    _ categories: [Int], _ values: [ClassLabel]
  ) -> (labels: [Int], values: [ClassLabel]) {
    for pair in [[0, 1], [-1, 1]] {
      let two = pair.map { ClassLabel.integer($0) }
      guard values.allSatisfy(two.contains) else { continue }
      return (categories.map { values[$0] == two[1] ? 1 : 0 }, two)
    }
    return (categories, values)
  }

  /// The values numbered in ascending order, and in that order.
  private static func numbered(_ values: [ClassLabel]) -> (numbers: [Int], sorted: [ClassLabel]) {
    let sorted = Set(values).sorted()
    let numbers = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1, $0) })
    return (values.map { numbers[$0] ?? 0 }, sorted)
  }

  private static func groupLabels(
    _ groups: [Int], _ data: Dataset, _ invalid: (String) -> DatasetError
  ) throws(DatasetError) -> [Int] {
    let (labels, classes) = (data.labels, data.classes)
    var result = [Int](repeating: -1, count: (groups.max() ?? -1) + 1)
    for (row, group) in groups.enumerated() {
      if result[group] < 0 { result[group] = labels[row] }
      guard result[group] == labels[row] else {
        throw invalid(
          "puts row \(row) of class \(classes[labels[row]].quoted) into a group of class "
            + "\(classes[result[group]].quoted); expected every group within one class")
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
