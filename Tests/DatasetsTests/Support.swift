import Formats
import Foundation

@testable import Datasets

/// Runs `body` with the path of a fresh folder, which is removed afterwards.
func withTemporaryFolder<Value>(_ body: (String) throws -> Value) throws -> Value {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("datasets-tests-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

/// The error that `body` throws, nil if it returns.
func failure<Value>(_ body: () throws(DatasetError) -> Value) -> DatasetError? {
  do throws(DatasetError) {
    _ = try body()
    return nil
  } catch {
    return error
  }
}

extension Tensor {
  /// A vector of integers.
  static func integers(_ values: [Int64]) -> Tensor {
    Tensor(shape: [values.count], elements: .int64(values))
  }

  /// The inputs 0, 1, 2, … in shape (rows, columns).
  static func counting(_ rows: Int, _ columns: Int) -> Tensor {
    Tensor(shape: [rows, columns], elements: .float32((0..<rows * columns).map { Float($0) }))
  }
}
