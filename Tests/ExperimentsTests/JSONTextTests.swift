import Foundation
import LinearCore
import Testing

@testable import Experiments
@testable import Runs
@testable import Studies

/// JSON has no infinity: documents hold null, and come back as they were.
@Suite struct JSONTextTests {
  private struct Part: Codable, Equatable {
    var radius: Double
    var radii: [Double]
    var metrics: [String: Double]
    var curves: [String: [[Double]]]
    var optional: Double?
    var text: String
    var nested: [Part]?
  }

  private var part: Part {
    Part(
      radius: .infinity, radii: [0.1, .infinity, -.infinity, 1e-300, 3],
      metrics: ["a/b": .infinity, "c~d": 2, "\"quoted\" \\ name": -.infinity, "é": .infinity],
      curves: ["empty": [], "x": [[], [.infinity], [1, 2]]], optional: nil,
      text: "Infinity, null and \"notFinite\": {[1, 2]}\n",
      nested: [
        Part(
          radius: 1, radii: [], metrics: [:], curves: [:], optional: .infinity, text: "",
          nested: [])
      ])
  }

  private func back<Value: Codable>(_ value: Value) throws -> Value {
    try JSONText.decoder.decode(Value.self, from: Data(JSONText.encode(value).utf8))
  }

  @Test func comesBackAsItWas() throws {
    #expect(try back(part) == part)
    #expect(try back([part, part]) == [part, part])
    let rows: [[Double]] = [[1, .infinity], [-.infinity]]
    #expect(try back(rows) == rows)
    let members: [String: Double] = ["value": .infinity, "x": 1]
    #expect(try back(members) == members)
    let list: [String: [Double]] = ["value": [.infinity]]
    #expect(try back(list) == list)
    let undefined = try back(["a": [1, Double.nan, .infinity]])["a"]!
    #expect(undefined[0] == 1 && undefined[1].isNaN && undefined[2] == .infinity)
  }

  @Test func finiteDocumentsAreAsTheyWere() throws {
    #expect(JSONText.encode(["a": 0.1]) == "{\n  \"a\" : 0.1\n}\n")
    #expect(JSONText.encode([1, 2]) == "[\n  1,\n  2\n]\n")
  }

  @Test func saysWhichNullIsWhat() throws {
    let text = JSONText.encode(["radii": [1, .infinity], "loss": [Double.nan]])
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect((object["radii"] as? [Any])?[1] is NSNull && (object["loss"] as? [Any])?[0] is NSNull)
    let places = try #require(object["notFinite"] as? [String: [String]])
    #expect(places == ["infinite": ["/radii/1"], "undefined": ["/loss/0"]])
    let array = try JSONSerialization.jsonObject(
      with: Data(JSONText.encode([["a/b": Double.infinity]]).utf8))
    let wrapped = try #require(array as? [String: Any])
    #expect((wrapped["notFinite"] as? [String: [String]]) == ["infinite": ["/value/0/a~1b"]])
    #expect((wrapped["value"] as? [[String: Any]])?[0]["a/b"] is NSNull)
  }

  @Test func noWordStandsForANumber() throws {
    var part = part
    part.text = ""
    part.nested = nil
    let text = JSONText.encode([part])
    #expect(!text.contains("Infinity") && !text.contains("NaN") && !text.contains("\u{F0000}"))
    #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(text.utf8)) }
  }

  /// Earlier versions wrote words.
  @Test func readsWhatEarlierVersionsWrote() throws {
    let old = """
      {"radius": "Infinity", "radii": ["-Infinity", 2], "metrics": {"m": "Infinity"}, "curves": {},
       "text": "Infinity"}
      """
    let value = try JSONText.decoder.decode(Part.self, from: Data(old.utf8))
    #expect(value.radius == .infinity && value.radii == [-.infinity, 2])
    #expect(value.metrics == ["m": .infinity] && value.text == "Infinity")
    let nan = try JSONText.decoder.decode([Double].self, from: Data("[\"NaN\", 1]".utf8))
    #expect(nan[0].isNaN && nan[1] == 1)
  }

  /// Whatever the shape of a document: 500 random ones.
  @Test func randomDocumentsComeBack() throws {
    var random: any RandomNumberGenerator = RandomStream(seed: 11)
    let names = ["a", "b/c", "~1", "\"", "\\", "notFinite", "value", "a,b:c", "日"]
    func number() -> Double {
      [1, -2.5, .infinity, -.infinity, 1e-17, 3].randomElement(using: &random)!
    }
    for _ in 0..<500 {
      let count = Int.random(in: 0...3, using: &random)
      func some<Value>(_ make: () -> Value) -> [String: Value] {
        Dictionary(
          names.shuffled(using: &random).prefix(count).map { ($0, make()) },
          uniquingKeysWith: { $1 })
      }
      let list = (0..<count).map { _ in number() }
      let members = some { list + [number()] }.filter { $0.key != "notFinite" }
      #expect(try back([members, members]) == [members, members])
      #expect(try back(["deep": members]) == ["deep": members])
      #expect(try back(list) == list)
    }
  }

  /// A chunk of two-sided radii, where nothing was found.
  @Test func storedPartsComeBack() throws {
    let sample = TwoSidedRadii.Sample(
      index: 3, label: 1, lower: 0.25, upper: .infinity, status: .bounded, nodes: 9,
      attacked: .infinity, smoothed: nil)
    #expect(try back([sample]) == [sample])
    let radii = TwoSidedRadii(p: 3, seed: .max, samples: [sample])
    #expect(try back(radii) == radii)
    let measured = Measured(
      TrainingValues<NetworkValues>(
        alignmentTime: .nan, fittingTime: .infinity, steps: 1, loss: [1, .infinity]))
    // NaN is not equal to itself.
    let found = try back(measured).values
    #expect(found.alignmentTime.isNaN && found.fittingTime == .infinity)
    #expect(found.loss == [1, .infinity] && found.network == nil)
  }

  @Test func damagedDocumentsAreRefused() {
    let whole = JSONText.encode([part])
    for length in stride(from: 0, to: whole.utf8.count - 3, by: 7) {
      let text = Data(whole.utf8.prefix(length))
      #expect(throws: (any Error).self) { try JSONText.decoder.decode([Part].self, from: text) }
    }
  }
}
