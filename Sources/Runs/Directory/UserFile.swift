import Formats
import Foundation

/// Small text files that a user may have damaged, removed or replaced.
enum UserFile {
  /// More than any file of a run that is text.
  private static let largest = 1 << 30

  /// The bytes of a regular file.
  static func contents(_ path: String) throws(FormatError) -> Data {
    var found = stat()
    guard stat(path, &found) == 0 else {
      throw FormatError(path: path, "cannot be read: \(String(cString: strerror(errno)))")
    }
    guard found.st_mode & S_IFMT == S_IFREG else {
      throw FormatError(path: path, "is not a regular file")
    }
    guard found.st_size <= largest else {
      throw FormatError(path: path, "has \(found.st_size) bytes, expected at most \(largest)")
    }
    do { return try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
      throw FormatError(path: path, "cannot be read: \(reason(error))")
    }
  }

  /// A value in JSON.
  ///
  /// - Parameter what: what the file should be, for the error: "the configuration of a run".
  static func json<Value: Decodable>(_ path: String, as type: Value.Type, what: String)
    throws(FormatError) -> Value
  {
    let bytes = try contents(path)
    do { return try JSONText.decoder.decode(type, from: bytes) } catch {
      throw FormatError(path: path, "is not \(what): \(reason(error))")
    }
  }

  /// What is wrong, with the place of it in the document.
  static func reason(_ error: any Error) -> String {
    func place(_ path: [any CodingKey]) -> String {
      path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
    }
    switch error {
    case DecodingError.keyNotFound(let key, let context):
      return "'\(place(context.codingPath + [key]))' is missing"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
      DecodingError.dataCorrupted(let context):
      let name = place(context.codingPath)
      return name.isEmpty ? "not JSON" : "'\(name)': \(context.debugDescription)"
    default: return (error as NSError).localizedDescription
    }
  }
}
