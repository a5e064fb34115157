/// A dense array as a file holds it: row-major (C order), native byte order.
///
/// Narrow types widen on reading: half floats to `Float`, booleans and all integers to `Int64`.
public struct Tensor: Sendable, Equatable {
  /// The storage of a tensor, one case for each element type kept in memory.
  public enum Elements: Sendable, Equatable {
    /// Single precision, also the home of the 16-bit float types.
    case float32([Float])
    case float64([Double])
    /// Every integer type and booleans (0 and 1).
    case int64([Int64])
  }

  /// The extents, outermost first; empty for a scalar.
  public let shape: [Int]

  /// The elements in row-major order.
  public let elements: Elements

  /// Creates a tensor of `shape`.
  ///
  /// - Precondition: `elements` holds exactly the product of `shape`, whose extents are >= 0.
  public init(shape: [Int], elements: Elements) {
    precondition(Tensor.count(of: shape) == elements.count, "shape and element count disagree")
    self.shape = shape
    self.elements = elements
  }

  /// The number of elements.
  public var count: Int { elements.count }

  /// The elements rounded to single precision.
  public var floats: [Float] {
    switch elements {
    case .float32(let values): values
    case .float64(let values): values.map { Float($0) }
    case .int64(let values): values.map { Float($0) }
    }
  }

  /// The elements in double precision; integers beyond 2^53 are rounded.
  public var doubles: [Double] {
    switch elements {
    case .float32(let values): values.map { Double($0) }
    case .float64(let values): values
    case .int64(let values): values.map { Double($0) }
    }
  }

  /// The elements as exact integers.
  ///
  /// - Parameters:
  ///   - name: what the array is called in an error, for example `y`.
  ///   - path: the file it came from.
  /// - Throws: `FormatError` at the first element that is not a finite integer.
  public func integers(named name: String, path: String) throws(FormatError) -> [Int] {
    switch elements {
    case .int64(let values): return values.map { Int($0) }
    case .float32(let values): return try Tensor.exact(values, name, path)
    case .float64(let values): return try Tensor.exact(values, name, path)
    }
  }

  private static func exact<Value: BinaryFloatingPoint & CustomStringConvertible>(
    _ values: [Value], _ name: String, _ path: String
  ) throws(FormatError) -> [Int] {
    var result: [Int] = []
    result.reserveCapacity(values.count)
    for (index, value) in values.enumerated() {
      guard let integer = Int(exactly: value) else {
        throw FormatError(
          path: path, "array '\(name)' holds \(value) at index \(index); expected integers")
      }
      result.append(integer)
    }
    return result
  }

  /// The product of `shape`, or nil when an extent is negative or the product overflows.
  static func count(of shape: [Int]) -> Int? {
    var product = 1
    var isEmpty = false
    for extent in shape {
      if extent < 0 { return nil }
      if extent == 0 {
        isEmpty = true
        continue
      }
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      if overflow { return nil }
      product = next
    }
    return isEmpty ? 0 : product
  }
}

extension Tensor.Elements {
  /// The number of elements.
  public var count: Int {
    switch self {
    case .float32(let values): values.count
    case .float64(let values): values.count
    case .int64(let values): values.count
    }
  }
}
