/// The parser's own messages, in the form of all others: one line, the flag first.
enum ParserMessage {
  /// A message of swift-argument-parser as one line.
  static func line(_ message: String) -> String {
    let text = singleLine(message)
    if let match = text.firstMatch(of: invalidValue) {
      let expected = match.3.map { ", expected \($0)" } ?? ""
      return "\(match.2) is '\(match.1)'\(expected)"
    }
    if let match = text.firstMatch(of: missing) {
      return "\(match.1) is missing; it is required"
    }
    return text.prefix(1).lowercased() + text.dropFirst()
  }

  /// The text without line breaks.
  ///
  /// Beyond ``longest`` characters only the start and the end are left.
  static func singleLine(_ text: String) -> String {
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
    guard line.unicodeScalars.count > longest else { return line }
    let scalars = line.unicodeScalars
    return String(Substring.UnicodeScalarView(scalars.prefix(longest * 3 / 4))) + " … "
      + String(Substring.UnicodeScalarView(scalars.suffix(longest / 4)))
  }

  /// Enough for any message with the longest path there is for a name.
  private static let longest = 6000

  private nonisolated(unsafe) static let invalidValue =
    #/^The value '(.*)' is invalid for '(\S+)[^']*'(?:(?:: (?:expected )?|\. Please provide one of )(.*?)\.?)?$/#
  private nonisolated(unsafe) static let missing = #/^Missing expected argument '([^' ]+)[^']*'$/#
}
