import Formats
import Foundation
import LinearCore
import Testing

@testable import Datasets

/// Feature files under any name, and those that promise what they do not hold.
@Suite struct ForeignFeatureTests {
  private let arrays = ["X": Tensor.counting(4, 2), "y": .integers([1, 0, 1, 0])]

  private func message(_ path: String) -> String? {
    failure { () throws(DatasetError) in try FeatureFile.load(path: path) }?.description
  }

  /// The content decides: every format under the name of every other, in capitals, and without an ending.
  @Test(arguments: ["D.NPZ", "d.npz", "d.npy", "d.safetensors", "D.SafeTensors", "d"])
  func theContentTellsTheFormat(_ name: String) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/\(name)"
      try NPZ.write(arrays, to: path)
      let first = try DatasetCatalog.load(DatasetRequest(data: path)).validated()
      #expect(first.labels == [1, 0, 1, 0] && first.inputs.row(3) == [6, 7])
      try Safetensors(tensors: arrays).write(to: path)
      let second = try DatasetCatalog.load(DatasetRequest(data: path)).validated()
      #expect(second == first && second.name == name)
      try NPY.write(.counting(4, 2), to: path)
      try NPY.write(.integers([1, 0, 1, 0]), to: "\(folder)/labels.npy")
      #expect(try FeatureFile.load(path: path).validated() == first)
    }
  }

  @Test func labelsLieBesideNamesInCapitals() throws {
    try withTemporaryFolder { folder in
      try NPY.write(.counting(2, 2), to: "\(folder)/X_train.NPY")
      try NPY.write(.integers([1, 0]), to: "\(folder)/y_train.npy")
      #expect(try FeatureFile.load(path: "\(folder)/X_train.NPY").labels == [1, 0])
      try NPY.write(.integers([0, 1]), to: "\(folder)/X_train_labels.npy")
      #expect(try FeatureFile.load(path: "\(folder)/X_train.NPY").labels == [0, 1])
    }
  }

  /// Shapes that do not fit are known before any number is read: here X would be refused for its size.
  @Test func shapesAreComparedFirst() throws {
    let zeros = Tensor(
      shape: [3, 9_000_000], elements: .float32(.init(repeating: 0, count: 27_000_000)))
    try withTemporaryFolder { folder in
      let path = "\(folder)/f.npz"
      try NPZ.write(["X": zeros, "y": .integers([1, 0])], to: path, isCompressed: true)
      #expect(
        message(path) == "\(path): array 'y' has shape [2]; expected [3], one entry a row of 'X'")
      try NPZ.write(["X": zeros, "y": .integers([1, 0, 1])], to: path, isCompressed: true)
      #expect(message(path)?.contains("expected at most 250 times as many") == true)
    }
  }

  @Test func aPipeIsRefused() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/fifo.npz"
      try #require(mkfifo(path, 0o600) == 0)
      #expect(message(path)?.contains("is not a regular file") == true)
      #expect(message(folder) == "\(folder): is a directory; expected a file")
    }
  }

  /// A label file that holds far more than 60,000 labels.
  @Test func imageFilesHaveTheSizeTheyMustHave() throws {
    try withTemporaryFolder { folder in
      let images = IDX.encode([UInt8](repeating: 0, count: 784), shape: [1, 28, 28])
      try AtomicFile.write(images, to: folder + "/train-images-idx3-ubyte")
      let labels = IDX.encode([UInt8](repeating: 0, count: 5_000_000), shape: [5_000_000])
      let path = folder + "/train-labels-idx1-ubyte.gz"
      try AtomicFile.write(Gzip.compress(labels), to: path)
      let error = failure { () throws(DatasetError) in
        try MNIST.load(environment: ["POLYRELU_DATA": folder])
      }
      #expect(error?.description == "\(path): decompresses to more than the 60008 bytes allowed")
    }
  }

  @Test func mixturesBeyondTheMachineAreRefused() {
    let huge = OrthonormalMixture(dimension: 1 << 13, samples: 1 << 20)
    let error = failure { () throws(DatasetError) in try huge.validate() }
    #expect(error?.description.hasPrefix("mixture: of 1048576 x 8192 needs about ") == true)
    let wide = OrthonormalMixture(dimension: 1 << 20, subclasses: 1 << 20, positive: 1, samples: 1)
    #expect(
      failure { () throws(DatasetError) in try wide.validate() }?.description
        == "subclasses is 1048576; expected subclasses x dimension to be at most 2^28")
  }
}
