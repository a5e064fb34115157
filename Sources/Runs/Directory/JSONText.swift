import Foundation

/// JSON with sorted keys, and null for numbers that are not finite, which JSON lacks.
///
/// A document with such a number says of each null that stands for one which it was: its member `notFinite`
/// lists their places as JSON pointers (RFC 6901) under `infinite`, `minusInfinite` and `undefined` (NaN). So
/// stored results come back as they were. A document that is no object is the member `value` of one then.
/// What infinity means is said where the number is described; of a radius, that nothing was found.
package enum JSONText {
  /// The text of a value, with a newline at the end.
  package static func encode<Value: Encodable>(_ value: Value) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: Marker.infinite, negativeInfinity: Marker.minusInfinite,
      nan: Marker.undefined)
    do {
      return try withNulls(String(decoding: encoder.encode(value), as: UTF8.self)) + "\n"
    } catch {
      preconditionFailure("values of this package hold nothing that cannot be encoded: \(error)")
    }
  }

  /// Reads what ``encode(_:)`` writes, and the words "Infinity", "-Infinity" and "NaN" of earlier versions.
  package static var decoder: JSONDecoder {
    let decoder = RestoringDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return decoder
  }

  /// Where nulls stand for numbers.
  private struct NotFinite: Codable {
    var infinite: [String]?
    var minusInfinite: [String]?
    var undefined: [String]?
  }

  private static let listName = "notFinite"

  /// Strings that no text holds: they start with a character that Unicode leaves to private use.
  private enum Marker {
    static let infinite = "\u{F0000}infinite"
    static let minusInfinite = "\u{F0000}minusInfinite"
    static let undefined = "\u{F0000}undefined"
  }

  private static func withNulls(_ text: String) throws -> String {
    guard text.utf8.contains(0xF3), text.contains("\u{F0000}") else { return text }
    let isObject = text.hasPrefix("{")
    let bytes = Array(text.utf8)
    var places = NotFinite()
    var result: [UInt8] = []
    var copied = 0
    JSONScalars.visit(bytes) { range, pointer in
      func place() -> String { (isObject ? "" : "/value") + pointer() }
      switch String(decoding: bytes[range], as: UTF8.self) {
      case "\"\(Marker.infinite)\"": places.infinite = (places.infinite ?? []) + [place()]
      case "\"\(Marker.minusInfinite)\"":
        places.minusInfinite = (places.minusInfinite ?? []) + [place()]
      case "\"\(Marker.undefined)\"": places.undefined = (places.undefined ?? []) + [place()]
      default: return
      }
      result += bytes[copied..<range.lowerBound] + Array("null".utf8)
      copied = range.upperBound
    }
    let document = String(decoding: result + bytes[copied...], as: UTF8.self)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    let list = String(decoding: try encoder.encode(places), as: UTF8.self)
      .replacingOccurrences(of: "\n", with: "\n  ")
    guard isObject else {
      return "{\n  \"\(listName)\" : \(list),\n  \"value\" : \(document)\n}"
    }
    // An object that holds a number is not empty.
    return document.dropLast(2) + ",\n  \"\(listName)\" : \(list)\n}"
  }

  /// The document with words instead of the nulls that stand for numbers.
  fileprivate static func restored(_ data: Data) throws -> Data {
    guard data.range(of: Data("\"\(listName)\"".utf8)) != nil else { return data }
    struct Document: Decodable { let notFinite: NotFinite? }
    guard let places = try JSONDecoder().decode(Document.self, from: data).notFinite else {
      return data
    }
    var words: [String: String] = [:]
    for (list, word) in [
      (places.infinite, "\"Infinity\""), (places.minusInfinite, "\"-Infinity\""),
      (places.undefined, "\"NaN\""),
    ] {
      for pointer in list ?? [] { words[pointer] = word }
    }
    let bytes = Array(data)
    var result: [UInt8] = []
    var copied = 0
    var wrapped: Int?
    JSONScalars.visit(bytes) { member, start in
      if member == "value", wrapped == nil, copied == 0 { wrapped = start }
    } scalar: { range, pointer in
      guard bytes[range].elementsEqual("null".utf8), let word = words[pointer()] else { return }
      result += bytes[copied..<range.lowerBound] + Array(word.utf8)
      copied = range.upperBound
    }
    let whole = result + bytes[copied...]
    let isWrapped = words.keys.allSatisfy { $0 == "/value" || $0.hasPrefix("/value/") }
    guard isWrapped, let wrapped, bytes.starts(with: "{\n  \"\(listName)\" :".utf8),
      let end = whole.lastIndex(of: UInt8(ascii: "}"))
    else { return withoutList(Data(whole)) }
    return Data(whole[wrapped..<end])
  }

  /// The document without the list behind its last member: a dictionary of numbers has none.
  private static func withoutList(_ document: Data) -> Data {
    guard
      let range = document.range(of: Data(",\n  \"\(listName)\" : {".utf8), options: .backwards)
    else { return document }
    return document[..<range.lowerBound] + Data("\n}\n".utf8)
  }

  private final class RestoringDecoder: JSONDecoder, @unchecked Sendable {
    override func decode<T: Decodable>(_ type: T.Type, from data: Data) throws -> T {
      try super.decode(type, from: restored(data))
    }
  }
}
