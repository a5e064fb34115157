import Runs

/// Values of settings as texts: what stands behind the equals sign of `--set`, and what `--settings` prints.
enum SettingText {
  /// The text of nil.
  static let none = "none"

  /// The content that a text stands for; nil where it stands for none of this kind.
  static func content(_ text: String, _ kind: SettingNode.Kind, isOptional: Bool)
    -> SettingNode.Content?
  {
    if isOptional, text == none { return SettingNode.Content.none }
    switch kind {
    case .list(let element):
      let parts = parts(text, element)
      let nodes = parts.compactMap { scalar($0, element).map { SettingNode(element, .scalar($0)) } }
      return nodes.count == parts.count && !nodes.isEmpty ? .list(nodes) : nil
    case .group: return nil
    default: return scalar(text, kind).map { .scalar($0) }
    }
  }

  /// What a text must be: "a number", "whole numbers separated by commas, or none".
  static func expectation(_ kind: SettingNode.Kind, isOptional: Bool) -> String {
    let values: String
    switch kind {
    case .whole: values = "a whole number up to \(NumberText.largestCount)"
    case .natural: values = "a whole number from 0 to 2^64 - 1"
    case .number: values = "a number up to 1e30"
    case .truth: values = "true or false"
    case .text: values = "a text"
    case .choice(let names): values = "one of " + listed(names)
    case .list(.whole), .list(.natural): values = "whole numbers separated by commas"
    case .list(.number): values = "numbers separated by commas"
    case .list(.choice(let names)):
      values = "some of " + listed(names) + ", separated by commas"
    case .list: values = "values separated by commas"
    case .group: return "none; it is a group and has no value of its own"
    }
    return isOptional ? values + ", or none" : values
  }

  /// Names as they are, or in quotes where one has commas itself.
  private static func listed(_ names: [String]) -> String {
    let isPlain = names.allSatisfy { !$0.contains(",") }
    return names.map { isPlain ? $0 : "'\($0)'" }.joined(separator: ", ")
  }

  private static func scalar(_ text: String, _ kind: SettingNode.Kind) -> SettingNode.Scalar? {
    switch kind {
    case .whole:
      guard let value = Int(text), value.magnitude <= UInt(NumberText.largestCount) else {
        return nil
      }
      return .whole(value)
    case .natural: return UInt64(text).map { .natural($0) }
    case .number:
      guard let value = NumberText.value(text), abs(value) <= NumberText.largestNumber else {
        return nil
      }
      return .number(value)
    case .truth: return Bool(text).map { .truth($0) }
    case .text: return text.isEmpty ? nil : .text(text)
    case .choice(let names): return names.contains(text) ? .text(text) : nil
    case .list, .group: return nil
    }
  }

  /// The elements of a list. Names may have commas themselves; the longest that fits is taken.
  private static func parts(_ text: String, _ kind: SettingNode.Kind) -> [String] {
    var rest = text[...]
    var parts: [String] = []
    if case .choice(let names) = kind {
      let longest = names.sorted { $0.count > $1.count }
      while true {
        rest = rest.drop { $0 == " " }
        guard
          let name = longest.first(where: {
            rest.hasPrefix($0) && (rest.count == $0.count || rest.dropFirst($0.count).first == ",")
          })
        else { return parts + [String(rest)] }
        parts.append(name)
        rest = rest.dropFirst(name.count)
        if rest.isEmpty { return parts }
        rest = rest.dropFirst()
      }
    }
    return text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      let start = part.drop { $0 == " " }
      return String(start.reversed().drop { $0 == " " }.reversed())
    }
  }
}
