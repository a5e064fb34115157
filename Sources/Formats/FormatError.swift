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
    // Names inside a file may hold anything, but an error stays one short line of printable text.
    let isLong = message.unicodeScalars.count > Self.longestMessage
    self.message =
      String(
        String.UnicodeScalarView(
          message.unicodeScalars.prefix(Self.longestMessage).map {
            $0.properties.generalCategory == .control || $0.properties.isWhitespace && $0 != " "
              ? "\u{FFFD}" : $0
          })) + (isLong ? "…" : "")
  }

  /// More than any message needs whose names are ``shortened``.
  static let longestMessage = 1000

  /// `path: message`, for example
  /// `digits.npz: array 'X' is truncated: header promises 800 bytes, 512 found`.
  public var description: String { "\(path): \(message)" }
}

extension StringProtocol {
  /// A name that a file or a user has chosen, for an error: names beyond 80 characters are cut there and end with
  /// "…".
  package var shortened: String {
    let start = unicodeScalars.prefix(81)
    return start.count <= 80
      ? String(self) : String(Substring.UnicodeScalarView(start.prefix(80))) + "…"
  }
}
