/// A split into training and test samples without chance: of every category, in the order of the
/// data, each fifth sample is for testing.
///
/// About 80/20, the same proportions of every category on both sides, and the same forever.
public enum StratifiedSplit: String, Sendable, Equatable, Codable, CaseIterable {
  /// All samples, for training and testing alike.
  case all
  /// Four of five samples.
  case train
  /// One of five samples.
  case test

  /// The samples of this part, in ascending order.
  ///
  /// - Parameter categories: the category of every sample.
  public func indices(of categories: [Int]) -> [Int] {
    var seen: [Int: Int] = [:]
    return categories.indices.filter { index in
      let position = seen[categories[index], default: 0]
      seen[categories[index]] = position + 1
      let isTest = position % 5 == 4
      return self == .all || isTest == (self == .test)
    }
  }
}
