import DeepNetworks
import Formats
import Foundation
import LinearCore
import Networks
import TestSupport
import Testing

@Suite struct DeepONNXTests {
  static let exponents = [1, 1.5, 2, 3]

  /// Every layer of the catalogue, and every p of the tests, in few weights.
  static let golden = try! DeepModelFile.read(fixture("golden.safetensors"), as: Float.self)

  private static func fixture(_ name: String) -> String {
    Bundle.module.resourceURL!.appendingPathComponent("Fixtures/\(name)").path
  }

  /// The bytes were checked with onnx's checker, and evaluated by onnxruntime.
  @Test func writesTheGoldenFile() throws {
    let stored = try Data(contentsOf: URL(fileURLWithPath: Self.fixture("golden.onnx")))
    #expect(try Self.golden.onnxModel().encoded() == [UInt8](stored))
    #expect(
      Set(LayerCatalog.standard.kinds).isSubset(
        of: Self.golden.architecture.json.split(separator: "\"").map(String.init)))
  }

  /// The last input is 0.
  @Test func onnxruntimeFoundTheSameLogits() throws {
    let file = Safetensors(tensors: try NPZ.read(path: Self.fixture("golden-onnxruntime.npz")))
    let inputs: Matrix<Float> = try ModelFile.matrix(file, "inputs", "golden")
    let expected: Matrix<Float> = try ModelFile.matrix(file, "logits", "golden")
    let logits = Self.golden.logits(inputs)
    #expect(logits.rows == 7)
    for i in 0..<logits.rows {
      let size = logits.row(i).map(\.magnitude).max() ?? 0
      for c in 0..<3 { #expect((logits[i, c] - expected[i, c]).magnitude <= 1e-5 * size) }
    }
  }

  @Test(arguments: exponents) func operatorsReadWhatIsThere(p: Double) throws {
    for (_, network) in try Self.networks(p, scale: 1) {
      let model = try network.onnxModel()
      var known = Set(model.constants.keys).union(["input"])
      for node in model.nodes {
        #expect(node.inputs.allSatisfy(known.contains))
        #expect(known.insert(node.output).inserted)
      }
      #expect(model.nodes.last?.output == "logits")
      #expect(model.input.width == network.inputDimension)
      #expect(
        try Architecture(json: model.metadata["architecture"]!) == network.architecture)
    }
  }

  @Test func aLayerWithoutOperatorsIsNamed() throws {
    let network = try DeepNetwork<Float>(
      architecture: Architecture(
        inputShape: FeatureShape(vector: 5),
        layers: [LinearHead(outputs: 4), Residual([TrainedScale()])]),
      stream: RandomStream(seed: 1))
    let reason =
      "layer 1 (residual): layer 0 (trained-scale): does not say how it is written in ONNX operators"
    #expect(throws: NetworkError(reason)) { try network.onnxModel() }
    #expect(throws: FormatError(path: "/nowhere/a.onnx", "cannot be written: " + reason)) {
      try DeepModelFile.write(network, to: "/nowhere/a.onnx")
    }
  }

  @Test func refusesWhatCannotBeWritten() throws {
    let network = try DeepNetwork(
      architecture: Architecture(
        inputShape: FeatureShape(vector: 1), layers: [LinearHead(outputs: 1, hasBias: false)]),
      parameters: [Matrix<Double>([[1e300]])])
    for name in ["a.onnx", "a.npz", "a"] {
      #expect(throws: FormatError.self) { try DeepModelFile.write(network, to: "/nowhere/" + name) }
    }
  }

  /// Runs `Tools/check_onnx.py` on every layer by itself, and on networks of them, small weights and
  /// inputs and the input 0 included.
  @Test(
    .enabled(if: ONNXRuntime.isAvailable, Comment(rawValue: ONNXRuntime.advice)))
  func onnxruntimeAgrees() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("deep-onnx-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var bases: [String] = []
    for p in Self.exponents {
      for scale in [1e-7, 1] {
        for (name, network) in try Self.networks(p, scale: scale) {
          let base = folder.appendingPathComponent("\(name)-p\(p)-\(scale)").path
          var inputs = Matrix<Float>.gaussian(
            rows: 40, columns: network.inputDimension, stream: RandomStream(seed: 5))
          // Its cube is far from the smallest number of single precision.
          inputs.scaleRow(1, by: 1e-8)
          inputs.setRow(0, [Float](repeating: 0, count: inputs.columns))
          try DeepModelFile.write(network, to: base + ".onnx")
          try NPZ.write(
            [
              "inputs": ModelFile.tensor(inputs),
              "logits": ModelFile.tensor(network.logits(inputs)),
              "reference": ModelFile.tensor(network.referenceLogits(inputs.converted())),
            ], to: base + ".npz")
          bases.append(base)
        }
      }
    }
    let verdict = try ONNXRuntime.check(bases)
    #expect(verdict.status == 0, "\(verdict.text)")
  }

  /// Every layer by itself, and networks; the random weights multiplied by `scale`, a neuron 0 among them.
  private static func networks(_ p: Double, scale: Double) throws -> [(
    name: String, network: DeepNetwork<Float>
  )] {
    let (image, vector) = (
      FeatureShape(rows: 7, columns: 6, channels: 3), FeatureShape(vector: 20)
    )
    func dense(_ normalizes: Bool) -> any Layer {
      DensePReLU(units: 9, exponent: p, normalizesInput: normalizes)
    }
    func convolution(_ stride: Int, _ padding: Int, _ normalizes: Bool) -> any Layer {
      ConvolutionalPReLU(
        filters: 4, kernel: 3, stride: stride, padding: padding, exponent: p,
        normalizesInput: normalizes)
    }
    var cases: [(String, FeatureShape, [any Layer])] = []
    for normalizes in [false, true] {
      let suffix = normalizes ? "-normalised" : ""
      cases += [
        ("dense" + suffix, vector, [dense(normalizes)]),
        ("dense-image" + suffix, image, [dense(normalizes)]),
        ("convolution" + suffix, image, [convolution(1, 0, normalizes)]),
        ("convolution-strided" + suffix, image, [convolution(2, 1, normalizes)]),
        (
          "residual" + suffix, image,
          [
            convolution(1, 1, normalizes),
            Residual(
              [convolution(1, 2, normalizes)] + [
                AveragePooling(window: 3, stride: 1)
              ]),
          ]
        ),
        (
          "convolutional-network" + suffix, image,
          [
            Standardization(means: [0.1, 0.2, 0.3], deviations: [0.5, 1, 2]),
            convolution(1, 1, normalizes), LayerNormalization(), convolution(2, 1, normalizes),
            LayerNormalization(), GlobalAveragePooling(), LinearHead(outputs: 10),
          ]
        ),
        (
          "dense-network" + suffix, vector,
          [
            dense(normalizes), LayerNormalization(), dense(normalizes), LayerNormalization(),
            Residual([dense(normalizes)]), LinearHead(outputs: 10),
          ]
        ),
      ]
    }
    cases += [
      ("average", image, [AveragePooling(window: 2)]),
      ("global-average", image, [GlobalAveragePooling()]),
      ("dropout", image, [Dropout(rate: 0.3)]),
      ("layer-normalisation", image, [LayerNormalization()]),
      ("standardisation", image, [Standardization(means: [0, 1, 2], deviations: [1, 2, 3])]),
      ("linear", image, [LinearHead(outputs: 7)]),
      ("linear-without-bias", vector, [LinearHead(outputs: 7, hasBias: false)]),
    ]
    return try cases.map { name, shape, layers in
      var network = try DeepNetwork<Float>(
        architecture: Architecture(inputShape: shape, layers: layers), scale: scale,
        stream: RandomStream(seed: 4))
      if let first = network.architecture.parameters.firstIndex(where: {
        $0.name.hasSuffix("weights")
      }) {
        let columns = network.parameters[first].columns
        network.parameters[first].setRow(2, [Float](repeating: 0, count: columns))
      }
      return (name, network)
    }
  }
}
