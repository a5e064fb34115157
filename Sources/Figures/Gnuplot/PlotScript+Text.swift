extension PlotScript {
  /// `text` as a gnuplot string that stands for exactly these characters.
  ///
  /// Everything that could end the string or be expanded inside it (quotes, backslashes,
  /// backquotes, macros) is written in octal. Line breaks remain line breaks; other control
  /// characters, which XML cannot hold, become U+FFFD. Use it with `noenhanced`.
  package static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.replacing("\r\n", with: "\n").unicodeScalars {
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", " ", ".", ",", "-", "+", "=", "(", ")", ":", "/":
        quoted.unicodeScalars.append(scalar)
      case "\n", "\r":
        quoted += "\\n"
      case "\t":
        quoted += " "
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}":
        quoted.unicodeScalars.append("\u{FFFD}")
      case "\u{21}"..."\u{7E}":
        let octal = String(scalar.value, radix: 8)
        quoted += "\\" + String(repeating: "0", count: 3 - octal.count) + octal
      default:
        quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  /// Like ``quoted(_:)``, on one line: line breaks become spaces.
  package static func quotedLine(_ text: String) -> String {
    quoted(singleLine(text))
  }

  /// Like ``quotedLine(_:)``, for tick labels, which gnuplot would take for number formats.
  static func quotedTick(_ text: String) -> String {
    quotedLine(text.replacing("%", with: "%%"))
  }

  /// `text` with line breaks replaced by spaces.
  static func singleLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  /// A generous estimate of the width of one line of text, in pixels.
  static func textWidth(_ text: String, size: Double = fontSize) -> Double {
    0.6 * size * Double(DisplayWidth.columns(of: text))
  }

  /// The lines of `text`, broken at spaces where they are wider than `width` pixels.
  static func wrapped(_ text: String, width: Double, size: Double) -> [String] {
    text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).flatMap { line in
      var lines: [String] = []
      for word in line.split(separator: " ") {
        if let last = lines.last, textWidth(last + " " + word, size: size) <= width {
          lines[lines.count - 1] = last + " " + word
        } else {
          lines.append(String(word))
        }
      }
      return lines.isEmpty ? [""] : lines
    }
  }
}
