import Networks

/// Arithmetic with extents, in the conventions of numpy, which ONNX shares.
enum Shape {
  /// The most numbers that a value of one sample, or a constant made from others, may have.
  static let largestCount = 1 << 24
  /// More axes than any network has.
  static let maximumAxes = 16

  /// As an error shows it.
  static func text(_ shape: [Int]) -> String {
    "[\(shape.prefix(maximumAxes).map(String.init).joined(separator: ", "))]"
  }

  /// The product of extents.
  /// - Throws: `NetworkError` for negative extents and for more numbers than a value may have.
  static func count(_ shape: [Int]) throws(NetworkError) -> Int {
    var product = 1
    for extent in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow, next <= largestCount else {
        throw NetworkError(
          "a value of shape \(text(shape)); expected extents of at least 0 and at most "
            + "\(largestCount) numbers")
      }
      product = next
    }
    guard shape.count <= maximumAxes else {
      throw NetworkError("a value of \(shape.count) axes; expected at most \(maximumAxes)")
    }
    return product
  }

  /// Numbers from one index of an axis to the next; the shape was counted.
  static func strides(_ shape: [Int]) -> [Int] {
    var result = [Int](repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
      result[axis] = result[axis + 1] * max(1, shape[axis + 1])
    }
    return result
  }

  /// An axis from 0, where negative ones count from the end.
  static func axis(_ axis: Int, of count: Int) throws(NetworkError) -> Int {
    guard axis >= -count, axis < count else {
      throw NetworkError("axis \(axis) of a value with \(count) axes")
    }
    return axis < 0 ? axis + count : axis
  }

  /// Axes from 0, each once, in order.
  static func axes(_ axes: [Int], of count: Int) throws(NetworkError) -> [Int] {
    var result: Set<Int> = []
    for axis in axes {
      guard result.insert(try self.axis(axis, of: count)).inserted else {
        throw NetworkError("axis \(axis) twice")
      }
    }
    return result.sorted()
  }

  /// The shape to which both are repeated.
  static func broadcast(_ a: [Int], _ b: [Int]) throws(NetworkError) -> [Int] {
    let count = max(a.count, b.count)
    let (left, right) = (aligned(a, count), aligned(b, count))
    var result: [Int] = []
    for (x, y) in zip(left, right) {
      guard x == y || x == 1 || y == 1 else {
        throw NetworkError(
          "values of shapes \(text(a)) and \(text(b)), which do not fit each other")
      }
      result.append(x == 1 ? y : x)
    }
    _ = try self.count(result)
    return result
  }

  /// The same extents behind as many of 1 as it takes.
  static func aligned(_ shape: [Int], _ count: Int) -> [Int] {
    [Int](repeating: 1, count: max(0, count - shape.count)) + shape
  }

  /// The places of a value that is repeated to `target`, nil where nothing is repeated.
  static func repetition(of shape: [Int], to target: [Int]) -> [Int32]? {
    let source = aligned(shape, target.count)
    if source == target { return nil }
    let strides = zip(strides(source), source).map { $1 == 1 ? 0 : $0 }
    return places(target, strides: strides)
  }

  /// For every index of `shape`, in order, the sum of index times stride.
  static func places(_ shape: [Int], strides: [Int], start: Int = 0) -> [Int32] {
    var result: [Int32] = [Int32(truncatingIfNeeded: start)]
    for (extent, stride) in zip(shape, strides) {
      var next: [Int32] = []
      next.reserveCapacity(result.count * extent)
      for place in result {
        for index in 0..<extent {
          next.append(place &+ Int32(truncatingIfNeeded: index * stride))
        }
      }
      result = next
    }
    return result
  }

  /// The places of a grid: for every axis of a value the indices that are taken, -1 for one outside.
  static func grid(_ indices: [[Int]], of shape: [Int]) -> [Int32] {
    var result: [Int32] = [0]
    for (axis, stride) in strides(shape).enumerated() {
      var next: [Int32] = []
      next.reserveCapacity(result.count * indices[axis].count)
      for place in result {
        for index in indices[axis] {
          next.append(
            place < 0 || index < 0 ? -1 : place &+ Int32(truncatingIfNeeded: index * stride))
        }
      }
      result = next
    }
    return result
  }
}
