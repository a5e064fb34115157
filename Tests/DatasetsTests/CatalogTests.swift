import Formats
import Foundation
import LinearCore
import Testing

@testable import Datasets

@Suite struct DatasetCatalogTests {
  private func message(_ request: DatasetRequest) -> String? {
    failure { () throws(DatasetError) in
      try DatasetCatalog.load(request, environment: ["POLYRELU_DATA": "/none"])
    }?.description
  }

  @Test func resolvesNamesAndFiles() throws {
    let mixture = OrthonormalMixture(dimension: 12, samples: 7)
    var request = DatasetRequest(data: "mixture", mixture: mixture, seed: 4)
    let train = try DatasetCatalog.load(request)
    #expect(train.count == 7 && train.dimension == 12)
    request.split = "test"
    #expect(try DatasetCatalog.load(request).inputs != train.inputs)
    let digits = DatasetRequest(data: "digits", labels: .parity, split: "test")
    #expect(try DatasetCatalog.load(digits).count == 355)
    try withTemporaryFolder { folder in
      let arrays = ["X": Tensor.counting(3, 2), "y": .integers([0, 1, 0])]
      try NPZ.write(arrays, to: folder + "/f.npz")
      #expect(try DatasetCatalog.load(DatasetRequest(data: folder + "/f.npz")).count == 3)
    }
  }

  @Test func explainsWhatItCannotResolve() {
    #expect(
      message(DatasetRequest(data: "minst"))
        == "no data set or file is called 'minst'; expected one of mixture, digits, mnist, "
        + "fashion-mnist, cifar10, a .npz, .safetensors, .npy or .csv file")
    #expect(
      message(DatasetRequest(data: "digits", split: "dev"))
        == "split is 'dev'; expected all, train, test for digits")
    #expect(message(DatasetRequest(data: "mixture", split: "dev"))?.contains("'dev'") == true)
    #expect(message(DatasetRequest(data: "mixture", labels: .parity))?.contains("none") == true)
    #expect(message(DatasetRequest(data: "mnist"))?.contains("/none/mnist") == true)
    #expect(message(DatasetRequest(data: "nothere.npz"))?.contains("cannot be opened") == true)
    #expect(message(DatasetRequest(data: "./x"))?.contains("cannot be opened") == true)
    #expect(message(DatasetRequest(data: "NOTHERE.NPZ"))?.contains("cannot be opened") == true)
  }

  @Test func listsEveryName() {
    let list = DatasetCatalog.list(environment: [:])
    #expect(list.map(\.name) == ["mixture", "digits", "mnist", "fashion-mnist", "cifar10"])
    // A system package may have installed Fashion-MNIST.
    #expect(list.prefix(3).map(\.isAvailable) == [true, true, false])
  }
}

@Suite struct LabelRuleTests {
  @Test func parsesWhatItPrints() throws {
    for text in ["category", "parity", "mod:10"] {
      #expect(try LabelRule(parsing: text).description == text)
    }
    #expect(try LabelRule(parsing: "digit") == .category)
    #expect(try LabelRule(parsing: "mod:2") == .parity)
    #expect(try LabelRule(parsing: "mod:10000").classCount(categoryCount: 3) == 10_000)
    for text in [
      "", "mod:", "mod:1", "mod:-3", "mod:x", "odd", "mod:10001", "mod:4611686018427387904",
      "mod:9223372036854775807", "mod:9223372036854775808",
    ] {
      #expect(
        failure { () throws(DatasetError) in try LabelRule(parsing: text) }?.description
          == "labels is '\(text)'; expected digit, category, parity or mod:N with N from 2 to "
          + "10000")
    }
    let coded = try JSONEncoder().encode([LabelRule.modulo(3), .category])
    #expect(String(decoding: coded, as: UTF8.self) == #"["mod:3","category"]"#)
    #expect(try JSONDecoder().decode([LabelRule].self, from: coded) == [.modulo(3), .category])
  }

  @Test func labelsOfAModulusAreNeverNegative() {
    #expect([-3, -1, 0, 4].map(LabelRule.modulo(3).label) == [0, 2, 0, 1])
  }
}

@Suite struct DatasetTests {
  private let data = Dataset(
    name: "d", inputs: Matrix([[0, 1], [2, 3], [4, 5]]), labels: [0, 1, 0], classCount: 2,
    groups: [0, 1, 2], groupLabels: [0, 1, 0], valueRange: 0...5)

  @Test func subsetsKeepRowsTogether() throws {
    let subset = data.subset([2, 0, 2])
    #expect(subset.inputs == Matrix([[4, 5], [0, 1], [4, 5]]))
    #expect(subset.labels == [0, 0, 0] && subset.groups == [2, 0, 2])
    #expect(subset.groupCount == 3 && subset.groupMeans()?.row(1) == [0, 0])
    #expect(data.prefix(2) == data.subset([0, 1]) && data.prefix(9) == data)
    #expect(data.prefix(-1).count == 0)
  }

  @Test func theChecksumSeesEveryPart() throws {
    var changed = [data, data, data]
    changed[0].inputs[1, 1] = 2.5
    changed[1].labels = [0, 1, 1]
    changed[2].groups = [0, 1, 0]
    #expect(Set((changed + [data]).map(\.checksum)).count == 4)
    var renamed = data
    renamed.name = "e"
    #expect(renamed.checksum == data.checksum)
  }

  @Test func validationNamesTheFirstFault() throws {
    #expect(try data.validated() == data)
    func message(_ change: (inout Dataset) -> Void) -> String? {
      var copy = data
      change(&copy)
      return failure { () throws(DatasetError) in try copy.validated() }?.description
    }
    #expect(
      message { $0.inputs[1, 0] = .nan }
        == "d: holds nan in row 1, column 0; expected a number in 0.0...5.0")
    #expect(message { $0.inputs[2, 1] = 5.5 }?.contains("5.5 in row 2, column 1") == true)
    #expect(
      message {
        $0.valueRange = nil
        $0.inputs[0, 1] = -.infinity
      } == "d: holds -inf in row 0, column 1; expected a finite number")
    #expect(message { $0.labels[2] = 2 } == "d: label 2 of sample 2 lies outside 0..<2")
    #expect(message { $0.labels = [0] } == "d: has 1 labels for 3 samples")
    #expect(message { $0.groups?[1] = 3 }?.contains("subclass 3 of sample 1") == true)
    #expect(message { $0.groups?[1] = 0 }?.contains("sample 1 has label 1") == true)
    #expect(message { $0.groupLabels = nil }?.contains("without their classes") == true)
    #expect(message { $0.groupCenters = Matrix(rows: 3, columns: 1) }?.contains("(3, 2)") == true)
    #expect(
      message { $0.imageShape = ImageShape(rows: 2, columns: 2) }
        == "d: has images of 4 values but samples of 2")
    #expect(message { $0 = $0.prefix(0) }?.contains("has no samples") == true)
  }
}
