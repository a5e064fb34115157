import Formats
import LinearCore

/// The reader of CIFAR-10's binary files: records of one byte for the category and 3 x 1,024 bytes for
/// the red, green and blue pixels, row by row.
struct CIFARBatches: Sendable {
  private static let side = 32
  private static let pixels = side * side
  static let recordBytes = 1 + 3 * pixels

  /// What reports and folders call the data.
  let name: String
  /// The archive as published, and the folder of the files in it.
  let archive: String
  let archiveFolder: String
  /// Images of a file.
  let imagesPerBatch: Int
  /// The test images, and images of a batch that a checksum covers, where the test file is the short one;
  /// also the size of the validation part.
  let imagesOfShortTest: Int
  /// CRC-32 of the first ``imagesOfShortTest`` records of batches 1 to 5 and of the test batch.
  let prefixChecksums: [String]

  /// One file: batches 1 to 5 are numbered from 0, 5 is the test batch.
  private struct Batch {
    let source: String
    let bytes: [UInt8]
  }

  /// Loads a part of the data.
  func load(
    _ split: CIFAR10.Split, _ rule: LabelRule, _ environment: [String: String]
  ) throws(DatasetError) -> Dataset {
    let batches = try read(Self.numbers(of: split), environment)
    var rows = batches.map { 0..<$0.bytes.count / Self.recordBytes }
    if split == .validation { rows[0] = 0..<imagesOfShortTest }
    if split == .heldOut { rows[0] = imagesOfShortTest..<imagesPerBatch }
    let count = rows.reduce(0) { $0 + $1.count }
    var inputs = Matrix<Float>(uninitializedRows: count, columns: 3 * Self.pixels)
    var groups: [Int] = []
    for (batch, range) in zip(batches, rows) {
      let first = groups.count
      inputs.withMutablePointer {
        copyPixels(batch.bytes, range, into: $0 + first * 3 * Self.pixels)
      }
      groups += range.map { Int(batch.bytes[$0 * Self.recordBytes]) }
    }
    return Dataset(
      name: name, inputs: inputs, labels: groups.map(rule.label),
      classCount: rule.classCount(categoryCount: 10), groups: groups,
      groupLabels: (0..<10).map(rule.label),
      imageShape: ImageShape(rows: Self.side, columns: Self.side, channels: 3), valueRange: 0...1)
  }

  /// Whether the archive or all files are there. Reads none of them.
  func isAvailable(_ environment: [String: String]) -> Bool {
    let folders = DataFolders.search(name, environment)
    return DataFolders.find([archive], in: folders) != nil
      || (0...5).allSatisfy { DataFolders.find(candidates($0), in: folders) != nil }
  }

  private static func numbers(of split: CIFAR10.Split) -> [Int] {
    switch split {
    case .train: [0, 1, 2, 3]
    case .validation, .heldOut: [4]
    case .test: [5]
    }
  }

  /// The names that a file may have, the whole test batch before the short one.
  private func candidates(_ number: Int) -> [String] {
    let short = number == 5 ? ["test_batch_first_\(imagesOfShortTest).bin"] : []
    return ([fileName(number), "\(archiveFolder)/\(fileName(number))"] + short)
      .flatMap { [$0, $0 + ".gz"] }
  }

  private func fileName(_ number: Int) -> String {
    number == 5 ? "test_batch.bin" : "data_batch_\(number + 1).bin"
  }

  /// Reads files, or the archive where one of them is missing.
  private func read(
    _ numbers: [Int], _ environment: [String: String]
  ) throws(DatasetError) -> [Batch] {
    let folders = DataFolders.search(name, environment)
    let paths = numbers.compactMap { DataFolders.find(candidates($0), in: folders) }
    var batches: [Batch] = []
    if paths.count == numbers.count {
      for path in paths {
        let bytes = try reading { () throws(FormatError) in
          try Gzip.contents(of: path, maximumBytes: imagesPerBatch * Self.recordBytes)
        }
        batches.append(Batch(source: path, bytes: bytes))
      }
    } else if let path = DataFolders.find([archive], in: folders) {
      let tar = try reading { () throws(FormatError) in
        // Six batches, and a few kilobytes of text and headers.
        try TarArchive(
          bytes: Gzip.contents(
            of: path, maximumBytes: 6 * imagesPerBatch * Self.recordBytes + 1 << 20), path: path)
      }
      for number in numbers {
        let member = "\(archiveFolder)/\(fileName(number))"
        guard let bytes = tar.contents(of: member) else {
          throw .invalid(source: path, problem: "holds no file '\(member)'")
        }
        batches.append(Batch(source: path, bytes: bytes))
      }
    } else {
      let missing = numbers.first { DataFolders.find(candidates($0), in: folders) == nil } ?? 0
      throw .notFound(name: name, file: fileName(missing) + ".gz", searched: folders)
    }
    for (number, batch) in zip(numbers, batches) { try check(batch, number) }
    return batches
  }

  /// The size, the first records and all categories of a file.
  private func check(_ batch: Batch, _ number: Int) throws(DatasetError) {
    let (count, bytes) = (batch.bytes.count, Self.recordBytes)
    let isShortTest = number == 5 && count == imagesOfShortTest * bytes
    guard count == imagesPerBatch * bytes || isShortTest else {
      throw .invalid(
        source: batch.source,
        problem: "\(fileName(number)) holds \(count) bytes; expected \(imagesPerBatch) images of "
          + "\(bytes) bytes")
    }
    let categories = (0..<count / bytes).map { batch.bytes[$0 * bytes] }
    if let row = categories.firstIndex(where: { $0 > 9 }) {
      throw .invalid(
        source: batch.source,
        problem: "\(fileName(number)) holds the category \(categories[row]) in image \(row); "
          + "expected 0...9")
    }
    var checksum = Checksum()
    batch.bytes.withUnsafeBytes {
      checksum.update(UnsafeRawBufferPointer(rebasing: $0[..<(imagesOfShortTest * bytes)]))
    }
    guard checksum.hexadecimal == prefixChecksums[number] else {
      throw .invalid(
        source: batch.source,
        problem:
          "is not \(fileName(number)) of \(name): its first \(imagesOfShortTest) images have "
          + "the CRC-32 \(checksum.hexadecimal), expected \(prefixChecksums[number])")
    }
  }

  /// Pixels of records, from one plane a channel to channels last.
  private func copyPixels(
    _ bytes: [UInt8], _ rows: Range<Int>, into target: UnsafeMutablePointer<Float>
  ) {
    bytes.withUnsafeBufferPointer { source in
      for (place, row) in rows.enumerated() {
        let record = row * Self.recordBytes + 1
        let image = target + place * 3 * Self.pixels
        for channel in 0..<3 {
          for pixel in 0..<Self.pixels {
            image[3 * pixel + channel] =
              Float(source[record + channel * Self.pixels + pixel]) / 255
          }
        }
      }
    }
  }
}
