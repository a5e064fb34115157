import Formats
import Foundation
import LinearCore
import Testing

@testable import Networks

/// The values of classes in model files.
@Suite struct ModelClassesTests {
  private let network: PReLUNetwork<Float>
  private let names: [ClassLabel] = [
    .name("cat"), .name("with \"quotes\", \\ and \n"), .name("日本"),
  ]

  init() throws {
    network = try PReLUNetwork(
      exponent: 1, hiddenWeights: .identity3, outputWeights: .identity3, outputBias: nil,
      center: nil, normalizeInput: false)
  }

  @Test(arguments: ["npz", "safetensors"]) func comeBackAsTheyWere(_ type: String) throws {
    try withModelFolder { folder in
      let path = "\(folder)/m.\(type)"
      for classes in [names, [.integer(3), .integer(-1), .integer(2)], [.integer(7)], nil] {
        try ModelFile.write(network, to: path, classes: classes)
        #expect(try ModelFile.classes(path: path) == classes)
        #expect(try ModelFile.read(path, as: Float.self) == network)
      }
    }
  }

  @Test func otherFilesSayNothing() throws {
    for name in ["state.pt", "state.safetensors", "state.npz", "state-with-p.npz"] {
      #expect(try ModelFile.classes(path: modelFixture(name)) == nil, "\(name)")
    }
    try withModelFolder { folder in
      let path = folder + "/m.safetensors"
      // Another program's word for something else.
      try Safetensors(
        tensors: ["a": ModelFile.tensor([Float(1)])], metadata: ["classes": "ImageNet"]
      )
      .write(to: path)
      #expect(try ModelFile.classes(path: path) == nil)
    }
  }

  @Test(arguments: ["ImageNet", "[]", "[1, 1]", "[1.5]", "{}", "[\"a\", \"a\"]", "[null]"])
  func damagedListsAreRefused(_ text: String) throws {
    try withModelFolder { folder in
      let path = folder + "/m.safetensors"
      var file = ModelFile.contents(of: network)
      file.metadata["classes"] = text
      try file.write(to: path)
      #expect(throws: FormatError.self) { try ModelFile.classes(path: path) }
      try NPZ.write(
        ["classes": Tensor(shape: [2], elements: .float64([1, 1.5]))], to: folder + "/m.npz")
      #expect(throws: FormatError.self) { try ModelFile.classes(path: folder + "/m.npz") }
    }
  }

  @Test func onnxFilesCarryThem() throws {
    try withModelFolder { folder in
      let path = folder + "/m.onnx"
      try ModelFile.write(network, to: path, classes: [.integer(4), .integer(5), .integer(9)])
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      #expect(bytes.range(of: Data("[4, 5, 9]".utf8)) != nil)
    }
  }
}

extension Matrix<Float> {
  fileprivate static var identity3: Matrix { Matrix([[1, 0, 0], [0, 1, 0], [0, 0, 1]]) }
}
