import LinearCore

extension Dataset {
  /// The data set itself, if its parts agree with each other.
  ///
  /// - Throws: `DatasetError.invalid` at the first input that is NaN, infinite or outside
  ///   `valueRange`, the first label or subclass out of range, or a shape that does not fit.
  public func validated() throws(DatasetError) -> Dataset {
    try require(count > 0 && dimension > 0, "has no samples: inputs are (\(count), \(dimension))")
    try require(classCount >= 1, "has \(classCount) classes; expected at least 1")
    try require(
      labels.count == count, "has \(labels.count) labels for \(count) samples")
    if let row = labels.firstIndex(where: { !(0..<classCount).contains($0) }) {
      throw invalid("label \(labels[row]) of sample \(row) lies outside 0..<\(classCount)")
    }
    if let classValues {
      try require(
        classValues.count == classCount && Set(classValues).count == classCount,
        "has \(classValues.count) values, \(Set(classValues).count) of them different, for "
          + "\(classCount) classes")
    }
    try validateInputs()
    try validateBox()
    if let sampleShape {
      try require(
        sampleShape.reduce(1, *) == dimension,
        "has samples of shape \(sampleShape) but \(dimension) coordinates")
    }
    try validateGroups()
    if let imageShape {
      try require(
        imageShape.count == dimension,
        "has images of \(imageShape.count) values but samples of \(dimension)")
    }
    return self
  }

  private func validateInputs() throws(DatasetError) {
    let range = valueRange ?? -Float.greatestFiniteMagnitude...Float.greatestFiniteMagnitude
    // One pass without a branch an element; the position is looked up only when it is needed.
    let bounds: (Float, Float, Bool) = inputs.withPointer { source in
      var (low, high) = (Float.infinity, -Float.infinity)
      var isNumber = true
      for index in 0..<inputs.elements.count {
        let value = source[index]
        low = value < low ? value : low
        high = value > high ? value : high
        isNumber = isNumber && value == value
      }
      return (low, high, isNumber)
    }
    if bounds.2, bounds.0 >= range.lowerBound, bounds.1 <= range.upperBound { return }
    let index = inputs.elements.firstIndex { !range.contains($0) } ?? 0
    let place = "row \(index / dimension), column \(index % dimension)"
    let expected =
      valueRange.map { "a number in \($0.lowerBound)...\($0.upperBound)" } ?? "a finite number"
    throw invalid("holds \(inputs.elements[index]) in \(place); expected \(expected)")
  }

  private func validateBox() throws(DatasetError) {
    guard let inputBox else { return }
    if let count = inputBox.dimension, count != dimension {
      throw invalid("has a box of \(count) coordinates for samples of \(dimension)")
    }
    if let index = inputBox.firstOutside(inputs) {
      let range = inputBox.range(at: index % dimension)
      throw invalid(
        "holds \(inUserUnits(inputs.elements[index])) in row \(index / dimension), \(coordinate(index % dimension)); "
          + "expected a number in \(inUserUnits(range.lowerBound))...\(inUserUnits(range.upperBound)), the valid range"
      )
    }
  }

  private func inUserUnits(_ value: Float) -> String {
    unit == 1 ? "\(value)" : "\(Double(value) * unit)"
  }

  private func validateGroups() throws(DatasetError) {
    guard let groups else { return }
    guard let groupLabels else { throw invalid("has subclasses without their classes") }
    try require(groups.count == count, "has \(groups.count) subclasses for \(count) samples")
    for (row, group) in groups.enumerated() {
      try require(
        groupLabels.indices.contains(group),
        "subclass \(group) of sample \(row) lies outside 0..<\(groupLabels.count)")
      try require(
        groupLabels[group] == labels[row],
        "sample \(row) has label \(labels[row]), its subclass \(group) has \(groupLabels[group])")
    }
    if let groupValues {
      try require(
        groupValues.count == groupLabels.count,
        "has \(groupValues.count) values for \(groupLabels.count) subclasses")
    }
    if let groupCenters {
      try require(
        groupCenters.rows == groupLabels.count && groupCenters.columns == dimension,
        "has centres of shape (\(groupCenters.rows), \(groupCenters.columns)); expected "
          + "(\(groupLabels.count), \(dimension))")
    }
  }

  private func require(
    _ condition: Bool, _ problem: @autoclosure () -> String
  ) throws(DatasetError) {
    if !condition { throw invalid(problem()) }
  }

  private func invalid(_ problem: String) -> DatasetError {
    .invalid(source: name, problem: problem)
  }
}
