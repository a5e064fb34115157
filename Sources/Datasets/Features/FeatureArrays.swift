import Formats
import Foundation
import LinearCore

/// What a file of the user holds, before labels are numbered.
struct FeatureArrays {
  /// Samples, (n, ...).
  var inputs: FeatureArray
  /// One entry a sample; nil where the file has no labels and none are needed.
  var labels: FeatureLabels?
  /// The subclass of every sample.
  var groups: FeatureLabels?
  /// The smallest and the largest valid value, one for all coordinates or one for each.
  var low: FeatureArray?
  var high: FeatureArray?
  /// What was understood that the user may not expect, a line each.
  var notes: [String] = []

  /// Opens a file; its content tells the format.
  static func open(_ path: String, _ options: FeatureOptions) throws(DatasetError) -> FeatureArrays
  {
    if try reading({ () throws(FormatError) in try NPY.isArray(path: path) }) {
      return try plainArray(path, options)
    }
    if try reading({ () throws(FormatError) in try TensorFile.isTable(path: path) }) {
      return try CSVFeatures.arrays(path: path, options)
    }
    return try tensors(path, options)
  }

  private static func plainArray(
    _ path: String, _ options: FeatureOptions
  ) throws(DatasetError) -> FeatureArrays {
    for (name, key) in [("x-key", options.xKey), ("y-key", options.yKey)] where key != nil {
      throw .invalid(
        source: path, problem: "holds one array without a name; expected no \(SettingName(name))")
    }
    func labels(_ path: String, _ name: String) throws(DatasetError) -> FeatureLabels {
      let array = try reading { () throws(FormatError) in try NPY.labels(path: path) }
      return FeatureLabels(array: array, path: path, name: name)
    }
    let inputs = try reading { () throws(FormatError) in try NPY.read(path: path) }
    let groupPath = "\(stem(path))_groups.npy"
    let hasGroups = FileManager.default.fileExists(atPath: groupPath)
    let beside = try labelPath(path, isNeeded: options.needsLabels)
    return FeatureArrays(
      inputs: FeatureArray(tensor: inputs, path: path, name: "X"),
      labels: try beside.map { (path) throws(DatasetError) in try labels(path, "y") },
      groups: hasGroups && beside != nil ? try labels(groupPath, "group") : nil)
  }

  /// The path without `.npy`, in small letters or large.
  private static func stem(_ path: String) -> Substring {
    path.lowercased().hasSuffix(".npy") ? path.dropLast(4) : path[...]
  }

  private static func labelPath(
    _ path: String, isNeeded: Bool
  ) throws(DatasetError) -> String? {
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
    if !isNeeded { return nil }
    throw .invalid(
      source: path,
      problem: "has no labels beside it; expected \(names.joined(separator: " or "))")
  }

  private static func tensors(
    _ path: String, _ options: FeatureOptions
  ) throws(DatasetError) -> FeatureArrays {
    func keys(_ names: [String]) throws(FeatureKeyProblem) -> FeatureKeys {
      try FeatureKeys(
        x: options.xKey, y: options.yKey, among: names, needsLabels: options.needsLabels)
    }
    let file = try open(path) { names in
      do throws(FeatureKeyProblem) {
        _ = try keys(Array(names))
        return true
      } catch { return false }
    }
    let found: FeatureKeys
    do throws(FeatureKeyProblem) { found = try keys(file.names) } catch {
      throw .invalid(source: path, problem: error.description)
    }
    try checkShapes(file, found, path)
    func array(_ name: String) throws(DatasetError) -> FeatureArray {
      let tensor = try reading { () throws(FormatError) in try file.tensor(name) }
      return FeatureArray(tensor: tensor, path: path, name: name)
    }
    func labels(_ name: String) throws(DatasetError) -> FeatureLabels {
      let array = try reading { () throws(FormatError) in try file.labels(name) }
      return FeatureLabels(array: array, path: path, name: name)
    }
    func optional(_ name: String) throws(DatasetError) -> FeatureArray? {
      file.names.contains(name) ? try array(name) : nil
    }
    // Labels first: they are small, and more often wrong.
    let classes = try found.y.map { (name) throws(DatasetError) in try labels(name) }
    let groups = classes != nil && file.names.contains("group") ? try labels("group") : nil
    let (low, high) = (try optional("low"), try optional("high"))
    var result = FeatureArrays(
      inputs: try array(found.x), labels: classes, groups: groups, low: low, high: high)
    let isChosen = options.xKey != nil || options.yKey != nil
    if let y = found.y, !isChosen, (found.x, y) != ("X", "y") {
      result.notes.append("samples are array '\(found.x)', labels '\(y)'")
    }
    return result
  }

  private static func open(
    _ path: String, isWanted: (Set<String>) -> Bool
  ) throws(DatasetError) -> TensorFile {
    do throws(FormatError) { return try TensorFile(path: path, isWanted: isWanted) } catch {
      let endings = [".npz", ".npy", ".safetensors", ".pt", ".pth", ".csv", ".h5", ".hdf5"]
      guard
        endings.contains(where: { path.lowercased().hasSuffix($0) })
          || error.message.hasPrefix("is an HDF5")
      else {
        throw .invalid(source: path, problem: "is no .npz, .safetensors, .npy or .csv file")
      }
      throw .file(error)
    }
  }

  /// Shapes that do not fit are refused before memory is taken for numbers.
  private static func checkShapes(
    _ file: TensorFile, _ keys: FeatureKeys, _ path: String
  ) throws(DatasetError) {
    let inputs = try reading { () throws(FormatError) in try file.shape(of: keys.x) }
    guard let inputs else { return }
    if let problem = FeatureArray.problem(ofInputs: inputs) {
      throw .invalid(source: path, problem: "array '\(keys.x)' \(problem)")
    }
    for name in [keys.y, "group"].compactMap({ $0 }) {
      let shape = try reading { () throws(FormatError) in try file.labelShape(of: name) }
      let mayBeOneHot = name == keys.y
      if let shape,
        let problem = FeatureLabels.problem(
          ofShape: shape, count: inputs[0], samples: keys.x, mayBeOneHot: mayBeOneHot)
      {
        throw .invalid(source: path, problem: "array '\(name)' \(problem)")
      }
    }
  }
}

/// How a file of samples is to be read, beside its labels' rule and its part.
package struct FeatureOptions: Sendable, Equatable, Codable {
  /// The array of samples; nil for `X`, or what else fits.
  package var xKey: String?
  /// The array or column of labels; nil for `y`, or what else fits.
  package var yKey: String?
  /// How images lie in the file.
  package var layout: InputLayout?
  /// Whether data without labels are refused.
  package var needsLabels = true

  package init(
    xKey: String? = nil, yKey: String? = nil, layout: InputLayout? = nil, needsLabels: Bool = true
  ) {
    (self.xKey, self.yKey, self.layout, self.needsLabels) = (xKey, yKey, layout, needsLabels)
  }
}

/// An array and what an error calls it.
struct FeatureArray {
  let tensor: Tensor
  let path: String
  let name: String
  /// What a row and a column are called in an error about one of its numbers; nil for their numbers.
  var place: ((_ row: Int, _ column: Int) -> String)?

  func invalid(_ problem: String) -> DatasetError {
    .invalid(source: path, problem: "array '\(name)' \(problem)")
  }

  /// What is wrong with the shape of samples, (n, ...).
  static func problem(ofInputs shape: [Int]) -> String? {
    let count = shape.dropFirst().reduce(1) { product, extent in
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      return overflow ? 0 : next
    }
    return shape.count >= 2 && shape[0] > 0 && count > 0
      ? nil
      : "has shape \(shape); expected (samples, dimension), both at least 1, or (samples, ...)"
  }

  /// The samples as rows.
  func samples() throws(DatasetError) -> ScaledSamples {
    if let problem = Self.problem(ofInputs: tensor.shape) { throw invalid(problem) }
    let columns = tensor.count / tensor.shape[0]
    let samples = ScaledSamples(rows: tensor.shape[0], columns: columns, tensor)
    if let index = samples.firstNotFinite {
      let place =
        place?(index / columns, index % columns)
        ?? "row \(index / columns), column \(index % columns)"
      throw invalid("holds \(tensor.doubles[index]) in \(place); expected finite numbers")
    }
    return samples
  }
}
