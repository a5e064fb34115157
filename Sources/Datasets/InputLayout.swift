import LinearCore

/// The order of the axes of an image: which of channels and pixels come first.
package enum InputLayout: String, Sendable, Codable, CaseIterable {
  /// (channels, rows, columns), as in PyTorch.
  case nchw
  /// (rows, columns, channels), as in TensorFlow.
  case nhwc
}

extension Dataset {
  /// Takes over the shape (n, ...) of an array of samples, and how images lie in it.
  ///
  /// - Throws: `DatasetError.invalid` where a layout is given for samples that are no images.
  mutating func takeShape(_ shape: [Int], layout: InputLayout?) throws(DatasetError) {
    let extents = Array(shape.dropFirst())
    sampleShape = extents.count > 1 ? extents : nil
    if let layout {
      guard extents.count == 3 else {
        throw .invalid(
          source: name,
          problem: "has samples of shape \(extents), for which \(SettingName("input-layout")) "
            + "means nothing; expected (channels, rows, columns) or (rows, columns, channels)")
      }
      self.layout = layout
    }
    imageShape = channelsLast
  }

  /// The shape of images whose channels come last; nil where that is not known.
  private var channelsLast: ImageShape? {
    guard let shape = sampleShape, shape.count == 3, layout == .nhwc else { return nil }
    return ImageShape(rows: shape[0], columns: shape[1], channels: shape[2])
  }

  /// The same images with their axes in another order; others stay as they are.
  ///
  /// - Precondition: ``layout`` is known and ``sampleShape`` has three axes, or the layout is asked for already.
  package func arranged(as other: InputLayout) -> Dataset {
    guard let layout, layout != other, let shape = sampleShape, shape.count == 3 else {
      return self
    }
    let (channels, rows, columns) =
      layout == .nchw ? (shape[0], shape[1], shape[2]) : (shape[2], shape[0], shape[1])
    let pixels = rows * columns
    // Where each coordinate of the new order lies in the old one.
    let source = (0..<dimension).map { j in
      other == .nhwc
        ? j % channels * pixels + j / channels : j % pixels * channels + j / pixels
    }
    var result = self
    result.inputs = inputs.columns(at: source)
    result.exactInputs = exactInputs?.columns(at: source)
    result.groupCenters = groupCenters?.columns(at: source)
    if case .perCoordinate(let lower, let upper) = inputBox {
      result.inputBox = .perCoordinate(
        lower: source.map { lower[$0] }, upper: source.map { upper[$0] })
    }
    result.layout = other
    result.sampleShape =
      other == .nhwc ? [rows, columns, channels] : [channels, rows, columns]
    result.imageShape = result.channelsLast
    return result
  }

  /// A coordinate in words: its index on every axis of a sample.
  func coordinate(_ j: Int) -> String {
    guard let shape = sampleShape else { return "column \(j)" }
    var (rest, indices) = (j, [Int]())
    for extent in shape.reversed() {
      indices.insert(rest % extent, at: 0)
      rest /= extent
    }
    return "column \(indices)"
  }

  /// Numbers that are one for all coordinates, one a channel or one a coordinate, as one a coordinate.
  ///
  /// - Throws: a problem in words, which says how many were expected.
  package func spread(_ values: [Double]) throws(SpreadProblem) -> [Double] {
    if values.count == dimension { return values }
    if values.count == 1 { return [Double](repeating: values[0], count: dimension) }
    let count = values.count
    let shape = sampleShape ?? imageShape.map { [$0.rows, $0.columns, $0.channels] } ?? []
    let expected = "expected one number, one a channel or \(dimension), one a coordinate"
    guard shape.count == 3 else {
      throw SpreadProblem("has \(count) numbers, but samples have no channels; \(expected)")
    }
    var fitting: [InputLayout] = []
    if shape[0] == count { fitting.append(.nchw) }
    if shape[2] == count { fitting.append(.nhwc) }
    if let known = layout ?? (sampleShape == nil ? .nhwc : nil) {
      fitting = fitting.filter { $0 == known }
    }
    guard let layout = fitting.first else {
      throw SpreadProblem("has \(count) numbers for samples of shape \(shape); \(expected)")
    }
    if fitting.count > 1 {
      throw SpreadProblem(
        "has \(count) numbers for samples of shape \(shape), whose channels may come first or last; "
          + "\(SettingName("input-layout")) says it")
    }
    let pixels = dimension / count
    return (0..<dimension).map { values[layout == .nchw ? $0 / pixels : $0 % count] }
  }

  /// A box from lower and upper bounds in the user's units, one or one a channel or coordinate.
  ///
  /// - Parameter invalid: makes an error of what is wrong with them, in words.
  package func box<Failure: Error>(
    lower: [Double], upper: [Double], _ invalid: (String) -> Failure
  ) throws(Failure) -> InputBox<Float> {
    if lower.count == 1, upper.count == 1, lower[0] <= upper[0] {
      return .uniform(Float(lower[0] / unit)...Float(upper[0] / unit))
    }
    let (low, high): ([Double], [Double])
    do throws(SpreadProblem) { (low, high) = (try spread(lower), try spread(upper)) } catch {
      throw invalid(error.description)
    }
    if let j = low.indices.first(where: { !(low[$0] <= high[$0]) }) {
      throw invalid(
        "leave coordinate \(j) the range from \(low[j]) to \(high[j]); expected the smaller "
          + "number first")
    }
    return .perCoordinate(
      lower: low.map { Float($0 / unit) }, upper: high.map { Float($0 / unit) })
  }

  /// The box of valid inputs: ``inputBox``, or else ``valueRange`` for every coordinate.
  package var validInputs: InputBox<Float>? { inputBox ?? valueRange.map { .uniform($0) } }
}

/// Why numbers cannot be spread over the coordinates, in words.
package struct SpreadProblem: Error, Equatable {
  package let description: String
  init(_ description: String) { self.description = description }
}

extension InputBox where Scalar == Float {
  /// A text that changes with any bound.
  var checksumText: String {
    switch self {
    case .uniform(let range): "\(range.lowerBound) \(range.upperBound)"
    case .perCoordinate(let lower, let upper): "\(lower) \(upper)"
    }
  }
}
