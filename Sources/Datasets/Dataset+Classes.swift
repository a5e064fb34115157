import Formats
import LinearCore

extension Dataset {
  /// The same samples with their classes numbered as something else numbers them: by value.
  ///
  /// Classes and subclasses that have samples keep them. Subclasses without samples whose class is unknown
  /// are left out.
  ///
  /// - Parameters:
  ///   - known: the values of the classes, in the order of their numbers.
  ///   - count: how many classes there are, if more than those values; the others have no samples.
  ///   - knower: what an error calls what knows them, such as "--model runs/a".
  /// - Throws: `DatasetError.invalid` at the first sample whose label is none of these values.
  public func numbered(
    by known: [ClassLabel], count: Int? = nil, of knower: String
  ) throws(DatasetError) -> Dataset {
    var result = self
    result.classCount = max(count ?? 0, known.count)
    result.classValues = known == ClassLabel.numbers(result.classCount) ? nil : known
    if let values = result.classValues, values.count < result.classCount {
      result.classValues = values + Self.placeholders(result.classCount - values.count)
    }
    let own = classes
    if own.count <= known.count, own[...] == known.prefix(own.count) { return result }
    let numbers = Dictionary(uniqueKeysWithValues: known.enumerated().map { ($1, $0) })
    let moved = own.map { numbers[$0] }
    for (row, label) in labels.enumerated() {
      guard let number = moved[label] else {
        throw .invalid(
          source: name,
          problem: "label \(own[label].quoted) of sample \(row) is unknown to \(knower), whose "
            + (known.count == 1 ? "only class is " : "classes are ") + ClassLabel.listing(known))
      }
      result.labels[row] = number
    }
    result.moveGroups(moved)
    return result
  }

  /// Values of classes that nothing is known about.
  private static func placeholders(_ count: Int) -> [ClassLabel] {
    (0..<count).map { .name("unnamed \($0 + 1)") }
  }

  /// Gives subclasses the new numbers of their classes.
  private mutating func moveGroups(_ moved: [Int?]) {
    guard let groupLabels else { return }
    let labels = groupLabels.map { moved[$0] }
    let kept = labels.indices.filter { labels[$0] != nil }
    self.groupLabels = labels.compactMap { $0 }
    if kept.count == labels.count { return }
    let numbers = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
    // Only subclasses without samples go.
    groups = groups?.compactMap { numbers[$0] }
    let values = groupValues ?? ClassLabel.numbers(labels.count)
    groupValues = kept.map { values[$0] }
    groupCenters = groupCenters?.rows(at: kept)
  }

  /// The values that occur among the labels.
  public var presentClasses: Set<ClassLabel> {
    let own = classes
    return Set(Set(labels).map { own[$0] })
  }
}
