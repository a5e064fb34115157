import Formats
import Foundation
import LinearCore
import Testing

@testable import Datasets

/// Arrays as people have them: images of several axes, other names, one-hot labels, valid ranges.
@Suite struct ArrayFormTests {
  private func fixture(_ name: String) throws -> String {
    try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: nil)).path
  }

  private func message(_ path: String, _ options: FeatureOptions = FeatureOptions()) -> String? {
    failure { () throws(DatasetError) in
      try FeatureFile.load(path: path, options: options).validated()
    }?.description
  }

  /// Images of bytes in Fortran order with names for labels, as numpy has written them.
  @Test func imagesKeepTheirShape() throws {
    let path = try fixture("images-nhwc.npz")
    let data = try FeatureFile.load(path: path).validated()
    #expect(data.sampleShape == [2, 3, 3] && data.dimension == 18 && data.count == 6)
    #expect(data.inputs.elements == (0..<108).map { Float($0) })
    #expect(data.classes == [.name("bird"), .name("cat"), .name("dog")])
    #expect(data.labels == [1, 2, 1, 0, 2, 1] && data.notes.isEmpty && data.imageShape == nil)
    #expect(data.inputBox == .uniform(0...255) && data.validInputs == .uniform(0...255))
  }

  /// The same images with channels first, under the names of Keras, labels one-hot: the same samples in the other order.
  @Test func channelsComeFirstOrLast() throws {
    let last = try FeatureFile.load(
      path: fixture("images-nhwc.npz"), options: FeatureOptions(layout: .nhwc))
    let first = try FeatureFile.load(
      path: fixture("images-nchw.npz"), options: FeatureOptions(layout: .nchw)
    ).validated()
    #expect(first.sampleShape == [3, 2, 3] && first.labels == [1, 2, 1, 0, 2, 1])
    #expect(first.classCount == 3 && first.classes == ClassLabel.numbers(3))
    #expect(
      first.notes == [
        "samples are array 'x_test', labels 'y_test'",
        "array 'y_test' is one-hot, read as the classes 0 to 2",
      ])
    #expect(first.inputs != last.inputs)
    let moved = first.arranged(as: .nhwc)
    #expect(moved.inputs == last.inputs && moved.sampleShape == [2, 3, 3])
    #expect(moved.imageShape == ImageShape(rows: 2, columns: 3, channels: 3))
    #expect(moved.arranged(as: .nchw).inputs == first.inputs)
    #expect(last.arranged(as: .nhwc) == last)
    #expect(
      message(try fixture("names.npz"), FeatureOptions(layout: .nchw))?.contains(
        "has samples of shape [2], for which input-layout means nothing") == true)
  }

  @Test func namesInBytesAndOtherKeys() throws {
    let data = try FeatureFile.load(path: fixture("names.npz")).validated()
    #expect(data.classes == [.name("no"), .name("yes")] && data.labels == [0, 1, 1, 0])
    #expect(data.notes == ["samples are array 'data', labels 'target'"])
    #expect(data.sampleShape == nil && data.inputs.row(3) == [6, 7])
  }

  @Test func twoSetsAskForAKey() throws {
    let path = try fixture("two-sets.npz")
    #expect(
      message(path)
        == "\(path): has no array 'X'; it holds 'x_test', 'x_train', 'y_test', 'y_train', and x-key "
        + "and y-key name samples and labels")
    let test = try FeatureFile.load(path: path, options: FeatureOptions(xKey: "x_test")).validated()
    #expect(test.labels == [1, 0, 1] && test.count == 3 && test.notes.isEmpty)
    let odd = message(path, FeatureOptions(xKey: "x_train", yKey: "y_test"))
    #expect(
      odd == "\(path): array 'y_test' has shape [3]; expected [2], one entry a row of 'x_train'")
    #expect(
      message(path, FeatureOptions(xKey: "X2"))?.contains(
        "has no array 'X2', as x-key says; it holds")
        == true)
  }

  @Test(arguments: [["X"], ["X", "label"], ["x"], ["images", "labels"], ["train_x", "train_y"]])
  func pairsOfNames(_ names: [String]) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/F.NPZ"
      var arrays = [names[0]: Tensor.counting(2, 2)]
      arrays[names.count > 1 ? names[1] : "y"] = .integers([0, 1])
      try NPZ.write(arrays, to: path)
      #expect(try FeatureFile.load(path: path).validated().labels == [0, 1])
      try Safetensors(tensors: arrays).write(to: path)
      #expect(try FeatureFile.load(path: path).validated().inputs.row(1) == [2, 3])
    }
  }

  @Test func oneHotLabelsAreChecked() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/f.npz"
      func write(_ y: [Double], _ shape: [Int]) throws {
        let labels = Tensor(shape: shape, elements: .float64(y))
        try NPZ.write(["X": .counting(3, 2), "y": labels], to: path)
      }
      try write([0, 1, 0, 0, 1, 0, 1, 0, 0], [3, 3])
      let data = try FeatureFile.load(path: path).validated()
      #expect(data.labels == [1, 1, 0] && data.classCount == 3)
      let odd = try FeatureFile.load(path: path, labels: .parity).validated()
      #expect(odd.labels == [1, 1, 0] && odd.classCount == 2 && odd.groups == [1, 1, 0])
      for wrong in [[0, 1, 0, 0, 1, 1, 1, 0, 0], [0, 1, 0, 0, 0.5, 0.5, 1, 0, 0]] {
        try write(wrong, [3, 3])
        #expect(
          message(path) == "\(path): array 'y' has shape [3, 3] but row 1 is not one-hot; expected "
            + "zeros and a single one, or one label a sample")
      }
      try write([0, 1, 1], [3, 1])
      #expect(try FeatureFile.load(path: path).labels == [0, 1, 1])
      try write([0, 1, 1, 0], [2, 2])
      #expect(message(path)?.contains("array 'y' has shape [2, 2]; expected [3]") == true)
    }
  }

  @Test func validRangesInAFile() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/f.npz"
      func write(_ box: [String: Tensor]) throws {
        let x = Tensor(shape: [2, 1, 2], elements: .float32([0, 1, 2, 3]))
        try NPZ.write(["X": x, "y": .integers([0, 1])].merging(box) { $1 }, to: path)
      }
      let low = Tensor(shape: [2], elements: .float64([0, -.infinity]))
      let high = Tensor(shape: [1, 2], elements: .float64([2, 3]))
      try write(["low": low, "high": high])
      let data = try FeatureFile.load(path: path).validated()
      #expect(data.inputBox == .perCoordinate(lower: [0, -.infinity], upper: [2, 3]))
      #expect(try FeatureFile.load(path: path).checksum != box(data, .uniform(0...3)).checksum)
      try write(["low": low])
      #expect(message(path)?.contains("array 'low' stands alone; expected an array 'high'") == true)
      try write(["low": low, "high": .integers([2, 2])])
      #expect(
        message(path)
          == "f.npz: holds 3.0 in row 1, column [0, 1]; expected a number in -inf...2.0, "
          + "the valid range")
      try write(["low": low, "high": .integers([-1, 3])])
      #expect(message(path)?.contains("leave coordinate 0 the range from 0.0 to -1.0") == true)
      try write(["low": low, "high": .integers([1, 2, 3])])
      #expect(
        message(path)?.contains("array 'high' has shape [3]; expected one number, or [1, 2]")
          == true)
    }
  }

  private func box(_ data: Dataset, _ box: InputBox<Float>) -> Dataset {
    var result = data
    result.inputBox = box
    return result
  }

  /// A number a channel goes to the right coordinates in either order.
  @Test func numbersOfChannelsAreSpread() throws {
    let last = try FeatureFile.load(
      path: fixture("images-nhwc.npz"), options: FeatureOptions(layout: .nhwc))
    let first = last.arranged(as: .nchw)
    let spread = try last.spread([1, 2, 3])
    #expect(spread == (0..<18).map { Double($0 % 3 + 1) })
    #expect(try first.spread([1, 2, 3]) == (0..<18).map { Double($0 / 6 + 1) })
    #expect(try first.spread([4]) == [Double](repeating: 4, count: 18))
    let plain = try FeatureFile.load(path: fixture("images-nhwc.npz"))
    #expect(try plain.spread([1, 2, 3]) == spread)
    #expect(throws: SpreadProblem.self) { try plain.spread([1, 2, 3, 4]) }
    var square = plain
    square.sampleShape = [3, 2, 3]
    do throws(SpreadProblem) {
      _ = try square.spread([1, 2, 3])
      Issue.record("channels may come first or last")
    } catch {
      #expect(error.description.contains("may come first or last; input-layout says it"))
    }
  }

  @Test func otherFormatsAreRefusedByTheirContent() throws {
    try withTemporaryFolder { folder in
      for name in ["f.h5", "f.npz", "f"] {
        let path = "\(folder)/\(name)"
        try AtomicFile.write(
          [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A] + [UInt8](repeating: 0, count: 90),
          to: path)
        #expect(message(path)?.hasPrefix("\(path): is an HDF5 file, which is not read;") == true)
      }
    }
  }

  @Test func dataWithoutLabels() throws {
    try withTemporaryFolder { folder in
      try NPZ.write(["X": .counting(3, 2)], to: folder + "/f.npz")
      try NPY.write(.counting(3, 2), to: folder + "/f.npy")
      try AtomicFile.write("a,b\n0,1\n2,3\n4,5\n", to: folder + "/f.csv")
      for name in ["f.npz", "f.npy", "f.csv"] {
        let path = "\(folder)/\(name)"
        let data = try FeatureFile.load(path: path, options: FeatureOptions(needsLabels: false))
          .validated()
        #expect(!data.isLabelled && data.inputs.row(2) == [4, 5] && data.labels == [0, 0, 0])
        #expect(message(path) != nil)
      }
    }
  }
}
