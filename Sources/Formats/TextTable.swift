/// Small tables in text files: a line for each row, cells separated by commas, in double quotes where they
/// hold commas themselves.
package enum TextTable {
  /// The most bytes that a file may have.
  private static let maximumBytes = 1 << 30

  /// The cells of all lines that are not blank, without quotes and blanks around them.
  /// - Throws: `FormatError` where the file cannot be read or is no text.
  package static func rows(path: String) throws(FormatError) -> [[String]] {
    let bytes = try FileSource.contents(of: path, maximumBytes: maximumBytes)
    guard bytes.allSatisfy({ $0 >= 0x20 || [9, 10, 13].contains($0) }),
      let text = String(validating: bytes, as: UTF8.self)
    else { throw FormatError(path: path, "is neither text nor an .npy or .npz file") }
    let withoutMark = text.hasPrefix("\u{FEFF}") ? text.dropFirst() : text[...]
    return withoutMark.split(whereSeparator: \.isNewline).map(cells).filter { $0 != [""] }
  }

  /// The cells of a line.
  private static func cells(_ line: Substring) -> [String] {
    var (cells, cell, isQuoted) = ([String](), "", false)
    for character in line {
      if character == "\"" { isQuoted.toggle() }
      if character == ",", !isQuoted {
        cells.append(unquoted(cell))
        cell = ""
      } else {
        cell.append(character)
      }
    }
    return cells + [unquoted(cell)]
  }

  private static func unquoted(_ cell: String) -> String {
    let start = cell.drop(while: \.isWhitespace)
    let text = start.prefix(start.count - start.reversed().prefix(while: \.isWhitespace).count)
    guard text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") else { return String(text) }
    return String(text.dropFirst().dropLast().replacing("\"\"", with: "\""))
  }
}
