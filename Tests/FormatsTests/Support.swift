import Foundation

@testable import Formats

/// The path of a committed fixture.
func fixture(_ name: String) -> String {
  Bundle.module.bundleURL.appendingPathComponent("Fixtures").appendingPathComponent(name).path
}

/// The bytes of a committed fixture.
func fixtureBytes(_ name: String) throws -> [UInt8] {
  try FileSource.contents(of: fixture(name))
}

/// Runs `body` with the path of a fresh folder, which is removed afterwards.
func withTemporaryFolder<Value>(_ body: (String) throws -> Value) throws -> Value {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("formats-tests-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

/// The error that `body` throws, nil if it returns.
func failure<Value>(_ body: () throws(FormatError) -> Value) -> FormatError? {
  do throws(FormatError) {
    _ = try body()
    return nil
  } catch {
    return error
  }
}

extension String {
  /// The bytes of a `.npy` file with this header text, unpadded, in front of `payload`.
  func npy(payload: [UInt8] = []) -> [UInt8] {
    let length = utf8.count
    return NPYHeader.magic + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + Array(utf8) + payload
  }

  /// The bytes of a safetensors file with this header in front of `payload`.
  func safetensors(payload: [UInt8] = []) -> [UInt8] {
    (0..<8).map { UInt8(utf8.count >> (8 * $0) & 255) } + Array(utf8) + payload
  }
}
