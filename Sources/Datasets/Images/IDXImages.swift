import Formats
import LinearCore

/// A data set of 60,000 + 10,000 grey images of 28x28 in ten categories, in four IDX files whose
/// names MNIST has set: the reader that MNIST and Fashion-MNIST share.
struct IDXImages: Sendable {
  /// What reports and folders call the data.
  let name: String
  /// CRC-32 of the contents of the label files, by which one data set is told from another.
  let labelChecksums: [ImageSplit: String]
  /// Where a system package puts the files; the last place to look.
  let systemFolder: String?

  /// The images and labels of one part, from the same folder.
  private struct Files {
    let images: String
    let labels: String
    let labelBytes: IDX.ByteArray
  }

  /// Loads a part: pixels are byte/256, subclasses are the categories.
  ///
  /// - Parameter others: data sets in files of the same names. Where their labels lie, these data
  ///   are not: a flat `$POLYRELU_DATA` holds one of them only.
  func load(
    _ split: ImageSplit, _ rule: LabelRule, _ environment: [String: String],
    refusing others: [IDXImages]
  ) throws(DatasetError) -> Dataset {
    let files = try find(split, environment, refusing: others)
    let count = split.fileCount
    let images = try reading { () throws(FormatError) in
      try IDX.readBytes(path: files.images, maximumBytes: 16 + count * 784)
    }
    guard images.shape == [count, 28, 28] else {
      throw .invalid(
        source: files.images, problem: "has shape \(images.shape); expected [\(count), 28, 28]")
    }
    let categories = files.labelBytes
    guard categories.shape == [count] else {
      throw .invalid(
        source: files.labels, problem: "has shape \(categories.shape); expected [\(count)]")
    }
    if let row = categories.bytes.firstIndex(where: { $0 > 9 }) {
      throw .invalid(
        source: files.labels,
        problem: "holds \(categories.bytes[row]) in row \(row); expected 0...9")
    }
    let groups = categories.bytes[split.rows].map { Int($0) }
    return Dataset(
      name: name, inputs: pixels(images.bytes, split.rows), labels: groups.map(rule.label),
      classCount: rule.classCount(categoryCount: 10), groups: groups,
      groupLabels: (0..<10).map(rule.label), imageShape: ImageShape(rows: 28, columns: 28),
      valueRange: 0...1)
  }

  /// Whether the files of both parts are there. Reads the labels, not the images.
  func isAvailable(_ environment: [String: String], refusing others: [IDXImages]) -> Bool {
    [ImageSplit.train, .test].allSatisfy { split in
      (try? find(split, environment, refusing: others)) != nil
    }
  }

  private func find(
    _ split: ImageSplit, _ environment: [String: String], refusing others: [IDXImages]
  ) throws(DatasetError) -> Files {
    let folders = DataFolders.search(name, environment) + (systemFolder.map { [$0] } ?? [])
    let key = split == .test ? split : .train
    let foreign = others.compactMap { $0.labelChecksums[key] }
    for folder in folders {
      // Images and labels of different folders need not belong together.
      guard let images = DataFolders.find(candidates(split, "images", axes: 3), in: [folder]),
        let labels = DataFolders.find(candidates(split, "labels", axes: 1), in: [folder])
      else { continue }
      let contents = try reading { () throws(FormatError) in
        try Gzip.contents(of: labels, maximumBytes: 8 + split.fileCount)
      }
      var checksum = Checksum()
      contents.withUnsafeBytes { checksum.update($0) }
      if foreign.contains(checksum.hexadecimal) { continue }
      let bytes = try reading { () throws(FormatError) in
        try IDX.decodeBytes(contents, path: labels)
      }
      return Files(images: images, labels: labels, labelBytes: bytes)
    }
    throw .notFound(
      name: name, file: candidates(split, "images", axes: 3)[1], searched: folders)
  }

  /// The names a file may have. Some mirrors have a dot before idx.
  private func candidates(_ split: ImageSplit, _ kind: String, axes: Int) -> [String] {
    ["-", "."].map { "\(split.filePrefix)-\(kind)\($0)idx\(axes)-ubyte" }
      .flatMap { [$0, $0 + ".gz"] }
  }

  private func pixels(_ bytes: [UInt8], _ rows: Range<Int>) -> Matrix<Float> {
    var result = Matrix<Float>(uninitializedRows: rows.count, columns: 784)
    result.withMutablePointer { target in
      nonisolated(unsafe) let target = target
      bytes.withUnsafeBufferPointer { source in
        nonisolated(unsafe) let source = source
        let first = rows.lowerBound * 784
        // Most of the time the system makes memory available, to several threads sooner than to one.
        Parallel.forEachBlock(of: rows.count, size: 1_000) { _, range in
          for index in range.lowerBound * 784..<range.upperBound * 784 {
            target[index] = Float(source[first + index]) / 256
          }
        }
      }
    }
    return result
  }
}
