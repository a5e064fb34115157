import Formats
import Foundation
import LinearCore
import Testing

@testable import Datasets

@Suite struct FeatureFileTests {
  /// Writes the arrays to a file, loads it, and returns the data or the text of the error.
  private func load(
    _ arrays: [String: Tensor], labels: LabelRule = .category, split: StratifiedSplit = .all
  ) throws -> Result<Dataset, DatasetError> {
    try withTemporaryFolder { folder in
      try NPZ.write(arrays, to: folder + "/f.npz")
      do throws(DatasetError) {
        let data = try FeatureFile.load(path: folder + "/f.npz", labels: labels, split: split)
        return .success(try data.validated())
      } catch {
        return .failure(error)
      }
    }
  }

  private func message(_ arrays: [String: Tensor]) throws -> String {
    guard case .failure(let error) = try load(arrays) else { return "loaded" }
    return error.description
  }

  @Test(arguments: [
    ([0, 1, 1, 0], [0, 1, 1, 0], 2), ([-1, 1, 1, -1], [0, 1, 1, 0], 2),
    ([1, 1, 1, 1], [1, 1, 1, 1], 2),
    ([7, -3, 40, 7], [1, 0, 2, 1], 3), ([0, 1, 2, 3], [0, 1, 2, 3], 4),
    ([-1, 0, 1, 0], [0, 1, 2, 1], 3),
  ])
  func numbersClasses(file: [Int64], labels: [Int], classCount: Int) throws {
    let data = try load(["X": .counting(4, 2), "y": .integers(file)]).get()
    #expect(data.labels == labels && data.classCount == classCount && data.groups == nil)
    #expect(data.name == "f.npz" && data.inputs.row(3) == [6, 7])
  }

  @Test func acceptsOtherTypesAndColumns() throws {
    let y = Tensor(shape: [2, 1], elements: .float64([1, -1]))
    let x = Tensor(shape: [2, 2], elements: .int64([1, 2, 3, 4]))
    let data = try load(["X": x, "y": y, "unrelated": .integers([1])]).get()
    #expect(data.labels == [1, 0] && data.inputs.row(1) == [3, 4])
  }

  @Test func aModulusMakesCategoriesSubclasses() throws {
    let arrays = ["X": Tensor.counting(4, 1), "y": .integers([3, 12, -1, 3])]
    let data = try load(arrays, labels: .parity).get()
    #expect(data.labels == [1, 0, 1, 1] && data.classCount == 2)
    #expect(data.groups == [1, 2, 0, 1] && data.groupLabels == [1, 1, 0])
  }

  @Test func readsGroups() throws {
    var arrays = ["X": Tensor.counting(4, 1), "y": .integers([0, 0, 1, 1])]
    arrays["group"] = .integers([5, 9, 7, 7])
    let data = try load(arrays).get()
    #expect(data.groups == [0, 2, 1, 1] && data.groupLabels == [0, 1, 0])
    #expect(data.groupMeans() == Matrix([[0], [2.5], [1]]))
    #expect(data.classMeans() == Matrix([[0.5], [2.5]]))
    arrays["group"] = .integers([5, 9, 9, 7])
    #expect(
      try message(arrays).contains("array 'group' puts row 2 of class 1 into a group of class 0"))
  }

  @Test func splitsByCategory() throws {
    let y = Tensor.integers((0..<20).map { $0 / 10 })
    let arrays = ["X": Tensor.counting(20, 1), "y": y]
    #expect(try load(arrays, split: .test).get().inputs.elements == [4, 9, 14, 19])
    #expect(try load(arrays, split: .train).get().count == 16)
    let few = ["X": Tensor.counting(2, 1), "y": .integers([0, 1])]
    #expect(throws: DatasetError.self) { try load(few, split: .test).get() }
  }

  @Test func refusesBadContents() throws {
    var x = (0..<6).map { Float($0) }
    x[5] = .nan
    let y = Tensor.integers([0, 1, 0])
    let nan = Tensor(shape: [3, 2], elements: .float32(x))
    #expect(
      try message(["X": nan, "y": y]).hasSuffix(
        "f.npz: array 'X' holds nan in row 2, column 1; expected finite numbers"))
    let infinite = Tensor(shape: [3, 1], elements: .float64([0, .infinity, 0]))
    #expect(try message(["X": infinite, "y": y]).contains("holds inf in row 1, column 0"))
    // In a unit of length of their own, numbers of any size are held.
    let huge = Tensor(shape: [3, 1], elements: .float64([0, 1e300, -3e299]))
    let data = try load(["X": huge, "y": y]).get()
    for (found, expected) in zip(data.inputs.elements, [0, 1e300, -3e299]) {
      #expect(abs(Double(found) * data.unit - expected) <= 1e-7 * abs(expected))
    }
    #expect(throws: DatasetError.self) { try data.inUserUnits() }
    let half = Tensor(shape: [3], elements: .float64([0, 1, 0.5]))
    let good = Tensor.counting(3, 2)
    #expect(
      try message(["X": good, "y": half]).hasSuffix(
        "array 'y' holds 0.5 at index 2; expected integers"))
    let nanLabel = Tensor(shape: [3], elements: .float32([0, .nan, 1]))
    #expect(try message(["X": good, "y": nanLabel]).contains("array 'y' holds nan at index 1"))
    #expect(try message(["X": good]).contains("has no array 'y'; it holds 'X'"))
    #expect(
      try message(["X": good, "y": .integers([0, 1])]).contains("'y' has shape [2]; expected [3]"))
    #expect(try message(["X": y, "y": y]).contains("array 'X' has shape [3]; expected (samples"))
    let empty = Tensor(shape: [0, 3], elements: .float32([]))
    #expect(try message(["X": empty, "y": .integers([])]).contains("both at least 1"))
  }

  @Test func readsSafetensors() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/f.safetensors"
      func message() -> String? {
        failure { () throws(DatasetError) in try FeatureFile.load(path: path) }?.description
      }
      var file = Safetensors(tensors: ["X": .counting(3, 2), "y": .integers([4, 7, 4])])
      try file.write(to: path)
      var data = try FeatureFile.load(path: path, labels: .parity).validated()
      #expect(data.inputs == Matrix([[0, 1], [2, 3], [4, 5]]) && data.labels == [0, 1, 0])
      #expect(data.groups == [0, 1, 0] && data.name == "f.safetensors")
      file.tensors["group"] = .integers([1, 0, 2])
      try file.write(to: path)
      data = try DatasetCatalog.load(DatasetRequest(data: path)).validated()
      #expect(data.groups == [1, 0, 2] && data.groupLabels == [1, 0, 0])
      file.tensors["y"] = nil
      try file.write(to: path)
      #expect(
        message() == "\(path): has no array 'y'; it holds 'X', 'group', and y-key names the labels")
      file.tensors["y"] = .integers([1])
      try file.write(to: path)
      #expect(message()?.contains("array 'y' has shape [1]; expected [3]") == true)
    }
  }

  /// Every element type as safetensors stores it: X = [[1], [2]] and y = [0, 1].
  @Test(arguments: [
    ("F16", [0x00, 0x3C, 0x00, 0x40]), ("BF16", [0x80, 0x3F, 0x00, 0x40]), ("U8", [1, 2]),
    ("I8", [1, 2]), ("I16", [1, 0, 2, 0]), ("U16", [1, 0, 2, 0]), ("BOOL", [1, 1]),
    ("U32", [1, 0, 0, 0, 2, 0, 0, 0]), ("I32", [1, 0, 0, 0, 2, 0, 0, 0]),
    ("U64", [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]),
    ("F64", [0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0x40]),
  ])
  func readsEveryElementType(type: String, bytes: [UInt8]) throws {
    let end = bytes.count
    let header =
      #"{"X":{"dtype":"\#(type)","shape":[2,1],"data_offsets":[0,\#(end)]},"#
      + #""y":{"dtype":"U8","shape":[2],"data_offsets":[\#(end),\#(end + 2)]}}"#
    let length = (0..<8).map { UInt8(header.utf8.count >> (8 * $0) & 255) }
    try withTemporaryFolder { folder in
      try AtomicFile.write(
        length + Array(header.utf8) + bytes + [0, 1], to: folder + "/f.safetensors")
      let data = try FeatureFile.load(path: folder + "/f.safetensors")
      #expect(data.inputs.elements == (type == "BOOL" ? [1, 1] : [1, 2]))
      #expect(data.labels == [0, 1])
    }
  }

  /// X of numpy in Fortran order and with big-endian numbers, as a pair of .npy files.
  @Test(arguments: [
    ("<f2", "True", [0x00, 0x3C, 0x00, 0x42, 0x00, 0x40, 0x00, 0x44]),
    (">f2", "False", [0x3C, 0x00, 0x40, 0x00, 0x42, 0x00, 0x44, 0x00]),
    (">i2", "True", [0, 1, 0, 3, 0, 2, 0, 4]), ("|u1", "True", [1, 3, 2, 4]),
    (
      ">f4", "True",
      [0x3F, 0x80, 0, 0, 0x40, 0x40, 0, 0, 0x40, 0, 0, 0, 0x40, 0x80, 0, 0]
    ),
  ])
  func readsEitherOrder(type: String, isFortran: String, bytes: [UInt8]) throws {
    func array(_ type: String, _ order: String, _ shape: String, _ bytes: [UInt8]) -> [UInt8] {
      let text = "{'descr': '\(type)', 'fortran_order': \(order), 'shape': \(shape), }\n"
      return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8)
        + bytes
    }
    try withTemporaryFolder { folder in
      try AtomicFile.write(array(type, isFortran, "(2, 2)", bytes), to: folder + "/X.npy")
      try AtomicFile.write(array("|u1", "False", "(2,)", [3, 8]), to: folder + "/y.npy")
      let data = try FeatureFile.load(path: folder + "/X.npy", labels: .parity)
      #expect(data.inputs == Matrix([[1, 2], [3, 4]]))
      #expect(data.labels == [1, 0] && data.groups == [0, 1])
    }
  }

  @Test func findsTheLabelsOfAPlainArray() throws {
    try withTemporaryFolder { folder in
      func write(_ name: String, _ labels: [Int64]) throws {
        try NPY.write(.integers(labels), to: folder + "/" + name)
      }
      for name in ["X_train.npy", "features.npy"] {
        try NPY.write(.counting(2, 2), to: folder + "/" + name)
      }
      let bare = failure { () throws(DatasetError) in
        try FeatureFile.load(path: folder + "/X_train.npy")
      }
      #expect(
        bare?.description.hasSuffix(
          "has no labels beside it; expected X_train_labels.npy or y_train.npy or labels.npy")
          == true)
      try write("labels.npy", [0, 1])
      #expect(try FeatureFile.load(path: folder + "/X_train.npy").labels == [0, 1])
      try write("y_train.npy", [1, 0])
      #expect(try FeatureFile.load(path: folder + "/X_train.npy").labels == [1, 0])
      try write("features_labels.npy", [1, 1])
      try write("features_groups.npy", [8, 4])
      let features = try FeatureFile.load(path: folder + "/features.npy")
      #expect(features.labels == [1, 1] && features.groups == [1, 0])
    }
  }

  @Test func namesMissingAndUnknownFiles() throws {
    let missing = failure { () throws(DatasetError) in try FeatureFile.load(path: "/no/f.npz") }
    #expect(missing?.description == "/no/f.npz: cannot be opened: No such file or directory")
    try withTemporaryFolder { folder in
      let path = folder + "/f.csv"
      try AtomicFile.write("1,2,0\n3,4,1\n", to: path)
      let other = failure { () throws(DatasetError) in try FeatureFile.load(path: path) }
      #expect(
        other?.description.contains("f.csv: has no header: its first line holds numbers") == true)
      let binary = folder + "/f"
      try AtomicFile.write([0, 1, 2, 3], to: binary)
      let none = failure { () throws(DatasetError) in try FeatureFile.load(path: binary) }
      #expect(none?.description == "\(binary): is no .npz, .safetensors, .npy or .csv file")
    }
  }

  @Test func damagedFilesNeverCrash() throws {
    let arrays = ["X": Tensor.counting(6, 3), "y": .integers([0, 1, 0, 1, 1, 0])]
    let valid = try NPZ.encode(arrays, path: "f.npz")
    var random = RandomStream(seed: 11)
    try withTemporaryFolder { folder in
      let path = folder + "/f.npz"
      for _ in 0..<1000 {
        var bytes = valid
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
            in: 0...255, using: &random)
        }
        if Int.random(in: 0..<4, using: &random) == 0 {
          bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
        }
        try bytes.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: path)) }
        do throws(DatasetError) {
          _ = try FeatureFile.load(path: path).validated()
        } catch {
          #expect(!error.description.isEmpty && !error.description.contains("\n"))
        }
      }
    }
  }
}
