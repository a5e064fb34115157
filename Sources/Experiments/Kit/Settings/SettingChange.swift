import Foundation
import Runs

/// A change of a setting by its name, as `--set KEY=VALUE` says it.
///
/// The key is the path of the setting, "flow.mixture.alpha", or the end of one that no other has, "mixture.alpha" or
/// "alpha"; a whole path goes before ends of others. Elements of a list of groups have numbers, "curves.0.attack";
/// without one all are changed. In an experiment of several parts a change applies to every part that knows the key,
/// and with the name of a part before it, "binary.epochs", to that part alone.
package struct SettingChange: Sendable, Equatable {
  /// The path of the setting, or its end.
  package let key: String
  /// The text of the value.
  package let value: String

  /// A change.
  package init(key: String, value: String) {
    self.key = key
    self.value = value
  }

  /// Reads "KEY=VALUE"; nil without an equals sign or a key.
  package init?(parsing text: String) {
    guard let sign = text.firstIndex(of: "="), sign != text.startIndex else { return nil }
    key = String(text[..<sign])
    value = String(text[text.index(after: sign)...])
  }

  /// Settings that say what is run; changed, they would be those of something else.
  static let fixed = [
    "experiment": "it follows from the NAME of the experiment",
    "preset": "choose it with --preset",
    "data": "it follows from the experiment or from --data",
    "labels": "they follow from the experiment",
  ]

  /// The setting whose name or only end the key is, also behind the name of the part; nil where there is none.
  /// Elements of a list count as one.
  /// - Throws: ``ExperimentError/usage(_:)`` for the end of several paths.
  private func places(in root: SettingNode, part: String?) throws(ExperimentError)
    -> [SettingNode.Place]?
  {
    if let found = try places(key, in: root) { return found }
    guard let part, key.hasPrefix(part + ".") else { return nil }
    return try places(String(key.dropFirst(part.count + 1)), in: root)
  }

  private func places(_ key: String, in root: SettingNode) throws(ExperimentError)
    -> [SettingNode.Place]?
  {
    let places = root.places
    let exact = places.filter { $0.path == key || $0.plain == key }
    if !exact.isEmpty { return exact }
    let ending = places.filter { $0.path.hasSuffix("." + key) || $0.plain.hasSuffix("." + key) }
    let names = Self.distinct(ending.map(\.plain))
    if names.count > 1 {
      throw .usage(
        "--set \(key): several settings are called so, expected one of "
          + names.joined(separator: ", "))
    }
    return ending.isEmpty ? nil : ending
  }

  /// Changes the setting; `changed` remembers by path what this and earlier changes have changed.
  /// - Returns: whether there is such a setting.
  func apply(to root: SettingNode, part: String?, changed: inout [String: SettingChange])
    throws(ExperimentError) -> Bool
  {
    guard let places = try places(in: root, part: part) else { return false }
    for place in places {
      if let reason = Self.fixed[place.path] {
        throw .usage("--set \(key): \(place.path) cannot be set; \(reason)")
      }
      let node = place.node
      let members = Self.distinct(node.places.filter { $0.node.kind != .group }.map(\.plain))
      if node.kind == .group, !members.isEmpty, !(node.isOptional && value == SettingText.none) {
        throw .usage(
          "--set \(key): \(place.plain) is a group, expected one of its settings "
            + members.map { "\(place.plain).\($0)" }.joined(separator: ", ")
            + (node.isOptional ? ", or \(key)=none" : ""))
      }
      guard let content = SettingText.content(value, node.kind, isOptional: node.isOptional) else {
        throw .usage(
          "--set \(key) is '\(value)', expected "
            + SettingText.expectation(node.kind, isOptional: node.isOptional))
      }
      if let other = changed.updateValue(self, forKey: place.path), other.value != value {
        throw .usage(
          "--set \(key) is '\(value)', but --set \(other.key) is '\(other.value)'; expected one of them"
        )
      }
      node.content = content
    }
    return true
  }

  /// Texts without repetitions, in order.
  static func distinct(_ texts: [String]) -> [String] {
    var found = Set<String>()
    return texts.filter { found.insert($0).inserted }
  }
}

extension ExperimentSettings {
  /// The settings after some changes.
  ///
  /// - Parameters:
  ///   - changes: those that these settings do not know are left out.
  ///   - part: what the settings are called among others; a key may begin with it.
  ///   - isKnown: called with the place of every change that they know.
  /// - Throws: ``ExperimentError/usage(_:)`` that names the key for a value of the wrong kind and for a key that is
  ///   not one setting's alone. Ranges are for ``validate()`` to check.
  package func changed(
    by changes: [SettingChange], part: String? = nil, isKnown: (Int) -> Void = { _ in }
  ) throws(ExperimentError) -> Self {
    let root: SettingNode
    do { root = try SettingEncoder.encode(self) } catch { throw ExperimentError(error) }
    var changed: [String: SettingChange] = [:]
    for (number, change) in changes.enumerated()
    where try change.apply(to: root, part: part, changed: &changed) { isKnown(number) }
    if changed.isEmpty { return self }
    let wanted = root.json
    let used = SettingChange.distinct(changes.map(\.key)).joined(separator: ", ")
    let result: Self
    let found: SettingNode
    do {
      result = try JSONDecoder().decode(Self.self, from: Data(wanted.utf8))
      found = try SettingEncoder.encode(result)
    } catch {
      throw .usage("--set: the values of \(used) do not fit together")
    }
    // Nothing may be lost on the way, such as a third bound of a range.
    guard found.json == wanted else {
      throw .usage("--set: the values of \(used) cannot stand there as they are")
    }
    return result
  }
}
