import Foundation
import Testing

/// Radii as people write them.
@Suite struct EpsilonTests {
  let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.writeFeatures("features.npz")
    try workspace.succeed(
      "train --data features.npz --p 1 --width 8 --epochs 2 --out run --quiet")
  }

  private let attack =
    "attack --model run --data features.npz --norm linf --attack quick --limit 3 --quiet"

  private static let understood: [(text: String, radii: [Double])] = [
    ("8/255", [8.0 / 255]), ("0,1/4,0.5", [0, 0.25, 0.5]), ("0:2/4:3", [0, 0.25, 0.5]),
    ("linspace(1/8,3/8,3)", [0.125, 0.25, 0.375]), ("1e-3/2", [5e-4]),
  ]

  @Test(arguments: understood.indices) func fractionsAreUnderstood(_ index: Int) throws {
    let (text, expected) = Self.understood[index]
    // The network is hardly trained, and the quick attack says so: status 3.
    let outcome = try workspace.run("\(attack) --json --epsilon \(text)")
    #expect([0, 3].contains(outcome.status), "\(outcome.errors)")
    let curve = try outcome.json()["curve"]
    let points = try #require(curve as? [[String: Any]])
    let found = points.compactMap { $0["epsilon"] as? Double }
    #expect(
      found.count == expected.count && zip(found, expected).allSatisfy { abs($0 - $1) < 1e-15 })
  }

  @Test(arguments: [
    "1/0", "1/", "/2", "1/2/3", "8//255", "-8/255", "8/-255", "1/inf", "inf/2", "a/b",
    "0:1/0:3", "nan/1", "1e308/1e-308",
  ])
  func otherFractionsAreRefused(_ text: String) throws {
    let refused = try workspace.run("\(attack) --epsilon \(text)")
    #expect(refused.status == 2 && refused.output.isEmpty)
    #expect(refused.errors.hasPrefix("error: --epsilon is '\(text)'"), "\(refused.errors)")
    #expect(refused.errors.split(separator: "\n").count == 1)
  }

  /// One class, so that no distance between classes exists: null, and what it means.
  @Test func jsonHoldsNoInfinity() throws {
    try workspace.writeFeatures("one.npz") { _, labels in labels = labels.map { _ in 7 } }
    let found = try workspace.succeed("data info one.npz --json")
    #expect(!found.output.contains("Infinity"))
    let object = try found.json()
    let distances = try #require(object["distances"] as? [String: Any])
    #expect(distances["smallestBetweenClasses"] is NSNull)
    let places = try #require(object["notFinite"] as? [String: [String]])
    #expect(
      places["infinite"] == ["/distances/meanBetweenClasses", "/distances/smallestBetweenClasses"])
    #expect(object["labels"] as? [Int] == [7])
  }
}
