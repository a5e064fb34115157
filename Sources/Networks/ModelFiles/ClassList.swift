import Formats
import Foundation

/// A list of class values as text, for the metadata of files.
package enum ClassList {
  /// JSON on one line: `[1, 2, 3]` or `["cat", "dog"]`.
  package static func text(_ classes: [ClassLabel]) -> String {
    let items = classes.map { label in
      switch label {
      case .integer(let value): "\(value)"
      case .name(let name): JSONString.quoted(name)
      }
    }
    return "[" + items.joined(separator: ", ") + "]"
  }

  /// Reads what ``text(_:)`` writes; nil for anything else.
  package static func parse(_ text: String) -> [ClassLabel]? {
    try? JSONDecoder().decode([ClassLabel].self, from: Data(text.utf8))
  }
}
