import Foundation
import LinearCore
import Testing

@testable import Datasets

// The example of CONTRIBUTING.md, between the two marks word by word.
// BEGIN
/// Two concentric circles in the plane: class 1 has radius 1, class 0 radius 2.
enum Circles: NamedDataset {
  static let name = "circles"
  static let summary = "two concentric circles in the plane, generated"
  static let splits = StratifiedSplit.allCases.map(\.rawValue)

  static func load(_ request: DatasetRequest, environment: [String: String])
    throws(DatasetError) -> Dataset
  {
    var generator = RandomStream(seed: request.seed).child("angles")
    let labels = (0..<400).map { $0 % 2 }
    let points = labels.map { label -> [Float] in
      let (angle, radius) = (Float.random(in: 0..<(2 * .pi), using: &generator), Float(2 - label))
      return [radius * cos(angle), radius * sin(angle)]
    }
    let split: StratifiedSplit = try request.part(default: .all)
    return Dataset(name: name, inputs: Matrix(points), labels: labels, classCount: 2)
      .subset(split.indices(of: labels))
  }
}
// END

@Suite struct NewDatasetTests {
  private func load(_ split: String? = nil, seed: UInt64 = 0) throws -> Dataset {
    try DatasetCatalog.load(
      DatasetRequest(data: "circles", split: split, seed: seed),
      of: DatasetCatalog.all + [Circles.self])
  }

  @Test func aNewDataSetIsAskedForByName() throws {
    let (all, train, test) = (try load(), try load("train"), try load("test"))
    #expect(all.count == 400 && train.count == 320 && test.count == 80)
    for i in 0..<all.count {
      let radius = all.inputs.row(i).reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      #expect(abs(radius - (all.labels[i] == 1 ? 1 : 2)) < 1e-6)
    }
    #expect(try load().inputs == all.inputs && load(seed: 1).inputs != all.inputs)
    // Names of parts and of data sets are refused with what there is.
    let part = #expect(throws: DatasetError.self) { try load("held-out") }
    #expect(part?.description.contains("all, train, test for circles") == true)
    let name = #expect(throws: DatasetError.self) {
      try DatasetCatalog.load(DatasetRequest(data: "circles"))
    }
    #expect(name?.description.contains("mixture, digits, mnist") == true)
  }

  @Test func theExampleIsThatOfTheText() throws {
    let here = URL(fileURLWithPath: #filePath)
    let source = try String(contentsOf: here, encoding: .utf8)
    let root = here.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try String(
      contentsOf: root.appendingPathComponent("CONTRIBUTING.md"), encoding: .utf8)
    let example = source.components(separatedBy: "// BEGIN\n")[1]
      .components(separatedBy: "// END\n")[0]
    #expect(text.contains(example))
  }
}
