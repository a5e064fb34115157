import Formats
import Foundation
import LinearCore

/// Samples from a file of the user.
///
/// The content of a file tells its format, whatever it is called. `FILE.npz` and `FILE.safetensors`, and a
/// dictionary of tensors that PyTorch's `torch.save` wrote, hold `X` (n, ...), `y` (n) and perhaps `group` (n), of any
/// float, integer or bool type, `.npz` also in Fortran order and either byte order. Without `X`, the only pair of
/// names such as `x_test` and `y_test` is taken. Arrays `low` and `high` are the valid values, one number or one a
/// coordinate. A table of text (CSV) has a header, a column of labels called y, label, target or class, perhaps a
/// column `group`, and features in all other columns. `FILE.npy` holds X
/// alone; its labels are in the same folder, in the first of
/// 1. `FILE_labels.npy`,
/// 2. `y…` where FILE is `X…` (`X_train.npy` goes with `y_train.npy`),
/// 3. `labels.npy`,
/// and its groups, if any, in `FILE_groups.npy`.
///
/// Labels are integers, also as floats, names (numpy's fixed-width text), or one-hot (n, K). If all are 0 or 1, or all are
/// -1 or +1, there are two classes and 1 is the positive one; other labels are numbered 0..<C in ascending
/// order, and ``Dataset/classes`` says their values. Under a modulus rule the label is the integer in the
/// file modulo n, and the integers in the file are the subclasses, unless `group` names them. Groups are
/// integers or names, numbered in ascending order; each must lie within one class.
public enum FeatureFile {
  /// Reads the file `path`.
  public static func load(
    path: String, labels rule: LabelRule = .category, split: StratifiedSplit = .all
  ) throws(DatasetError) -> Dataset {
    try load(path: path, labels: rule, split: split, options: FeatureOptions())
  }

  /// Reads the file `path`.
  package static func load(
    path: String, labels rule: LabelRule = .category, split: StratifiedSplit = .all,
    options: FeatureOptions
  ) throws(DatasetError) -> Dataset {
    try dataset(
      FeatureArrays.open(path, options), name: URL(fileURLWithPath: path).lastPathComponent,
      path: path, labels: rule, split: split, layout: options.layout)
  }

  /// The samples of arrays.
  ///
  /// - Parameters:
  ///   - name: what the data are called.
  ///   - path: where they come from, for errors.
  static func dataset(
    _ arrays: FeatureArrays, name: String, path: String, labels rule: LabelRule,
    split: StratifiedSplit, layout: InputLayout?
  ) throws(DatasetError) -> Dataset {
    let inputs = try arrays.inputs.samples()
    let count = inputs.rows.rows
    let found = try arrays.labels.map { (labels) throws(DatasetError) in
      try labels.values(count: count, samples: arrays.inputs.name, mayBeOneHot: true)
    }
    let values = found?.labels ?? [ClassLabel](repeating: .integer(0), count: count)
    let (categories, sorted) = numbered(values)
    var data = Dataset(name: name, inputs: inputs.rows, labels: categories, classCount: 1)
    (data.unit, data.exactInputs) = (inputs.unit, inputs.exact)
    data.notes = arrays.notes
    data.isLabelled = found != nil
    switch rule {
    case .category:
      let result = classes(categories, sorted)
      data.labels = result.labels
      data.classCount = result.values.count
      data.classValues = result.values == ClassLabel.numbers(data.classCount) ? nil : result.values
      if let count = found?.oneHotClasses {
        data = try data.numbered(by: ClassLabel.numbers(count), of: "one-hot labels")
      }
    case .modulo(let n):
      data.classCount = n
      if let labels = arrays.labels {
        data.labels = try labels.integers(values).map(rule.label)
        (data.groups, data.groupValues) = (categories, sorted)
      }
    }
    if let classes = found?.oneHotClasses, let labels = arrays.labels {
      data.notes.append(
        "array '\(labels.name)' is one-hot, read as the classes 0 to \(classes - 1)")
    }
    if let groups = arrays.groups {
      let values = try groups.values(count: count, samples: arrays.inputs.name).labels
      (data.groups, data.groupValues) = numbered(values)
    }
    if let groups = data.groups, let source = arrays.groups ?? arrays.labels {
      data.groupLabels = try groupLabels(groups, data, source.invalid)
    }
    try data.takeShape(arrays.inputs.tensor.shape, layout: layout)
    data.inputBox = try box(arrays, data)
    return split == .all ? data : try part(split, of: data, categories, path)
  }

  /// The valid values as arrays `low` and `high` say them.
  private static func box(
    _ arrays: FeatureArrays, _ data: Dataset
  ) throws(DatasetError) -> InputBox<Float>? {
    switch (arrays.low, arrays.high) {
    case (nil, nil): return nil
    case (let low?, nil): throw low.invalid("stands alone; expected an array 'high' beside it")
    case (nil, let high?): throw high.invalid("stands alone; expected an array 'low' beside it")
    case (let low?, let high?):
      let shape = data.sampleShape ?? [data.dimension]
      for bound in [low, high] {
        guard bound.tensor.count == 1 || bound.tensor.count == data.dimension else {
          throw bound.invalid(
            "has shape \(bound.tensor.shape); expected one number, or \(shape) as a sample")
        }
      }
      return try data.box(lower: low.tensor.doubles, upper: high.tensor.doubles) { problem in
        DatasetError.invalid(source: low.path, problem: "arrays 'low' and 'high' \(problem)")
      }
    }
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
