import Formats
import Foundation
import LinearCore
import TestSupport
import Testing

@testable import Networks

@Suite struct ONNXTests {
  static let exponents = [1, 1.5, 2, 2.5, 3, 4, 4.7]

  /// 3 inputs, 4 neurons, one of them silent, 2 outputs; center, bias and input normalisation.
  static let golden = try! ModelFile.read(modelFixture("golden-p3.npz"), as: Float.self)

  /// The bytes were checked with onnx's checker, and evaluated by onnxruntime.
  @Test func writesTheGoldenFile() throws {
    let stored = try Data(contentsOf: URL(fileURLWithPath: modelFixture("golden-p3.onnx")))
    #expect(Self.golden.onnxModel().encoded() == [UInt8](stored))
  }

  /// The last input is the center, where only the bias is left.
  @Test func onnxruntimeFoundTheSameLogits() throws {
    let arrays = try NPZ.read(path: modelFixture("golden-p3-onnxruntime.npz"))
    let file = Safetensors(tensors: arrays)
    let inputs: Matrix<Float> = try ModelFile.matrix(file, "inputs", "golden")
    let expected: Matrix<Float> = try ModelFile.matrix(file, "logits", "golden")
    let logits = Self.golden.logits(inputs)
    #expect(logits.rows == 7)
    for i in 0..<logits.rows {
      let size = logits.row(i).map(\.magnitude).max() ?? 0
      for c in 0..<2 { #expect((logits[i, c] - expected[i, c]).magnitude <= 1e-5 * size) }
    }
    #expect(expected.row(6) == [0.125, -0.5])
  }

  @Test(arguments: exponents, [true, false])
  func graphHasOnlyWhatTheNetworkNeeds(p: Double, isFull: Bool) {
    let model = Self.network(p, isFull: isFull, outputs: isFull ? 3 : 1).onnxModel()
    var expected = ["MatMul", "Relu"]
    if isFull, p > 1 {
      expected =
        ["Abs", "ReduceMax", "Max", "Div", "ReduceL2", "Mul", "Max", "Div"] + expected
    }
    if isFull { expected.insert("Sub", at: 0) }
    if p > 1 { expected += p == 2 ? ["Div", "Mul"] : ["Div", "Pow", "Mul"] }
    expected.append("MatMul")
    if isFull, p > 1 { expected.append("Mul") }
    if isFull { expected.append("Add") }
    #expect(model.nodes.map(\.operation) == expected)
    #expect(model.nodes.last?.output == "logits")
    #expect(model.metadata["p"] == "\(p)")
    #expect(model.metadata["normalizeInput"] == "\(isFull)")
    // Every input is the graph's, a constant, or made by an earlier node.
    var known = Set(model.constants.keys).union(["input"])
    for node in model.nodes {
      #expect(node.inputs.allSatisfy(known.contains))
      #expect(known.insert(node.output).inserted)
    }
    #expect(model.constants["hidden_weights"]?.shape == [40, 30])
    #expect(model.constants["output_weights"]?.shape == [30, isFull ? 3 : 1])
  }

  @Test func refusesWeightsBeyondSinglePrecision() throws {
    let network = try PReLUNetwork<Double>(
      exponent: 3, hiddenWeights: Matrix([[1e300]]), outputWeights: Matrix([[1]]))
    #expect(throws: FormatError.self) { try ModelFile.write(network, to: "/nowhere/a.onnx") }
  }

  /// Runs `Tools/check_onnx.py` on networks of every kind, small weights and the center included.
  @Test(
    .enabled(if: ONNXRuntime.isAvailable, Comment(rawValue: ONNXRuntime.advice)))
  func onnxruntimeAgrees() throws {
    try withModelFolder { folder in
      var bases: [String] = []
      for p in Self.exponents {
        for (index, (isFull, outputs)) in [(true, 1), (true, 3), (false, 1), (false, 3)]
          .enumerated()
        {
          for scale in [1e-7, 1] as [Float] {
            let network = Self.network(p, isFull: isFull, outputs: outputs, scale: scale)
            let base = "\(folder)/p\(p)-\(index)-\(scale)"
            var inputs = Matrix<Float>.gaussian(
              rows: 200, columns: 40, stream: RandomStream(seed: 5))
            if let center = network.center { inputs.setRow(0, center) }
            try ModelFile.write(network, to: base + ".npz")
            try ModelFile.write(network, to: base + ".onnx")
            var arrays = try NPZ.read(path: base + ".npz")
            arrays["inputs"] = ModelFile.tensor(inputs)
            arrays["logits"] = ModelFile.tensor(network.logits(inputs))
            try NPZ.write(arrays, to: base + ".npz")
            bases.append(base)
          }
        }
      }
      let verdict = try ONNXRuntime.check(bases)
      #expect(verdict.status == 0, "\(verdict.text)")
      #expect(verdict.summary.hasPrefix("largest relative error: "))
    }
  }

  /// 40 inputs, 30 neurons of which one is 0; `isFull` has center, bias and input normalisation.
  private static func network(
    _ p: Double, isFull: Bool, outputs: Int, scale: Float = 1
  ) -> PReLUNetwork<Float> {
    func gaussian(_ rows: Int, _ columns: Int, _ seed: UInt64) -> Matrix<Float> {
      Matrix.gaussian(rows: rows, columns: columns, stream: RandomStream(seed: seed))
    }
    var hidden = gaussian(30, 40, 1)
    hidden.elements = hidden.elements.map { scale * $0 }
    hidden.setRow(7, [Float](repeating: 0, count: 40))
    return try! PReLUNetwork(
      exponent: p, hiddenWeights: hidden, outputWeights: gaussian(outputs, 30, 2),
      outputBias: isFull ? gaussian(1, outputs, 3).row(0) : nil,
      center: isFull ? gaussian(1, 40, 4).row(0) : nil, normalizeInput: isFull)
  }
}
