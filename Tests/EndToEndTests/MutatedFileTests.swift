import DeepNetworks
import Formats
import Foundation
import LinearCore
import Networks
import TestSupport
import Testing

/// Damaged files of every format through the program itself, with 2 GB of address space and 60 seconds.
///
/// A few of each; `POLYRELU_MUTATIONS=4000` asks for more.
@Suite struct MutatedFileTests {
  private let count =
    ProcessInfo.processInfo.environment["POLYRELU_MUTATIONS"].flatMap { Int($0) } ?? 12

  private static let features = [
    "X": Tensor(shape: [4, 2], elements: .float32([1, 0, 0, 1, 1, 0.2, 0.2, 1])),
    "y": Tensor(shape: [4], elements: .int64([1, 0, 1, 0])),
  ]

  private static func network() throws -> PReLUNetwork<Float> {
    try PReLUNetwork(exponent: 2, hiddenWeights: .identity(2), outputWeights: Matrix([[1, -1]]))
  }

  /// A deep network with layers of most kinds, which reads the two coordinates of the data.
  private static func deepNetwork() throws -> DeepNetwork<Float> {
    try DeepNetwork(
      architecture: Architecture(
        inputShape: FeatureShape(rows: 1, columns: 2, channels: 1),
        layers: [
          Standardization(means: [0.5], deviations: [2]),
          ConvolutionalPReLU(filters: 2, kernel: 2, padding: 1, exponent: 2),
          AveragePooling(window: 2), LayerNormalization(), DensePReLU(units: 3, exponent: 1.5),
          Residual([DensePReLU(units: 3, exponent: 1)]), Dropout(rate: 0.5), LinearHead(outputs: 1),
        ]), stream: RandomStream(seed: 1))
  }

  /// A state dict as `torch.save` writes it: a zip archive, stored, with a pickle of protocol 2.
  private static func torchFile() throws -> [UInt8] {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent(
        "NetworksTests/Fixtures/foreign-beside-4.pt")
    return [UInt8](try Data(contentsOf: path))
  }

  private struct Case {
    let file: String
    let valid: [UInt8]
    let arguments: [String]
    var companions: [String: [UInt8]] = [:]
  }

  private func cases() throws -> [String: Case] {
    let folder = try Workspace()
    func written(_ name: String, _ write: (String) throws -> Void) throws -> [UInt8] {
      try write(folder.path(name))
      return [UInt8](try folder.bytes(name))
    }
    let network = try Self.network()
    let info = ["data", "info"]
    let degree = ["--p", "3", "--normalize-input"]
    let labels = IDX.encode((0..<10_000).map { UInt8($0 % 10) }, shape: [10_000])
    let images = IDX.encode([UInt8](repeating: 9, count: 784), shape: [1, 28, 28])
    return [
      "npy": Case(
        file: "X.npy", valid: NPY.encode(Self.features["X"]!), arguments: info + ["./X.npy"],
        companions: ["y.npy": NPY.encode(Self.features["y"]!)]),
      "npz": Case(
        file: "f.npz", valid: try NPZ.encode(Self.features, path: "f.npz", isCompressed: true),
        arguments: info + ["f.npz"]),
      "safetensors": Case(
        file: "f.safetensors", valid: Safetensors(tensors: Self.features).encoded(),
        arguments: info + ["f.safetensors"]),
      "model npz": Case(
        file: "m.npz", valid: try written("m.npz") { try ModelFile.write(network, to: $0) },
        arguments: ["inspect", "--model", "m.npz"]),
      "model safetensors": Case(
        file: "m.safetensors", valid: ModelFile.contents(of: network).encoded(),
        arguments: ["inspect", "--model", "m.safetensors", "--data", "f.npz"],
        companions: ["f.npz": try NPZ.encode(Self.features, path: "f.npz")]),
      "pt": Case(
        file: "m.pt", valid: try Self.torchFile(), arguments: ["model", "info", "m.pt"] + degree),
      "onnx": Case(
        file: "m.onnx", valid: try Self.deepNetwork().onnxModel().encoded(),
        arguments: ["predict", "--model", "m.onnx", "--data", "f.npz", "--out", "p.csv"],
        companions: ["f.npz": try NPZ.encode(Self.features, path: "f.npz")]),
      "deep": Case(
        file: "deep.safetensors",
        valid: DeepModelFile.contents(of: try Self.deepNetwork()).encoded(),
        arguments: ["inspect", "--model", "deep.safetensors", "--data", "f.npz"],
        companions: ["f.npz": try NPZ.encode(Self.features, path: "f.npz")]),
      "idx.gz": Case(
        file: "t10k-labels-idx1-ubyte.gz", valid: Gzip.compress(labels),
        arguments: info + ["mnist", "--split", "test"],
        companions: ["t10k-images-idx3-ubyte": images]),
    ]
  }

  @Test(arguments: [
    "npy", "npz", "safetensors", "model npz", "model safetensors", "pt", "onnx", "deep", "idx.gz",
  ])
  func endInAnAnswerOrOneLine(_ name: String) throws {
    let subject = try #require(try cases()[name])
    let workspace = try Workspace()
    for (file, bytes) in subject.companions {
      try Data(bytes).write(to: workspace.url.appendingPathComponent(file))
    }
    let environment = ["POLYRELU_DATA": workspace.url.path]
    var random = SplitMix64(state: 20_241_130)
    var statuses: [Int32: Int] = [:]
    for number in 0..<count {
      // The first is whole: the command itself has to work.
      let bytes = number == 0 ? subject.valid : mutated(subject.valid, &random)
      try Data(bytes).write(to: workspace.url.appendingPathComponent(subject.file))
      let outcome = try workspace.runLimited(subject.arguments, environment: environment)
      statuses[outcome.status, default: 0] += 1
      let isRefusal =
        outcome.status == 2 && outcome.errors.hasPrefix("error: ") && outcome.output.isEmpty
        && outcome.errors.count { $0 == "\n" } == 1 && outcome.errors.count < 1500
      guard outcome.status != 0, !isRefusal else { continue }
      let kept = FileManager.default.temporaryDirectory
        .appendingPathComponent("mutated-\(number)-\(subject.file)")
      try Data(bytes).write(to: kept)
      Issue.record("\(kept.path): status \(outcome.status): \(outcome.errors.prefix(500))")
    }
    if name != "idx.gz" { #expect(statuses[0, default: 0] > 0, "the whole file is read") }
    #expect(statuses[2, default: 0] > 0 || count < 5, "some are refused")
    if count > 100 { print("mutated \(name): \(statuses)") }
  }
}
