import Foundation

/// The state of a training as the metadata of its checkpoint hold it: JSON with sorted keys, in which a loss that is
/// not finite, as of held-out data may be, is a string.
enum CheckpointText {
  private static let (infinity, minusInfinity, notANumber) = ("Infinity", "-Infinity", "NaN")

  static func encode<State: Encodable>(_ state: State) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: infinity, negativeInfinity: minusInfinity, nan: notANumber)
    do { return String(decoding: try encoder.encode(state), as: UTF8.self) } catch {
      preconditionFailure("numbers, strings and arrays always encode: \(error)")
    }
  }

  /// Nil for a text that holds no such state.
  static func decode<State: Decodable>(_ text: String) -> State? {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: infinity, negativeInfinity: minusInfinity, nan: notANumber)
    return try? decoder.decode(State.self, from: Data(text.utf8))
  }
}
