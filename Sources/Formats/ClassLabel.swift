/// The value of a class as data and models state it: an integer or a name.
///
/// Names that Unicode calls canonically equivalent are one name. Integers come before names, names in the
/// order of their code points, as in numpy.
public enum ClassLabel: Sendable, Hashable {
  /// A number, such as a digit or -1.
  case integer(Int)
  /// A word, such as "cat".
  case name(String)

  /// Reads a word of the command line: an integer where it is one, otherwise a name.
  public init(parsing text: String) {
    self = Int(text).map { .integer($0) } ?? .name(text)
  }

  /// 0, 1, ..., count - 1: the values of classes that nothing else is said about.
  public static func numbers(_ count: Int) -> [ClassLabel] {
    (0..<count).map { .integer($0) }
  }
}

extension ClassLabel: CustomStringConvertible {
  /// The value as a table shows it.
  public var description: String {
    switch self {
    case .integer(let value): "\(value)"
    case .name(let text): text
    }
  }

  /// The value as an error shows it: names in quotes, at most 40 characters of them.
  public var quoted: String {
    switch self {
    case .integer(let value): "\(value)"
    case .name(let text):
      "'\(String(text.prefix(40)).map { $0.isNewline ? " " : String($0) }.joined())'"
        + (text.count > 40 ? "..." : "")
    }
  }

  /// Some values in words: "0 to 9", "1, 2 and 5", "'cat' and 'dog'".
  public static func listing(_ labels: [ClassLabel]) -> String {
    let integers = labels.compactMap { if case .integer(let value) = $0 { value } else { nil } }
    if integers.count == labels.count, integers.count > 3, let first = integers.first,
      integers.indices.allSatisfy({ integers[$0] - first == $0 })
    {
      return "\(first) to \(integers[integers.count - 1])"
    }
    let shown = labels.prefix(8).map(\.quoted)
    if labels.count > 8 {
      return shown.joined(separator: ", ") + " and \(labels.count - 8) more"
    }
    guard let last = shown.last, shown.count > 1 else { return shown.first ?? "none" }
    return shown.dropLast().joined(separator: ", ") + " and " + last
  }
}

extension ClassLabel: Comparable {
  /// Integers before names; names by code points.
  public static func < (left: ClassLabel, right: ClassLabel) -> Bool {
    switch (left, right) {
    case (.integer(let a), .integer(let b)): a < b
    case (.integer, .name): true
    case (.name, .integer): false
    case (.name(let a), .name(let b)):
      a != b && a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars)
    }
  }
}

extension ClassLabel: Codable {
  /// Reads an integer or a string.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else {
      self = .name(try container.decode(String.self))
    }
  }

  /// Writes an integer or a string.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .integer(let value): try container.encode(value)
    case .name(let text): try container.encode(text)
    }
  }
}
