import Formats

/// A setting, or a group or list of settings, as a Swift type has encoded itself: with the kinds of its values, and
/// with those that are nil.
final class SettingNode {
  /// What may stand there.
  indirect enum Kind: Equatable {
    /// A whole number.
    case whole
    /// A whole number from 0 to 2^64 - 1.
    case natural
    /// A finite number.
    case number
    /// true or false.
    case truth
    /// A text.
    case text
    /// One of some texts.
    case choice([String])
    /// At least one value of a kind.
    case list(Kind)
    /// Settings with names, or a list of such groups.
    case group
  }

  /// A value that is no list and no group.
  enum Scalar: Equatable {
    case whole(Int)
    case natural(UInt64)
    case number(Double)
    case truth(Bool)
    case text(String)
  }

  /// What stands there.
  enum Content {
    /// Nil.
    case none
    case scalar(Scalar)
    case list([SettingNode])
    /// Members in the order of their declaration.
    case group([(name: String, node: SettingNode)])
  }

  /// What may stand there.
  var kind: Kind
  /// Whether nil may.
  var isOptional = false
  /// What stands there.
  var content: Content

  init(_ kind: Kind, _ content: Content = .none) {
    self.kind = kind
    self.content = content
  }

  /// The JSON text that the type decodes itself from: numbers as exact as they are, and without what is nil.
  var json: String {
    switch content {
    case .none: return "null"
    case .scalar(.whole(let value)): return "\(value)"
    case .scalar(.natural(let value)): return "\(value)"
    case .scalar(.number(let value)): return "\(value)"
    case .scalar(.truth(let value)): return "\(value)"
    case .scalar(.text(let value)): return JSONString.quoted(value)
    case .list(let elements): return "[" + elements.map(\.json).joined(separator: ",") + "]"
    case .group(let members):
      let texts = members.compactMap { name, node in
        if case .none = node.content { return String?.none }
        return JSONString.quoted(name) + ":" + node.json
      }
      return "{" + texts.joined(separator: ",") + "}"
    }
  }

  /// The value as ``SettingText`` reads it: "0.05", "1,3", "none"; nil for groups.
  var text: String? {
    switch content {
    case .none: return SettingText.none
    case .scalar(.whole(let value)): return "\(value)"
    case .scalar(.natural(let value)): return "\(value)"
    case .scalar(.number(let value)):
      let text = "\(value)"
      return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    case .scalar(.truth(let value)): return "\(value)"
    case .scalar(.text(let value)): return value
    case .list(let elements):
      if kind == .group { return nil }
      return elements.map { $0.text ?? "" }.joined(separator: ",")
    case .group: return nil
    }
  }
}

extension SettingNode {
  /// A node below another, and how it is addressed.
  struct Place {
    /// With the places of elements, counted from 0: "curves.0.attack".
    let path: String
    /// Without them: "curves.attack".
    let plain: String
    let node: SettingNode
  }

  /// All nodes below this one, in order, groups before their members.
  var places: [Place] { places(below: Place(path: "", plain: "", node: self)) }

  private func places(below parent: Place) -> [Place] {
    func joined(_ path: String, _ name: String) -> String {
      path.isEmpty ? name : path + "." + name
    }
    switch content {
    case .group(let members):
      return members.flatMap { name, node in
        let place = Place(
          path: joined(parent.path, name), plain: joined(parent.plain, name), node: node)
        return [place] + node.places(below: place)
      }
    case .list(let elements):
      if kind != .group { return [] }
      return elements.enumerated().flatMap { number, node in
        node.places(
          below: Place(path: joined(parent.path, "\(number)"), plain: parent.plain, node: node))
      }
    case .none, .scalar: return []
    }
  }
}

extension SettingNode: Encodable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Writes values as they are, and null for what is nil.
  func encode(to encoder: any Encoder) throws {
    switch content {
    case .none:
      var container = encoder.singleValueContainer()
      try container.encodeNil()
    case .scalar(let scalar):
      var container = encoder.singleValueContainer()
      switch scalar {
      case .whole(let value): try container.encode(value)
      case .natural(let value): try container.encode(value)
      case .number(let value): try container.encode(value)
      case .truth(let value): try container.encode(value)
      case .text(let value): try container.encode(value)
      }
    case .list(let elements):
      var container = encoder.unkeyedContainer()
      for element in elements { try container.encode(element) }
    case .group(let members):
      var container = encoder.container(keyedBy: Key.self)
      for (name, node) in members { try container.encode(node, forKey: Key(stringValue: name)) }
    }
  }
}
