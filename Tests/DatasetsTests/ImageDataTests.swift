import Formats
import Foundation
import Testing

@testable import Datasets

@Suite struct DigitsTests {
  @Test func hasThePublishedCounts() throws {
    let data = try Digits.load()
    #expect(data.count == 1797 && data.dimension == 64 && data.classCount == 10)
    #expect(data.classSizes == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    #expect(data.inputs.elements.max() == 1 && data.inputs.elements.min() == 0)
    #expect(data.inputs.row(0).prefix(8).map { $0 * 16 } == [0, 0, 5, 13, 9, 1, 0, 0])
    #expect(data.imageShape == ImageShape(rows: 8, columns: 8) && data.valueRange == 0...1)
  }

  @Test func theSplitIsStratifiedAndFixed() throws {
    let train = try Digits.load(split: .train)
    let test = try Digits.load(split: .test)
    #expect(train.count == 1442 && test.count == 355)
    #expect(test.classSizes == [35, 36, 35, 36, 36, 36, 36, 35, 34, 36])
    let all = try Digits.load()
    let trainRows = StratifiedSplit.train.indices(of: all.labels)
    let testRows = StratifiedSplit.test.indices(of: all.labels)
    #expect((trainRows + testRows).sorted() == Array(0..<1797))
    #expect(all.subset(testRows) == test)
    // The first test samples: never to change, as results depend on them.
    #expect(testRows.prefix(5) == [33, 36, 37, 40, 44])
    // Computed independently with Python's hashlib.
    #expect(
      test.checksum == "4a74ab2fd2eb2bd2f20af1dd921eac1a9a2f56a455898fa417373a5ab60d7ed2")
    #expect(
      train.checksum == "a233e96160c28e5d2ac31067c49fe006216d713102ac324a93fe6297f98d70de")
  }

  @Test func parityKeepsTheDigitsAsSubclasses() throws {
    let data = try Digits.load(labels: .parity)
    let digits = try Digits.load()
    #expect(data.classCount == 2 && data.groups == digits.labels)
    #expect(data.labels == digits.labels.map { $0 % 2 })
    #expect(data.groupLabels == [0, 1, 0, 1, 0, 1, 0, 1, 0, 1])
    #expect(try Digits.load(labels: .modulo(3)).classCount == 3)
  }
}

@Suite struct MNISTTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let isThere = MNIST.isAvailable(environment: environment)

  @Test(.enabled(if: isThere, "MNIST is not there: set POLYRELU_DATA to its folder"))
  func splitsOfTheRealData() throws {
    let train = try MNIST.load(split: .paperTrain, labels: .parity)
    #expect(train.count == 50_000 && train.dimension == 784 && train.classCount == 2)
    #expect(train.groups?.prefix(6) == [5, 0, 4, 1, 9, 2])
    #expect(train.labels.prefix(6) == [1, 0, 0, 1, 1, 0])
    let test = try MNIST.load(split: .paperTest)
    #expect(test.count == 10_000 && test.classCount == 10)
    #expect(test.inputs.elements.max() == 0.99609375)
    let all = try MNIST.load(split: .train)
    #expect(
      all.classSizes == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])
    #expect(all.inputs.rows(in: 50_000..<60_000) == test.inputs)
    let official = try MNIST.load(split: .test).validated()
    #expect(official.classSizes == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
  }

  @Test func saysWhereItLooked() throws {
    let environment = ["POLYRELU_DATA": "/none", "HOME": "/home/me", "XDG_CACHE_HOME": "relative"]
    let error = failure { () throws(DatasetError) in try MNIST.load(environment: environment) }
    #expect(
      error?.description == "data set 'mnist' not found: no file 'train-images-idx3-ubyte.gz' in "
        + "/none/mnist, /none, /home/me/.cache/polyrelu/mnist; run `polyrelu data "
        + "fetch mnist` or set POLYRELU_DATA")
    #expect(
      DataFolders.search("mnist", ["HOME": "/h", "XDG_CACHE_HOME": "/c"])
        == ["/c/polyrelu/mnist"])
    #expect(!MNIST.isAvailable(environment: environment))
  }

  @Test func refusesFilesOfTheWrongShape() throws {
    try withTemporaryFolder { folder in
      let images = IDX.encode([UInt8](repeating: 0, count: 784), shape: [1, 28, 28])
      try AtomicFile.write(images, to: folder + "/t10k-images-idx3-ubyte")
      try AtomicFile.write(IDX.encode([3], shape: [1]), to: folder + "/t10k-labels-idx1-ubyte")
      let error = failure { () throws(DatasetError) in
        try MNIST.load(split: .test, environment: ["POLYRELU_DATA": folder])
      }
      #expect(error?.description.contains("expected [10000, 28, 28]") == true)
      try AtomicFile.write(
        Array(images.dropLast()), to: folder + "/t10k-images-idx3-ubyte")
      let truncated = failure { () throws(DatasetError) in
        try MNIST.load(split: .test, environment: ["POLYRELU_DATA": folder])
      }
      #expect(truncated?.description.contains("truncated") == true)
    }
  }
}

@Suite struct FashionMNISTTests {
  @Test(.enabled(if: FashionMNIST.isAvailable(), "Fashion-MNIST is not there"))
  func splitsOfTheRealData() throws {
    let train = try FashionMNIST.load(split: .train)
    #expect(train.name == "fashion-mnist" && train.classCount == 10)
    #expect(train.classSizes == [Int](repeating: 6000, count: 10))
    #expect(train.groups?.prefix(6) == [9, 0, 0, 3, 0, 2])
    let paper = try FashionMNIST.load(labels: .parity)
    #expect(paper.count == 50_000 && paper.labels.prefix(6) == [1, 0, 0, 1, 0, 0])
    #expect(try FashionMNIST.load(split: .paperTest).count == 10_000)
    let test = try FashionMNIST.load(split: .test).validated()
    #expect(test.classSizes == [Int](repeating: 1000, count: 10))
    #expect(test.inputs.elements.max() == 0.99609375)
  }

  /// The files of both data sets have the same names: in a flat folder only the labels tell.
  @Test(.enabled(if: MNIST.isAvailable(), "MNIST is not there: set POLYRELU_DATA to its folder"))
  func aFlatFolderOfDigitsIsNotFashion() throws {
    let found = DataFolders.search("mnist", ProcessInfo.processInfo.environment)
    let folder = try #require(
      found.first { FileManager.default.fileExists(atPath: $0 + "/t10k-labels-idx1-ubyte.gz") })
    let environment = ["POLYRELU_DATA": folder]
    #expect(try MNIST.load(split: .test, environment: environment).labels.first == 7)
    // Debian's folder may still have them.
    let fashion = try? FashionMNIST.load(split: .test, environment: environment)
    #expect(fashion?.labels.first != 7)
  }

  @Test func looksInTheFolderOfTheSystemLast() {
    #expect(FashionMNIST.images.systemFolder == "/usr/share/datasets/fashion-mnist")
    let lost = IDXImages(name: "lost", labelChecksums: [:], systemFolder: "/none/system")
    let error = failure { () throws(DatasetError) in
      try lost.load(.test, .category, ["POLYRELU_DATA": "/none"], refusing: [])
    }
    #expect(error?.description.contains("in /none/lost, /none, /none/system;") == true)
  }
}
