/// Escaping for HTML.
enum HTML {
  /// `text` as the content of an element or of a quoted attribute. Characters that HTML cannot
  /// hold become U+FFFD.
  static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case "\t", "\n", "\r": escaped.unicodeScalars.append(scalar)
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}":
        escaped.unicodeScalars.append("\u{FFFD}")
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  /// A relative file path as a quoted link target: every byte outside the unreserved characters
  /// and the slash is percent-encoded.
  static func link(toPath path: String) -> String {
    var link = ""
    for byte in path.utf8 {
      let character = Character(Unicode.Scalar(byte))
      if byte < 128, character.isLetter || character.isNumber || "-._~/".contains(character) {
        link.append(character)
      } else {
        let hex = String(byte, radix: 16, uppercase: true)
        link += "%" + (hex.count == 1 ? "0" : "") + hex
      }
    }
    // A first segment with a colon would be a scheme; colons are encoded above. An absolute path
    // is left as it is.
    return link
  }
}
