import Foundation
import PolyReLU

@testable import Datasets
@testable import DeepNetworks
@testable import Formats
@testable import Graphs
@testable import LinearCore
@testable import Networks
@testable import Runs

/// One reader: what it does with bytes, and whole files to start from.
struct Reader: Sendable {
  let read: @Sendable ([UInt8]) -> Void
  let seeds: @Sendable () throws -> [[UInt8]]
}

/// Every reader of files, by name.
enum Readers {
  /// An input is read or refused with a `FormatError`; everything else is found by the fuzzer.
  private static func reader(
    _ read: @escaping @Sendable ([UInt8]) throws(FormatError) -> Void,
    seeds: @escaping @Sendable () throws -> [[UInt8]]
  ) -> Reader {
    Reader(
      read: { bytes in
        do throws(FormatError) { try read(bytes) } catch {
          precondition(error.message.count <= 1001 && !error.description.contains("\n"))
        }
      }, seeds: seeds)
  }

  private static let arrays = [
    "X": Tensor(shape: [4, 2], elements: .float32([1, 0, 0, 1, 1, 0.2, 0.2, 1])),
    "y": Tensor(shape: [4], elements: .int64([1, 0, 1, 0])),
  ]
  private static let limit = 1 << 24

  static let all: [String: Reader] = [
    "npy": reader(
      { (bytes) throws(FormatError) in _ = try NPY.decode(bytes, path: "f") },
      seeds: {
        try [NPY.encode(arrays["X"]!), NPY.encode(arrays["y"]!)]
          + fixtures("FormatsTests", ["fortran3.npy", "version2.npy", "structured.npy"])
      }),
    "npz": reader(
      { (bytes) throws(FormatError) in
        _ = try NPZ.decode(bytes, path: "f", maximumBytes: limit)
      },
      seeds: {
        try [false, true].map { try NPZ.encode(arrays, path: "f", isCompressed: $0) }
          + fixtures("FormatsTests", ["big-F-compressed.npz"])
      }),
    "onnx": reader(
      { (bytes) throws(FormatError) in
        evaluate(try ONNXGraphFile.plan(of: ONNXModel(bytes: bytes, path: "f"), path: "f"))
      },
      seeds: {
        try fixtures("NetworksTests", ["golden-p3.onnx"])
          + fixtures("DeepNetworksTests", ["golden.onnx"])
      }),
    "idx": reader(
      { (bytes) throws(FormatError) in
        _ = try IDX.decode(bytes, path: "f")
        _ = try IDX.decodeBytes(bytes, path: "f")
      }, seeds: { try fixtures("FormatsTests", ["bytes.idx", "f8.idx", "i2.idx"]) }),
    "gzip": reader(
      { (bytes) throws(FormatError) in
        _ = try Gzip.decompress(bytes, path: "f", maximumBytes: limit)
      },
      seeds: { try fixtures("FormatsTests", ["bytes.idx.gz"]) + [Gzip.compress([1, 2, 3])] }),
    "tar": reader(
      { (bytes) throws(FormatError) in
        let archive = try TarArchive(bytes: bytes, path: "f")
        for name in archive.names { _ = archive.contents(of: name) }
      }, seeds: { [[UInt8](repeating: 0, count: 1024)] }),
    "safetensors": reader(
      { (bytes) throws(FormatError) in _ = try Safetensors(bytes: bytes, path: "f") },
      seeds: {
        try [Safetensors(tensors: arrays, metadata: ["p": "3"]).encoded()]
          + fixtures("FormatsTests", ["mixed.safetensors"])
      }),
    "torch": reader(
      { (bytes) throws(FormatError) in
        _ = try TorchArchive(bytes: bytes, path: "f").read(maximumBytes: limit)
      },
      seeds: {
        try fixtures("FormatsTests", ["good-protocol2.pt", "good-state_dict.pt"])
          + fixtures("NetworksTests", ["foreign-beside-4.pt", "foreign-nested.pt"])
      }),
    // Without the checksums of the archive around it.
    "pickle": reader(
      { (bytes) throws(FormatError) in
        var reader = PickleReader(bytes, path: "f")
        let dictionary = try reader.readStateDictionary { $0.contains("prelulayer.W") }
        for tensor in dictionary.tensors.values
        where tensor.problem == nil && tensor.storage.count < 1 << 16 && tensor.count < 1 << 16 {
          let storage = [Float](repeating: 1, count: tensor.storage.count)
          precondition(Tensor.Elements.float32(storage).viewed(tensor).count == tensor.count)
        }
      },
      seeds: {
        try ["foreign-beside-2.pt", "foreign-beside-4.pt", "foreign-beside-5.pt", "refused-two.pt"]
          .map {
            let archive = try ZipArchive(bytes: fixtures("NetworksTests", [$0])[0], path: $0)
            return try archive.bytes(of: archive.entries.first { TorchArchive.isPickle($0) }!)
          }
      }),
    "model": reader(
      { (bytes) throws(FormatError) in
        let file = try Safetensors(bytes: bytes, path: "f")
        let network: PReLUNetwork<Float> = try ModelFile.network(in: file, path: "f")
        guard network.inputDimension < 1 << 12, network.hiddenWidth < 1 << 12 else { return }
        _ = network.logits(Matrix(rows: 2, columns: network.inputDimension))
      },
      seeds: {
        try [
          ModelFile.contents(
            of: PReLUNetwork<Float>(
              exponent: 2.5, hiddenWeights: .identity(2), outputWeights: Matrix([[1, -1]]),
              outputBias: [0.5], center: [1, 2], normalizeInput: true)
          ).encoded()
        ] + fixtures("NetworksTests", ["foreign-compiled.safetensors"])
      }),
    "deep": reader(
      { (bytes) throws(FormatError) in
        let file = try Safetensors(bytes: bytes, path: "f")
        let network: DeepNetwork<Float> = try DeepModelFile.network(in: file, path: "f")
        let values = network.architecture.shapes.reduce(0) { $0 + $1.count }
        guard values < 1 << 12, network.architecture.parameterCount < 1 << 12 else { return }
        _ = network.logits(Matrix(rows: 2, columns: network.inputDimension))
      },
      seeds: {
        let layers: [any Layer] = [
          Standardization(means: [0.5], deviations: [2]),
          ConvolutionalPReLU(filters: 2, kernel: 2, padding: 1, exponent: 2),
          AveragePooling(window: 2), LayerNormalization(), DensePReLU(units: 3, exponent: 1.5),
          Residual([DensePReLU(units: 3, exponent: 1)]), Dropout(rate: 0.5), LinearHead(outputs: 1),
        ]
        let network = try DeepNetwork<Float>(
          architecture: Architecture(
            inputShape: FeatureShape(rows: 1, columns: 2, channels: 1), layers: layers),
          stream: RandomStream(seed: 1))
        return [DeepModelFile.contents(of: network).encoded()]
      }),
    // Networks of every kind, from the file, as commands read them.
    "stored": reader(
      { (bytes) throws(FormatError) in
        let path = FileManager.default.temporaryDirectory.path + "/fuzz-stored-\(getpid())"
        try AtomicFile.write(bytes, to: path)
        let options = [
          PlainLayerOptions(), PlainLayerOptions(activation: .relu),
          PlainLayerOptions(activation: .prelu(2), inputShape: [2, 8, 8]),
        ]
        for layers in options {
          do throws(FormatError) {
            let model = try StoredModel(path: path, layers: layers)
            if let graph = model.graph { evaluate(graph.plan) }
          } catch {
            precondition(error.message.count <= 1001 && !error.description.contains("\n"))
          }
        }
      },
      seeds: {
        try fixtures(
          "GraphsTests",
          ["mlp.pt", "named.pt", "pooled.pt", "wrapped.pt", "many.safetensors", "named.npz"])
          + fixtures("NetworksTests", ["golden-p3.onnx", "state.npz", "state.pt"])
          + fixtures("DeepNetworksTests", ["golden.onnx"])
      }),
    // From the file, as commands read it.
    "features": reader(
      { (bytes) throws(FormatError) in
        let path = FileManager.default.temporaryDirectory.path + "/fuzz-\(getpid()).npz"
        try AtomicFile.write(bytes, to: path)
        do throws(DatasetError) {
          let data = try FeatureFile.load(path: path, labels: .parity).validated()
          precondition(data.count == data.labels.count)
        } catch {
          precondition(!error.description.contains("\n"))
        }
      },
      seeds: {
        try [NPZ.encode(arrays, path: "f"), Safetensors(tensors: arrays).encoded()]
      }),
  ]

  /// Takes a sample forward and back through a network of few numbers.
  private static func evaluate(_ plan: GraphPlan) {
    guard plan.valuesOfSample < 1 << 20, plan.work < 1 << 26 else { return }
    _ = GraphNetwork<Float>(plan).logitsAndInputGradient(Matrix(rows: 1, columns: plan.sizes[0])) {
      logits, _ in logits
    }
  }

  /// Files beside the tests.
  private static func fixtures(_ target: String, _ names: [String]) throws -> [[UInt8]] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Tests/\(target)/Fixtures")
    return try names.map { [UInt8](try Data(contentsOf: folder.appendingPathComponent($0))) }
  }
}
