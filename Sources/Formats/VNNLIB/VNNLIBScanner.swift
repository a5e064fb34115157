/// Parentheses and words of an SMT-LIB file, from first to last.
struct VNNLIBScanner {
  enum Kind: Equatable {
    case open
    case close
    case word(String)
    case end
  }

  struct Token: Equatable {
    let kind: Kind
    /// From 1.
    let line: Int

    /// The token as an error calls it.
    var text: String {
      switch kind {
      case .open: "'('"
      case .close: "')'"
      case .word(let word): "'\(word.shortened)'"
      case .end: "the end of the file"
      }
    }
  }

  private let bytes: [UInt8]
  private let path: String
  private var position = 0
  private var line = 1

  /// No name or number of a property is longer.
  private static let longestWord = 200

  init(_ bytes: [UInt8], path: String) {
    (self.bytes, self.path) = (bytes, path)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  func error(_ message: String, line: Int) -> FormatError {
    FormatError(path: path, "line \(line): \(message)")
  }

  mutating func next() throws(FormatError) -> Token {
    skipBlanks()
    guard position < bytes.count else { return Token(kind: .end, line: line) }
    switch bytes[position] {
    case UInt8(ascii: "("):
      position += 1
      return Token(kind: .open, line: line)
    case UInt8(ascii: ")"):
      position += 1
      return Token(kind: .close, line: line)
    default: return Token(kind: .word(try word()), line: line)
    }
  }

  private mutating func skipBlanks() {
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\n"):
        line += 1
        position += 1
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): position += 1
      case UInt8(ascii: ";"):
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
      default: return
      }
    }
  }

  private mutating func word() throws(FormatError) -> String {
    let start = position
    while position < bytes.count, Self.isOfWord(bytes[position]) { position += 1 }
    guard position > start else {
      let byte = bytes[position]
      let shown =
        byte > 0x20 && byte < 0x7F
        ? "'\(Character(UnicodeScalar(byte)))'" : "the byte 0x" + String(byte, radix: 16)
      throw error("found \(shown), expected a parenthesis, a name or a number", line: line)
    }
    guard position - start <= Self.longestWord else {
      throw error(
        "has a word of \(position - start) characters, expected at most \(Self.longestWord)",
        line: line)
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// Printable ASCII without what SMT-LIB gives another meaning.
  private static func isOfWord(_ byte: UInt8) -> Bool {
    byte > 0x20 && byte < 0x7F && !"();\"|".utf8.contains(byte)
  }
}
