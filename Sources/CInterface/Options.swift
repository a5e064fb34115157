import Foundation
import LinearCore
import Runs

/// Options of a function, from a JSON object.
protocol Options: Decodable {
  /// The names it may have.
  static var names: Set<String> { get }
}

extension Options {
  /// Reads options; NULL stands for an object without members.
  ///
  /// - Throws: ``ExperimentError/usage(_:)`` for text that is no JSON object, an unknown name, or a value of another
  ///   type.
  static func read(_ text: TextInput?) throws(ExperimentError) -> Self {
    let text = text.map { String(cString: $0) } ?? "{}"
    let data = Data(text.utf8)
    do {
      let object = try JSONSerialization.jsonObject(with: data)
      guard let object = object as? [String: Any] else {
        throw ExperimentError.usage("options are no JSON object")
      }
      if let unknown = object.keys.sorted().first(where: { !names.contains($0) }) {
        throw ExperimentError.usage(
          "there is no option '\(unknown)', expected one of \(names.sorted().joined(separator: ", "))"
        )
      }
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(Self.self, from: data)
    } catch let error as ExperimentError {
      throw error
    } catch let DecodingError.typeMismatch(_, context) {
      throw .usage("\(name(context)): \(context.debugDescription)")
    } catch let DecodingError.valueNotFound(_, context) {
      throw .usage("\(name(context)): \(context.debugDescription)")
    } catch let DecodingError.dataCorrupted(context) {
      throw .usage("\(name(context)): \(context.debugDescription)")
    } catch let DecodingError.keyNotFound(key, _) {
      throw .usage("\(SettingName(key.stringValue)) is missing")
    } catch {
      throw .usage("options are no JSON object: \(error)")
    }
  }

  private static func name(_ context: DecodingError.Context) -> String {
    context.codingPath.first.map { SettingName($0.stringValue).description } ?? "options"
  }
}

/// A value that must be one of some words.
func choice<Value: RawRepresentable<String> & CaseIterable>(
  _ text: String?, _ setting: String, default standard: Value
) throws(ExperimentError) -> Value {
  guard let text else { return standard }
  guard let value = Value(rawValue: text) else {
    throw .usage(
      "\(SettingName(setting)) is '\(text)', expected one of "
        + Value.allCases.map(\.rawValue).joined(separator: ", "))
  }
  return value
}

/// A whole number of at least 1, if any.
func positive(_ value: Int?, _ setting: String) throws(ExperimentError) -> Int? {
  guard let value else { return nil }
  guard value >= 1 else {
    throw .usage("\(SettingName(setting)) is \(value), expected at least 1")
  }
  return value
}
