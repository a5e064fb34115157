import Formats

extension Dataset {
  /// Samples that lie in memory, read as ``FeatureFile`` reads those of a file.
  ///
  /// - Parameters:
  ///   - name: what errors and reports call them.
  ///   - samples: (n, ...), finite numbers.
  ///   - labels: (n) or one-hot (n, classes); nil for samples without.
  ///   - groups: the subclass of every sample, (n).
  ///   - low: the smallest valid value, one for all coordinates or one for each; with `high`.
  ///   - high: the largest valid value.
  ///   - rule: how labels become classes.
  ///   - layout: how images lie in a sample.
  /// - Throws: `DatasetError` naming the array that does not fit.
  package init(
    name: String, samples: Tensor, labels: LabelArray?, groups: LabelArray? = nil,
    low: Tensor? = nil, high: Tensor? = nil, labels rule: LabelRule = .category,
    layout: InputLayout? = nil
  ) throws(DatasetError) {
    func array(_ tensor: Tensor, _ part: String) -> FeatureArray {
      FeatureArray(tensor: tensor, path: name, name: part)
    }
    self = try FeatureFile.dataset(
      FeatureArrays(
        inputs: array(samples, "X"),
        labels: labels.map { FeatureLabels(array: $0, path: name, name: "y") },
        groups: groups.map { FeatureLabels(array: $0, path: name, name: "group") },
        low: low.map { array($0, "low") }, high: high.map { array($0, "high") }),
      name: name, path: name, labels: rule, split: .all, layout: layout)
  }
}
