import DeepNetworks
import Formats
import Foundation
import Graphs
import LinearCore
import Networks
import Testing

/// Networks of our own, written as ONNX and read again.
@Suite struct ExportTests {
  private func same<C: Classifier<Float>>(_ network: C, _ model: ONNXModel) throws {
    let copy = GraphNetwork<Float>(
      try ONNXGraphFile.plan(of: ONNXModel(bytes: model.encoded(), path: "copy"), path: "copy"))
    #expect(copy.inputDimension == network.inputDimension)
    #expect(copy.outputCount == network.outputCount)
    let inputs = Matrix<Float>.gaussian(
      rows: 9, columns: network.inputDimension, stream: RandomStream(seed: 1))
    let expected = network.logitsAndInputGradient(inputs) { logits, _ in logits }
    let found = copy.logitsAndInputGradient(inputs) { logits, _ in logits }
    #expect(relativeError(found.logits.converted(), expected.logits.converted()) < 1e-5)
    #expect(relativeError(found.gradient.converted(), expected.gradient.converted()) < 1e-4)
  }

  @Test(arguments: [1, 1.5, 2, 3, 4.7], [true, false])
  func shallowNetworksComeBack(p: Double, isFull: Bool) throws {
    func gaussian(_ rows: Int, _ columns: Int, _ seed: UInt64) -> Matrix<Float> {
      Matrix.gaussian(rows: rows, columns: columns, stream: RandomStream(seed: seed))
    }
    for outputs in [1, 3] {
      let network = try PReLUNetwork<Float>(
        exponent: p, hiddenWeights: gaussian(30, 12, 1), outputWeights: gaussian(outputs, 30, 2),
        outputBias: isFull ? gaussian(1, outputs, 3).row(0) : nil,
        center: isFull ? gaussian(1, 12, 4).row(0) : nil, normalizeInput: isFull)
      try same(network, network.onnxModel())
    }
  }

  @Test(arguments: [1, 1.5, 2, 3]) func deepNetworksComeBack(p: Double) throws {
    let image = FeatureShape(rows: 7, columns: 6, channels: 3)
    func convolution(_ stride: Int, _ padding: Int, _ normalizes: Bool) -> any Layer {
      ConvolutionalPReLU(
        filters: 4, kernel: 3, stride: stride, padding: padding, exponent: p,
        normalizesInput: normalizes)
    }
    let chains: [[any Layer]] = [
      [DensePReLU(units: 9, exponent: p), LinearHead(outputs: 2)],
      [DensePReLU(units: 9, exponent: p, normalizesInput: true), LinearHead(outputs: 1)],
      [convolution(1, 1, false), AveragePooling(window: 2), LinearHead(outputs: 3)],
      [convolution(2, 1, true), GlobalAveragePooling(), LinearHead(outputs: 3, hasBias: false)],
      [
        Standardization(means: [0.1, 0.2, 0.3], deviations: [1, 2, 3]), LayerNormalization(),
        Residual([convolution(1, 1, false), ConvolutionalPReLU(filters: 3, kernel: 1, exponent: p)]
        ),
        Dropout(rate: 0.5), LinearHead(outputs: 2),
      ],
    ]
    for layers in chains {
      let network = try DeepNetwork<Float>(
        architecture: Architecture(inputShape: image, layers: layers),
        stream: RandomStream(seed: 2))
      try same(network, network.onnxModel())
    }
  }

  /// Every step of the random graphs, but products of two computed matrices.
  @Test func importedGraphsComeBack() throws {
    var count = 0
    for example in try Example.all(fixture("graphs.npz")) {
      let plan = try example.plan()
      let model: ONNXModel
      do throws(NetworkError) {
        model = try plan.onnxModel()
      } catch {
        #expect(error.description.hasSuffix("product, has no ONNX form"))
        continue
      }
      let copy = try ONNXGraphFile.plan(
        of: ONNXModel(bytes: model.encoded(), path: "copy"), path: "copy")
      let error = relativeError(
        GraphNetwork<Double>(copy).logits(example.inputs),
        GraphNetwork<Double>(plan).logits(example.inputs))
      // Constants are written in single precision.
      #expect(error < 1e-5, "graph \(example.name)")
      count += 1
    }
    #expect(count > 100)
  }
}
