import CPolyReLU
import Formats
import Runs

/// Reads the arrays that are handed in.
enum BorrowedArray {
  /// The numbers of an array, row-major.
  ///
  /// - Parameter name: what errors call it.
  /// - Throws: ``ExperimentError/usage(_:)`` for a type, a rank or an extent that is none.
  static func tensor(_ array: ArrayInput?, _ name: String) throws(ExperimentError) -> Tensor {
    guard let array = array?.pointee else { throw .usage("\(name) is NULL, expected an array") }
    let (shape, strides) = try layout(array, name)
    let count = shape.reduce(1, *)
    guard let data = array.data else {
      guard count == 0 else { throw .usage("\(name) has no data") }
      return Tensor(shape: shape, elements: .float32([]))
    }
    func read<Element>(_: Element.Type) -> [Element] {
      contents(UnsafeRawPointer(data), shape, strides)
    }
    let elements: Tensor.Elements
    switch Int(clamping: array.type) {
    case POLYRELU_FLOAT32: elements = .float32(read(Float.self))
    case POLYRELU_FLOAT64: elements = .float64(read(Double.self))
    case POLYRELU_INT64: elements = .int64(read(Int64.self))
    default:
      throw .usage("\(name) has the type \(array.type), expected float32, float64 or int64")
    }
    return Tensor(shape: shape, elements: elements)
  }

  /// The same for an array that may be left out.
  static func optional(_ array: ArrayInput?, _ name: String) throws(ExperimentError) -> Tensor? {
    array == nil ? nil : try tensor(array, name)
  }

  private static func layout(_ array: polyrelu_array, _ name: String) throws(ExperimentError) -> (
    shape: [Int], strides: [Int]
  ) {
    let largestRank = 8
    guard (0...largestRank).contains(Int(clamping: array.rank)) else {
      throw .usage("\(name) has the rank \(array.rank), expected 0 to \(largestRank)")
    }
    func first(_ values: some Any) -> [Int] {
      withUnsafeBytes(of: values) {
        $0.bindMemory(to: Int64.self).prefix(Int(clamping: array.rank)).map { Int(clamping: $0) }
      }
    }
    let shape = first(array.shape)
    var product = 1
    for extent in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow, next < 1 << 48 else {
        throw .usage(
          "\(name) has the shape \(shape), expected extents of at least 0 that fit into memory")
      }
      product = next
    }
    return (shape, first(array.strides))
  }

  /// The elements, in one piece where they lie so.
  private static func contents<Element>(
    _ data: UnsafeRawPointer, _ shape: [Int], _ strides: [Int]
  ) -> [Element] {
    let count = shape.reduce(1, *)
    let size = MemoryLayout<Element>.stride
    var expected = size
    var isContiguous = Int(bitPattern: data) % MemoryLayout<Element>.alignment == 0
    for (extent, stride) in zip(shape, strides).reversed() {
      if extent != 1 && stride != expected { isContiguous = false }
      expected *= max(extent, 1)
    }
    if isContiguous {
      return Array(
        UnsafeBufferPointer(start: data.assumingMemoryBound(to: Element.self), count: count))
    }
    return [Element](unsafeUninitializedCapacity: count) { target, filled in
      var indices = [Int](repeating: 0, count: shape.count)
      for position in 0..<count {
        let offset = zip(indices, strides).reduce(0) { $0 + $1.0 * $1.1 }
        let bytes = UnsafeMutableRawPointer(target.baseAddress! + position)
        bytes.copyMemory(from: data + offset, byteCount: size)
        for axis in indices.indices.reversed() {
          indices[axis] += 1
          if indices[axis] < shape[axis] { break }
          indices[axis] = 0
        }
      }
      filled = count
    }
  }
}
