import Networks

extension GraphBuilder {
  /// A value with its axes in another order.
  mutating func transposed(_ value: Value, _ order: [Int]) throws(NetworkError) -> Value {
    let old = value.shape
    guard order.sorted() == Array(old.indices) else {
      throw NetworkError("an order \(Shape.text(order)) of \(old.count) axes")
    }
    let shape = order.map { old[$0] }
    // Axes of extent 1 may go anywhere.
    let moved = order.filter { old[$0] != 1 }
    if moved == moved.sorted() { return try reshaped(value, shape) }
    let strides = Shape.strides(old)
    return try rearranged(value, shape: shape) {
      Shape.places(shape, strides: order.map { strides[$0] })
    }
  }

  /// A value whose listed axes come last, in their order.
  mutating func withLast(_ axes: [Int], _ value: Value) throws(NetworkError) -> Value {
    try transposed(value, value.shape.indices.filter { !axes.contains($0) } + axes)
  }

  /// One number for every stretch along some axes.
  mutating func reduced(
    _ value: Value, axes: [Int], keepsAxes: Bool, _ function: Reduction.Function
  ) throws(NetworkError) -> Value {
    let old = value.shape
    let length = try Shape.count(axes.map { old[$0] })
    guard length > 0 else { throw NetworkError("a reduction over an axis of extent 0") }
    let shape = old.indices.compactMap { axis in
      axes.contains(axis) ? (keepsAxes ? 1 : nil) : old[axis]
    }
    let moved = try withLast(axes, value)
    return try append(
      Reduction(function: function, count: Shape.count(old) / length, length: length), [moved],
      shape: shape)
  }

  /// Mean 0 and variance 1 over the last axes, from `axis` on.
  mutating func normalized(_ value: Value, from axis: Int, epsilon: Double) throws(NetworkError)
    -> Value
  {
    let length = try Shape.count(Array(value.shape[axis...]))
    guard length > 0 else { throw NetworkError("a normalisation over an axis of extent 0") }
    guard epsilon >= 0, epsilon.isFinite else {
      throw NetworkError("epsilon is \(epsilon); expected a number of at least 0")
    }
    return try append(
      Normalization(
        count: Shape.count(value.shape) / length, length: length, epsilon: epsilon), [value],
      shape: value.shape)
  }

  /// Softmax along consecutive axes taken together.
  mutating func softmax(_ value: Value, axes: Range<Int>, isLogarithmic: Bool) throws(NetworkError)
    -> Value
  {
    let moved = try withLast(Array(axes), value)
    let length = try Shape.count(Array(value.shape[axes]))
    guard length > 0 else { throw NetworkError("a softmax over an axis of extent 0") }
    let result = try append(
      Softmax(
        count: Shape.count(value.shape) / length, length: length, isLogarithmic: isLogarithmic),
      [moved], shape: moved.shape)
    // Back to where the axes were.
    let order = value.shape.indices.filter { !axes.contains($0) } + Array(axes)
    return try transposed(result, value.shape.indices.map { order.firstIndex(of: $0)! })
  }

  /// Values side by side along an axis.
  mutating func concatenated(_ values: [Value], axis: Int) throws(NetworkError) -> Value {
    guard let first = values.first else { throw NetworkError("nothing to put side by side") }
    let axis = try Shape.axis(axis, of: first.shape.count)
    func others(_ shape: [Int]) -> [Int] {
      shape.indices.map { $0 == axis ? 0 : shape[$0] }
    }
    guard values.allSatisfy({ others($0.shape) == others(first.shape) }) else {
      throw NetworkError(
        "values of shapes \(values.prefix(8).map { Shape.text($0.shape) }.joined(separator: ", ")) side by "
          + "side along axis \(axis)")
    }
    var shape = first.shape
    shape[axis] = 0
    for value in values {
      let (sum, overflow) = shape[axis].addingReportingOverflow(value.shape[axis])
      shape[axis] = overflow ? .max : sum
    }
    _ = try Shape.count(shape)
    if values.allSatisfy({ $0.tensor != nil }) {
      return .constant(try concatenatedConstants(values.compactMap(\.tensor), axis, shape))
    }
    let inner = try Shape.count(Array(shape[(axis + 1)...]))
    var parts: [Value] = []
    for value in values where value.shape[axis] > 0 { parts.append(try materialized(value)) }
    return try append(
      Concatenation(
        outer: Shape.count(Array(shape[..<axis])), lengths: parts.map { $0.shape[axis] * inner }),
      parts, shape: shape)
  }
}
