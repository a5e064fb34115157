import CPolyReLU
import Runs

/// The statuses of the C interface, and what an error becomes.
enum Status {
  static let ok = Int32(POLYRELU_OK)
  static let badInput = Int32(POLYRELU_BAD_INPUT)
  static let failed = Int32(POLYRELU_FAILED)
  static let cancelled = Int32(POLYRELU_CANCELLED)

  /// Runs the body of a C function; an error becomes a status with a message.
  static func of(_ output: ErrorOutput?, _ body: () throws(ExperimentError) -> Void) -> Int32 {
    do throws(ExperimentError) {
      try body()
      return ok
    } catch {
      let status =
        switch error {
        case .usage: badInput
        case .failed: failed
        }
      return report(error.description, status, output)
    }
  }

  /// Writes an error, cut where it has no room; returns its status.
  static func report(_ message: String, _ status: Int32, _ output: ErrorOutput?) -> Int32 {
    guard let output else { return status }
    output.pointee.status = status
    withUnsafeMutableBytes(of: &output.pointee.message) { target in
      var bytes = Array(message.utf8.prefix(target.count - 1))
      // No half of a character.
      while !bytes.isEmpty, String(validating: bytes, as: UTF8.self) == nil { bytes.removeLast() }
      for (position, byte) in bytes.enumerated() { target[position] = byte }
      target[bytes.count] = 0
    }
    return status
  }
}
