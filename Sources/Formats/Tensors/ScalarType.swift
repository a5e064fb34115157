/// The element types that the formats of this module know.
enum ScalarType: String, Sendable, CaseIterable {
  case bool, int8, uint8, int16, uint16, int32, uint32, int64, uint64
  case float16, bfloat16, float32, float64

  /// Bytes of one element in a file.
  var width: Int {
    switch self {
    case .bool, .int8, .uint8: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64: 8
    }
  }

  /// Bytes of one element in a `Tensor`.
  var widthInMemory: Int {
    switch self {
    case .float16, .bfloat16, .float32: 4
    default: 8
    }
  }

  /// Bytes that `count` elements take in a file, nil on overflow.
  func byteCount(_ count: Int) -> Int? {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: width)
    return overflow ? nil : bytes
  }
}

extension Tensor.Elements {
  /// The type that holds these elements without a change in a file.
  var scalarType: ScalarType {
    switch self {
    case .float32: .float32
    case .float64: .float64
    case .int64: .int64
    }
  }

  /// Calls `body` with the bytes of the elements in native (little-endian) order.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    switch self {
    case .float32(let values): values.withUnsafeBytes(body)
    case .float64(let values): values.withUnsafeBytes(body)
    case .int64(let values): values.withUnsafeBytes(body)
    }
  }
}
