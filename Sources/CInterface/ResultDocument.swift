import CPolyReLU
import Formats
import Foundation
import LinearCore
import Runs

/// What a job has found: a JSON document and arrays by name, in memory that stays where it is.
final class ResultDocument: @unchecked Sendable {
  /// The text of the document, with its zero byte.
  private let text: UnsafeMutablePointer<CChar>
  private var arrays: [String: polyrelu_array] = [:]
  private var owned: [UnsafeMutableRawPointer] = []
  /// A network that the job has made.
  var model: Model?

  init(_ document: some Encodable) {
    let bytes = Array(JSONText.encode(document).utf8CString)
    text = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    text.initialize(from: bytes, count: bytes.count)
  }

  deinit {
    text.deallocate()
    for pointer in owned { pointer.deallocate() }
  }

  var json: UnsafePointer<CChar> { UnsafePointer(text) }

  /// An array by its name.
  func array(_ name: String) -> polyrelu_array? { arrays[name] }

  func add(_ name: String, _ matrix: Matrix<Float>) {
    add(name, matrix.elements, POLYRELU_FLOAT32, [matrix.rows, matrix.columns])
  }

  func add(_ name: String, _ matrix: Matrix<Double>) {
    add(name, matrix.elements, POLYRELU_FLOAT64, [matrix.rows, matrix.columns])
  }

  func add(_ name: String, _ values: [Float]) {
    add(name, values, POLYRELU_FLOAT32, [values.count])
  }

  func add(_ name: String, _ values: [Double]) {
    add(name, values, POLYRELU_FLOAT64, [values.count])
  }

  func add(_ name: String, _ values: [Int]) {
    add(name, values.map { Int64($0) }, POLYRELU_INT64, [values.count])
  }

  /// Numbers of another shape, row-major.
  func add(_ name: String, _ values: [Float], shape: [Int]) {
    add(name, values, POLYRELU_FLOAT32, shape)
  }

  private func add<Element: BitwiseCopyable>(
    _ name: String, _ values: [Element], _ type: Int, _ shape: [Int]
  ) {
    let stride = MemoryLayout<Element>.stride
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: max(1, values.count * stride), alignment: 64)
    values.withUnsafeBytes {
      if let base = $0.baseAddress { memory.copyMemory(from: base, byteCount: $0.count) }
    }
    owned.append(memory)
    var array = polyrelu_array()
    (array.data, array.type, array.rank) = (memory, Int32(type), Int32(shape.count))
    var strides = [Int](repeating: stride, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    Self.write(shape, to: &array.shape)
    Self.write(strides, to: &array.strides)
    arrays[name] = array
  }

  private static func write<Target>(_ values: [Int], to target: inout Target) {
    withUnsafeMutableBytes(of: &target) {
      let target = $0.bindMemory(to: Int64.self)
      for (axis, value) in values.enumerated() { target[axis] = Int64(value) }
    }
  }
}

/// `polyrelu_result_json`, as `polyrelu.h` describes it.
@c(polyrelu_result_json)
public func resultJSON(_ result: OpaquePointer?) -> UnsafePointer<CChar>? {
  do throws(ExperimentError) {
    return try Handle.object(result, ResultDocument.self, "result").json
  } catch { return nil }
}

/// `polyrelu_result_array`, as `polyrelu.h` describes it.
@c(polyrelu_result_array)
public func resultArray(
  _ result: OpaquePointer?, _ name: UnsafePointer<CChar>?,
  _ array: UnsafeMutablePointer<polyrelu_array>?
) -> Int32 {
  Status.of(nil) { () throws(ExperimentError) in
    let result = try Handle.object(result, ResultDocument.self, "result")
    guard let name, let found = result.array(String(cString: name)) else {
      throw .usage("the result has no such array")
    }
    array?.pointee = found
  }
}

/// `polyrelu_result_model`, as `polyrelu.h` describes it.
@c(polyrelu_result_model)
public func resultModel(
  _ result: OpaquePointer?, _ model: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    guard let found = try Handle.object(result, ResultDocument.self, "result").model else {
      throw .usage("the result has no model")
    }
    model?.pointee = Handle.make(found)
  }
}

/// `polyrelu_result_free`, as `polyrelu.h` describes it.
@c(polyrelu_result_free)
public func resultFree(_ result: OpaquePointer?) { Handle.free(result) }
