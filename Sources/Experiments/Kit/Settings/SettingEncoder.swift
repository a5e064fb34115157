/// Encodes settings as a ``SettingNode``. Unlike JSON this knows whether a number is whole, which texts an enumeration
/// has, and the names of what is nil.
struct SettingEncoder: Encoder {
  let node: SettingNode
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  /// The node of a value.
  static func encode<Value: Encodable>(_ value: Value) throws -> SettingNode {
    let node = SettingNode(SettingNode.Kind(of: Value.self))
    switch value {
    case let value as Bool: node.content = .scalar(.truth(value))
    case let value as Int: node.content = .scalar(.whole(value))
    case let value as UInt64: node.content = .scalar(.natural(value))
    case let value as Double: node.content = .scalar(.number(value))
    case let value as String: node.content = .scalar(.text(value))
    default: try value.encode(to: SettingEncoder(node: node))
    }
    return node
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    if case .group = node.content {} else { node.content = .group([]) }
    return KeyedEncodingContainer(Keyed(node: node))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    node.content = .list([])
    return Unkeyed(node: node)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { Single(node: node) }
}

extension SettingEncoder {

  /// Members of a group.
  private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: SettingNode
    var codingPath: [any CodingKey] { [] }

    private func append(_ member: SettingNode, _ key: Key) {
      guard case .group(let members) = node.content else { return }
      node.content = .group(members + [(key.stringValue, member)])
    }

    func encodeNil(forKey key: Key) { append(SettingNode(.group), key) }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
      append(try SettingEncoder.encode(value), key)
    }

    private func optional<Value: Encodable>(_ value: Value?, _ key: Key) throws {
      let member =
        try value.map { try SettingEncoder.encode($0) }
        ?? SettingNode(SettingNode.Kind(of: Value.self))
      member.isOptional = true
      append(member, key)
    }

    func encodeIfPresent<Value: Encodable>(_ value: Value?, forKey key: Key) throws {
      try optional(value, key)
    }

    // For these types the library has defaults of its own, which leave out nil.
    func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try optional(value, key) }
    func encodeIfPresent(_ value: String?, forKey key: Key) throws { try optional(value, key) }
    func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try optional(value, key) }
    func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try optional(value, key) }
    func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try optional(value, key) }

    private func nested(_ key: Key) -> SettingEncoder {
      let member = SettingNode(.group)
      append(member, key)
      return SettingEncoder(node: member)
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key)
      -> KeyedEncodingContainer<Nested>
    { nested(key).container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
      nested(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { SettingEncoder(node: node) }
    func superEncoder(forKey key: Key) -> any Encoder { nested(key) }
  }

  /// Elements of a list.
  private struct Unkeyed: UnkeyedEncodingContainer {
    let node: SettingNode
    var codingPath: [any CodingKey] { [] }

    var count: Int {
      if case .list(let elements) = node.content { elements.count } else { 0 }
    }

    private func append(_ element: SettingNode) {
      guard case .list(let elements) = node.content else { return }
      node.content = .list(elements + [element])
      // A range says of itself only that it is no scalar.
      if node.kind == .group, element.kind != .group { node.kind = .list(element.kind) }
    }

    func encodeNil() { append(SettingNode(.group)) }
    func encode<Value: Encodable>(_ value: Value) throws {
      append(try SettingEncoder.encode(value))
    }

    private func nested() -> SettingEncoder {
      let element = SettingNode(.group)
      append(element)
      return SettingEncoder(node: element)
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type)
      -> KeyedEncodingContainer<Nested>
    { nested().container(keyedBy: type) }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }
    func superEncoder() -> any Encoder { nested() }
  }

  /// A value that encodes itself as another one: an enumeration as its text.
  private struct Single: SingleValueEncodingContainer {
    let node: SettingNode
    var codingPath: [any CodingKey] { [] }

    func encodeNil() { node.content = .none }
    func encode<Value: Encodable>(_ value: Value) throws {
      let other = try SettingEncoder.encode(value)
      node.content = other.content
      if node.kind == .group { node.kind = other.kind }
    }
  }
}

extension SettingNode.Kind {
  /// What the values of a type are.
  init(of type: Any.Type) {
    switch type {
    case is Bool.Type: self = .truth
    case is Int.Type: self = .whole
    case is UInt64.Type: self = .natural
    case is Double.Type: self = .number
    case is String.Type: self = .text
    default:
      if let list = type as? any ListOfSettings.Type {
        let element = SettingNode.Kind(of: list.elementType)
        self = element == .group ? .group : .list(element)
      } else if let cases = type as? any (CaseIterable & RawRepresentable).Type,
        let names = Self.names(cases)
      {
        self = .choice(names)
      } else {
        self = .group
      }
    }
  }

  /// The texts of an enumeration that has any.
  private static func names<Cases: CaseIterable & RawRepresentable>(_ type: Cases.Type) -> [String]?
  {
    let names = Cases.allCases.compactMap { $0.rawValue as? String }
    return names.isEmpty ? nil : names
  }
}

/// A list, whose elements' type tells what may stand there when it is empty.
private protocol ListOfSettings {
  static var elementType: Any.Type { get }
}

extension Array: ListOfSettings {
  fileprivate static var elementType: Any.Type { Element.self }
}
