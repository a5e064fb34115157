import Formats
import LinearCore

/// An array of labels and what an error calls it.
struct FeatureLabels {
  let array: LabelArray
  let path: String
  let name: String

  /// Labels, and the number of classes where the array says it.
  struct Values {
    let labels: [ClassLabel]
    /// K of one-hot labels (n, K).
    var oneHotClasses: Int?
  }

  func invalid(_ problem: String) -> DatasetError {
    .invalid(source: path, problem: "array '\(name)' \(problem)")
  }

  /// What is wrong with the shape of labels: (n), perhaps with axes of one behind it, or one-hot (n, K).
  ///
  /// - Parameter samples: what the array of samples is called.
  static func problem(
    ofShape shape: [Int], count: Int, samples: String, mayBeOneHot: Bool
  ) -> String? {
    if shape.first == count, shape.dropFirst().allSatisfy({ $0 == 1 }) { return nil }
    if mayBeOneHot, shape.count == 2, shape[0] == count, shape[1] > 1 { return nil }
    let oneHot = mayBeOneHot && shape.count == 2 ? " or one-hot [\(count), classes]" : ""
    return "has shape \(shape); expected [\(count)], one entry a row of '\(samples)'\(oneHot)"
  }

  /// The labels, one a sample.
  func values(
    count: Int, samples: String, mayBeOneHot: Bool = false
  ) throws(DatasetError) -> Values {
    if let problem = Self.problem(
      ofShape: array.shape, count: count, samples: samples, mayBeOneHot: mayBeOneHot)
    {
      throw invalid(problem)
    }
    if array.shape.count == 2, array.shape[1] > 1 { return try oneHot(array.shape[1]) }
    return Values(
      labels: try reading { () throws(FormatError) in try array.values(named: name, path: path) })
  }

  /// The columns of the ones.
  private func oneHot(_ classes: Int) throws(DatasetError) -> Values {
    guard case .numbers(let tensor) = array else {
      throw invalid("holds names in shape \(array.shape); expected one name a sample")
    }
    let numbers = tensor.doubles
    var labels: [ClassLabel] = []
    labels.reserveCapacity(array.shape[0])
    for row in 0..<array.shape[0] {
      let entries = numbers[row * classes..<(row + 1) * classes]
      let ones = entries.indices.filter { numbers[$0] == 1 }
      guard ones.count == 1, entries.allSatisfy({ $0 == 0 || $0 == 1 }) else {
        throw invalid(
          "has shape \(array.shape) but row \(row) is not one-hot; expected zeros and a single one, or "
            + "one label a sample")
      }
      labels.append(.integer(ones[0] - row * classes))
    }
    return Values(labels: labels, oneHotClasses: classes)
  }

  /// Labels as integers, for what calculates with them.
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
