/// A file that cannot be read or written, in one line that names the file, says what is wrong and
/// what was expected.
public struct FormatError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file as the caller named it.
  public let path: String

  /// What was wrong and what was expected, without the path.
  public let message: String

  /// Creates an error about the file `path`.
  public init(path: String, _ message: String) {
    self.path = path
    // Names inside a file may hold anything, but an error stays one line of printable text.
    self.message = String(
      String.UnicodeScalarView(
        message.unicodeScalars.map {
          $0.properties.generalCategory == .control || $0.properties.isWhitespace && $0 != " "
            ? "\u{FFFD}" : $0
        }))
  }

  /// `path: message`, for example
  /// `digits.npz: array 'X' is truncated: header promises 800 bytes, 512 found`.
  public var description: String { "\(path): \(message)" }
}
