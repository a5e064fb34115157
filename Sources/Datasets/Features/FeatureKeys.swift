import Formats
import LinearCore

/// Which arrays or columns of a file are samples and labels.
package struct FeatureKeys: Sendable, Equatable {
  /// The array of samples.
  package var x: String
  /// The array of labels; nil where there is none, and none is needed.
  package var y: String?

  /// A name of samples and the names of labels that go with it, the preferred one first.
  private struct Pair {
    let x: String
    let y: [String]
  }

  private static let labelNames = ["y", "Y", "labels", "label", "targets", "target"]

  private static let pairs: [Pair] = {
    var pairs = [Pair(x: "x", y: labelNames)]
    for part in ["test", "val", "valid", "train"] {
      for name in ["X_\(part)", "x_\(part)"] {
        pairs.append(Pair(x: name, y: ["y_\(part)", "Y_\(part)"]))
      }
      for name in ["images", "data", "x", "X"] {
        pairs.append(Pair(x: "\(part)_\(name)", y: labelNames.map { "\(part)_\($0)" }))
      }
    }
    for name in ["images", "image", "data", "features", "inputs"] {
      pairs.append(Pair(x: name, y: labelNames))
    }
    return pairs
  }()

  /// The keys to use among those that a file has: those given, `X` and `y`, or else the only pair that fits.
  ///
  /// - Throws: a problem in words, naming the keys that are there and the settings that choose.
  package init(
    x: String? = nil, y: String? = nil, among names: [String], needsLabels: Bool = true
  ) throws(FeatureKeyProblem) {
    for (key, name) in [("x-key", x), ("y-key", y)] {
      if let name, !names.contains(name) {
        throw FeatureKeyProblem(
          "has no array '\(name.shortened)', as \(SettingName(key)) says; \(Self.holding(names))")
      }
    }
    if let x = x ?? (names.contains("X") ? "X" : nil) {
      let partners = Self.pairs.first { $0.x == x }?.y ?? Self.labelNames
      self.x = x
      self.y = y ?? partners.first { names.contains($0) }
      if self.y == nil && needsLabels {
        throw FeatureKeyProblem(
          "has no array '\(partners[0])'; \(Self.holding(names)), and "
            + "\(SettingName("y-key")) names the labels")
      }
      return
    }
    var found: [FeatureKeys] = []
    for pair in Self.pairs where names.contains(pair.x) {
      let label = y ?? pair.y.first { names.contains($0) }
      if label != nil || !needsLabels { found.append(FeatureKeys(x: pair.x, y: label)) }
    }
    if !needsLabels, found.contains(where: { $0.y != nil }) { found.removeAll { $0.y == nil } }
    guard found.count == 1 else {
      throw FeatureKeyProblem(
        "has no array 'X'; \(Self.holding(names)), and \(SettingName("x-key")) and "
          + "\(SettingName("y-key")) name samples and labels")
    }
    self = found[0]
  }

  private init(x: String, y: String?) { (self.x, self.y) = (x, y) }

  /// The arrays of a file in words.
  private static func holding(_ names: [String]) -> String {
    if names.isEmpty { return "it holds no arrays" }
    let shown = names.prefix(8).map { "'\($0.shortened)'" }.joined(separator: ", ")
    return "it holds " + (names.count > 8 ? "\(shown) and \(names.count - 8) more" : shown)
  }
}

/// What is wrong with the keys of a file, without its name.
package struct FeatureKeyProblem: Error, Equatable {
  package let description: String
  init(_ description: String) { self.description = description }
}
