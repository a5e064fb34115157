import Formats
import Foundation
import LinearCore
import Testing

@testable import Datasets

@Suite struct CIFAR10Tests {
  private static let isThere = CIFAR10.isAvailable()

  /// Records whose category and pixels tell where they stand.
  private static func batch(_ number: Int, count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    for image in 0..<count {
      bytes.append(UInt8((image + number) % 10))
      for channel in 0..<3 {
        bytes += (0..<1024).map { UInt8((number * 31 + image * 7 + channel * 60 + $0) % 256) }
      }
    }
    return bytes
  }

  /// Files of the same form with six images a batch, two of them for validation.
  private static let small = CIFARBatches(
    name: "cifar10", archive: "cifar-10-binary.tar.gz", archiveFolder: "cifar-10-batches-bin",
    imagesPerBatch: 6, imagesOfShortTest: 2,
    prefixChecksums: (0...5).map { number in
      var checksum = Checksum()
      batch(number, count: 2).withUnsafeBytes { checksum.update($0) }
      return checksum.hexadecimal
    })

  private func write(_ folder: String, test: String = "test_batch.bin") throws {
    for number in 0..<5 {
      let bytes = Self.batch(number, count: 6)
      let name = "\(folder)/data_batch_\(number + 1).bin"
      // Compressed or not.
      if number % 2 == 0 {
        try AtomicFile.write(Gzip.compress(bytes), to: name + ".gz")
      } else {
        try AtomicFile.write(bytes, to: name)
      }
    }
    let count = test == "test_batch.bin" ? 6 : 2
    try AtomicFile.write(Self.batch(5, count: count), to: "\(folder)/\(test)")
  }

  private func load(_ split: CIFAR10.Split, _ folder: String) throws(DatasetError) -> Dataset {
    try Self.small.load(split, .category, ["POLYRELU_DATA": folder])
  }

  @Test func partsOfSmallFiles() throws {
    try withTemporaryFolder { folder in
      try write(folder)
      let train = try load(.train, folder).validated()
      #expect(train.count == 24 && train.dimension == 3072)
      #expect(train.imageShape == ImageShape(rows: 32, columns: 32, channels: 3))
      // Image 1 of batch 2, row 3, column 4, blue: from planes to channels last.
      let blue = Float((31 + 7 + 2 * 60 + 3 * 32 + 4) % 256) / 255
      #expect(train.inputs[7, (3 * 32 + 4) * 3 + 2] == blue && train.labels[7] == 2)
      let validation = try load(.validation, folder)
      let heldOut = try load(.heldOut, folder)
      #expect(validation.labels == [4, 5] && heldOut.labels == [6, 7, 8, 9])
      #expect(try load(.test, folder).count == 6)
    }
  }

  @Test func theShortTestFileServesAsTest() throws {
    try withTemporaryFolder { folder in
      try write(folder, test: "test_batch_first_2.bin")
      #expect(try load(.test, folder).labels == [5, 6])
      #expect(Self.small.isAvailable(["POLYRELU_DATA": folder]))
    }
  }

  @Test func readsTheArchive() throws {
    try withTemporaryFolder { folder in
      let inner = folder + "/cifar-10-batches-bin"
      try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
      try write(inner)
      // As in the archive: not compressed one by one.
      for number in [1, 3, 5] {
        try AtomicFile.write(
          Self.batch(number - 1, count: 6), to: "\(inner)/data_batch_\(number).bin")
      }
      let expected = try load(.train, folder)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["tar", "-czf", "cifar-10-binary.tar.gz", "cifar-10-batches-bin"]
      process.currentDirectoryURL = URL(fileURLWithPath: folder)
      try process.run()
      process.waitUntilExit()
      try FileManager.default.removeItem(atPath: inner)
      #expect(Self.small.isAvailable(["POLYRELU_DATA": folder]))
      #expect(try load(.train, folder) == expected)
      #expect(try load(.test, folder).count == 6)
    }
  }

  @Test func namesWhatIsWrong() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/data_batch_5.bin"
      func message(_ bytes: [UInt8]) throws -> String? {
        try AtomicFile.write(bytes, to: path)
        return failure { () throws(DatasetError) in try load(.heldOut, folder) }?.description
      }
      let good = Self.batch(4, count: 6)
      #expect(try message(good) == nil)
      #expect(
        try message(Array(good.dropLast()))
          == "\(path): data_batch_5.bin holds 18437 bytes; expected 6 images of 3073 bytes")
      var wild = good
      wild[3073] = 10
      #expect(
        try message(wild)
          == "\(path): data_batch_5.bin holds the category 10 in image 1; expected 0...9")
      var other = good
      other[100] ^= 1
      let damage = try message(other)
      #expect(
        damage?.hasPrefix("\(path): is not data_batch_5.bin of cifar10: its first 2") == true)
      let missing = failure { () throws(DatasetError) in try load(.train, folder) }
      #expect(
        missing?.description.hasPrefix(
          "data set 'cifar10' not found: no file 'data_batch_1.bin.gz' in \(folder)/cifar10")
          == true)
      #expect(
        missing?.description.hasSuffix("`polyrelu data fetch cifar10` or set POLYRELU_DATA") == true
      )
    }
  }

  @Test(.enabled(if: isThere, "CIFAR-10 is not there: set POLYRELU_DATA to its folder"))
  func partsOfTheRealData() throws {
    let validation = try CIFAR10.load(split: .validation).validated()
    let heldOut = try CIFAR10.load(split: .heldOut)
    #expect(validation.count == 1000 && heldOut.count == 9000)
    // Batch 5 whole: the published counts of its categories.
    #expect(
      zip(validation.classSizes, heldOut.classSizes).map { $0 + $1 }
        == [1014, 1014, 952, 1016, 997, 1025, 980, 977, 1003, 1022])
    let test = try CIFAR10.load(split: .test)
    // A cat, two ships, an airplane.
    #expect(test.labels.prefix(4) == [3, 8, 8, 0] && test.count >= 1000)
    #expect(test.inputs[0, 0] == 158.0 / 255 && test.inputs[0, 2] == 49.0 / 255)
    #expect(try DatasetCatalog.load(DatasetRequest(data: "cifar10", split: "test")) == test)
  }
}

@Suite struct ChannelStatisticsTests {
  @Test func ofImagesAndVectors() {
    var data = Dataset(
      name: "d", inputs: Matrix([[1, 10, 3, 10], [5, 40, 7, 40]]), labels: [0, 1], classCount: 2,
      imageShape: ImageShape(rows: 1, columns: 2, channels: 2))
    #expect(data.channelStatistics.means == [4, 25])
    #expect(data.channelStatistics.deviations == [Double(5).squareRoot(), 15])
    data.imageShape = nil
    #expect(data.channelStatistics.means == [14.5])
  }
}
