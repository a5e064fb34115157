import Formats
import Foundation

/// A list of class values as text, for the metadata of files.
package enum ClassList {
  /// JSON on one line: `[1, 2, 3]` or `["cat", "dog"]`.
  package static func text(_ classes: [ClassLabel]) -> String {
    let items = classes.map { label in
      switch label {
      case .integer(let value): "\(value)"
      case .name(let name): quoted(name)
      }
    }
    return "[" + items.joined(separator: ", ") + "]"
  }

  /// Reads what ``text(_:)`` writes; nil for anything else.
  package static func parse(_ text: String) -> [ClassLabel]? {
    try? JSONDecoder().decode([ClassLabel].self, from: Data(text.utf8))
  }

  private static func quoted(_ name: String) -> String {
    var text = "\""
    for scalar in name.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}
