import Formats
import Foundation
import LinearCore
import Networks
import Testing

@testable import DeepNetworks

/// Architectures of a few bytes that ask for gigabytes, or for nothing at all.
@Suite struct DeepLimitTests {
  private func message(_ input: FeatureShape, _ layers: [any Layer]) -> String? {
    do throws(NetworkError) {
      _ = try Architecture(inputShape: input, layers: layers)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func windowsThatFillTheMemoryAreRefused() {
    let convolution = ConvolutionalPReLU(filters: 1, kernel: 256, padding: 255, exponent: 2)
    #expect(
      message(FeatureShape(vector: 1), [convolution])
        == "layer 0 (convolutional-prelu): 65536 windows of 256x256x1 values on 1x1x1 with padding 255; "
        + "expected at most 268435456 values in all windows of a sample")
    let small = ConvolutionalPReLU(filters: 1, kernel: 64, padding: 63, exponent: 2)
    #expect(message(FeatureShape(vector: 1), [small]) == nil)
  }

  @Test func samplesThatGrowTooLargeAreRefused() {
    // 2^26 values a sample, and as many again for slopes and derivatives.
    let layers: [any Layer] = [
      ConvolutionalPReLU(filters: 64, kernel: 1, exponent: 1),
      ConvolutionalPReLU(filters: 64, kernel: 1, exponent: 1),
    ]
    let error = message(FeatureShape(rows: 1024, columns: 1024, channels: 1), layers)
    #expect(
      error
        == "a sample becomes 536870912 values on its way through the layers; expected at most 268435456"
    )
    // Inside a residual connection as well.
    let image = FeatureShape(rows: 512, columns: 512, channels: 64)
    let inner = ConvolutionalPReLU(filters: 64, kernel: 1, exponent: 1)
    #expect(
      message(image, [Residual([inner, inner, inner, inner])])?.hasPrefix("a sample becomes")
        == true)
  }

  /// Weights are counted by the trillion, and refused.
  @Test func weightsAreCountedWithoutOverflow() throws {
    let layers: [any Layer] = Array(repeating: LinearHead(outputs: 1 << 20), count: 4)
    let architecture = try Architecture(
      inputShape: FeatureShape(rows: 1, columns: 1, channels: 1 << 20), layers: layers)
    #expect(architecture.parameterCount == 4 << 40 + 4 << 20)
    let file = Safetensors(metadata: DeepModelFile.metadata(of: architecture))
    #expect(
      throws: FormatError(
        path: "f",
        "describes a network of \(4 << 40 + 4 << 20) weights; expected at most 268435456")
    ) {
      let network: DeepNetwork<Float> = try DeepModelFile.network(in: file, path: "f")
      _ = network
    }
  }

  @Test func degreesAreLimited() {
    for degree in [1e15, 1e300, 1001, .nan] {
      #expect(
        message(FeatureShape(vector: 2), [DensePReLU(units: 1, exponent: degree)])
          == "layer 0 (dense-prelu): p is \(degree); a pReLU layer needs a number from 1 to 1000")
    }
    #expect(message(FeatureShape(vector: 2), [DensePReLU(units: 1, exponent: 1000)]) == nil)
  }

  /// A block without layers adds x to x.
  @Test func anEmptyBlockDoubles() throws {
    let architecture = try Architecture(
      inputShape: FeatureShape(vector: 2),
      layers: [Residual([]), LinearHead(outputs: 1, hasBias: false)])
    let network = try DeepNetwork<Double>(
      architecture: architecture, parameters: [Matrix([[1, -3]])])
    #expect(network.logits(Matrix([[5, 1]])) == Matrix([[4]]))
    #expect(network.prefix(1).logits(Matrix([[5, 1]])) == Matrix([[10, 2]]))
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("deep-\(UUID().uuidString).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try DeepModelFile.write(network, to: path)
    #expect(try DeepModelFile.read(path) == network)
  }

  /// Blocks inside blocks: as deep as the reader of JSON goes, and no deeper than its error.
  @Test(arguments: [10, 100, 1000, 100_000]) func nestedBlocks(depth: Int) {
    let open = String(repeating: #"{"kind":"residual","block":["#, count: depth)
    let close = String(repeating: "]}", count: depth)
    let json =
      #"{"inputShape":{"channels":1,"columns":1,"rows":1},"layers":["# + open + close + "]}"
    do throws(NetworkError) {
      let architecture = try Architecture(json: json)
      #expect(architecture.outputCount == 1 && depth <= 100)
    } catch {
      #expect(depth > 100, "\(error)")
    }
  }

  /// A file whose layers ask for other tensors than it holds is refused by shapes alone.
  @Test func tensorsOfOtherShapesAreRefused() throws {
    let architecture = try Architecture(
      inputShape: FeatureShape(vector: 1 << 20), layers: [DensePReLU(units: 200, exponent: 2)])
    var file = Safetensors(metadata: DeepModelFile.metadata(of: architecture))
    file.tensors["layers.0.weights"] = Tensor(shape: [1, 2], elements: .float32([1, 2]))
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("deep-\(UUID().uuidString).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try file.write(to: path)
    #expect(
      throws: FormatError(
        path: path, "tensor 'layers.0.weights' has shape [1, 2], expected [200, 1048576]")
    ) { try DeepModelFile.read(path, as: Float.self) }
  }
}
