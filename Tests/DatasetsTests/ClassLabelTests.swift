import Formats
import Foundation
import LinearCore
import Testing

@testable import Datasets

/// Values of labels: read from files, and mapped onto the classes of a model.
@Suite struct ClassLabelTests {
  private func load(
    _ y: LabelArray, group: LabelArray? = nil, labels: LabelRule = .category,
    split: StratifiedSplit = .all
  ) throws -> Dataset {
    try withTemporaryFolder { folder in
      let path = folder + "/f.npz"
      var arrays = ["y": y]
      arrays["group"] = group
      try NPZ.write(["X": .counting(y.shape[0], 2)], labels: arrays, to: path)
      return try FeatureFile.load(path: path, labels: labels, split: split).validated()
    }
  }

  private func names(_ names: String...) -> LabelArray { .names(shape: [names.count], names) }
  private func numbers(_ values: Int...) -> LabelArray {
    LabelArray(values.map { ClassLabel.integer($0) })
  }

  @Test func filesSayTheValues() throws {
    #expect(try load(numbers(0, 1, 1)).classes == [.integer(0), .integer(1)])
    #expect(try load(numbers(-1, 1, 1)).classes == [.integer(-1), .integer(1)])
    #expect(try load(numbers(1, 1)).classes == [.integer(0), .integer(1)])
    #expect(try load(numbers(7, -3, 40)).classes == [.integer(-3), .integer(7), .integer(40)])
    let animals = try load(names("cat", "ant", "cat", "Bee"))
    #expect(animals.classes == [.name("Bee"), .name("ant"), .name("cat")])
    #expect(animals.labels == [2, 1, 2, 0])
    // The values of a modulus are the remainders, whatever the file holds.
    let parity = try load(numbers(3, 5), labels: .modulo(4))
    #expect(parity.classes == ClassLabel.numbers(4) && parity.labels == [3, 1])
    #expect(parity.groupValues == [.integer(3), .integer(5)])
  }

  @Test func namesCannotBeCalculatedWith() throws {
    #expect(throws: DatasetError.self) { try load(names("a", "b"), labels: .parity) }
    do {
      _ = try load(names("a", "b"), labels: .parity)
    } catch {
      #expect(
        "\(error)".hasSuffix(
          "array 'y' holds the name 'a'; expected integers, for labels parity or mod:N"))
    }
  }

  @Test func groupsMayBeNames() throws {
    let data = try load(numbers(4, 9, 9), group: names("old", "new", "odd"))
    #expect(data.groups == [2, 0, 1] && data.groupLabels == [1, 1, 0])
    #expect(data.groupValues == [.name("new"), .name("odd"), .name("old")])
  }

  @Test func splitsKeepTheValuesOfTheWholeFile() throws {
    let y = LabelArray((0..<20).map { ClassLabel.integer($0 < 17 ? 1 : 2) })
    let test = try load(y, split: .test)
    #expect(test.classes == [.integer(1), .integer(2)] && test.labels == [0, 0, 0])
  }

  @Test func dataAreNumberedAsTheModelNumbersThem() throws {
    let known: [ClassLabel] = [.integer(3), .integer(1), .integer(2)]
    let data = try load(numbers(2, 3, 2), group: numbers(8, 6, 8))
    let mapped = try data.numbered(by: known, of: "--model m").validated()
    #expect(mapped.labels == [2, 0, 2] && mapped.classes == known && mapped.classCount == 3)
    #expect(mapped.groups == [1, 0, 1] && mapped.groupLabels == [0, 2])
    #expect(mapped.groupValues == [.integer(6), .integer(8)])
    #expect(mapped.inputs == data.inputs)
    // What has no samples may be unknown: the 0 of a file that holds 1 alone.
    #expect(try load(numbers(1, 1)).numbered(by: [.integer(1)], of: "m").labels == [0, 0])
    let message = failure { () throws(DatasetError) in
      try data.numbered(by: [.integer(3), .integer(4)], of: "--model m")
    }
    #expect(
      message?.description
        == "f.npz: label 2 of sample 0 is unknown to --model m, whose classes are 3 and 4")
    // A model with more outputs than values does not know the labels beyond them.
    let short = failure { () throws(DatasetError) in
      try load3().numbered(by: [.integer(5)], count: 2, of: "m")
    }
    #expect(short?.description.contains("label 7 of sample 1 is unknown") == true)
  }

  private func load3() -> Dataset {
    Dataset(
      name: "d", inputs: Matrix([[0], [1]]), labels: [0, 1], classCount: 2,
      classValues: [.integer(5), .integer(7)])
  }

  @Test func subclassesWithoutSamplesOfUnknownClassesGo() throws {
    let data = Dataset(
      name: "d", inputs: Matrix([[0], [1]]), labels: [1, 2], classCount: 3, groups: [1, 2],
      groupLabels: [0, 1, 2, 0], groupCenters: Matrix([[5], [6], [7], [8]]))
    let mapped = try data.numbered(by: [.integer(2), .integer(1)], of: "m").validated()
    #expect(mapped.labels == [1, 0] && mapped.groups == [0, 1] && mapped.groupLabels == [1, 0])
    #expect(mapped.groupCenters == Matrix([[6], [7]]))
    #expect(mapped.groupValues == [.integer(1), .integer(2)])
  }

  /// Random values, random order, some classes absent: every label keeps its value.
  @Test func everyLabelKeepsItsValue() throws {
    var random: any RandomNumberGenerator = RandomStream(seed: 7)
    for _ in 0..<500 {
      let pool: [ClassLabel] =
        (-3..<6).map { .integer($0) } + ["a", "b", "é", "zebra"].map { .name($0) }
      let own = Array(pool.shuffled(using: &random).prefix(.random(in: 1...6, using: &random)))
      let samples = (0..<Int.random(in: 1...12, using: &random)).map { _ in
        own.indices.randomElement(using: &random)!
      }
      let data = Dataset(
        name: "d", inputs: Matrix<Float>(rows: samples.count, columns: 1), labels: samples,
        classCount: own.count, classValues: own)
      let used = Set(samples.map { own[$0] })
      let known = (Array(used) + pool.filter { !used.contains($0) }.prefix(2)).shuffled(
        using: &random)
      let mapped = try data.numbered(by: known, of: "m").validated()
      #expect(mapped.labels.map { mapped.classes[$0] } == samples.map { own[$0] })
      #expect(mapped.labels.map { known[$0] } == samples.map { own[$0] })
      let lacking = known.filter { $0 != own[samples[0]] }
      #expect(throws: DatasetError.self) { try data.numbered(by: lacking, of: "m") }
    }
  }
}
