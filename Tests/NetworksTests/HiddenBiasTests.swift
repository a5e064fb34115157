import Formats
import Foundation
import LinearCore
import TestSupport
import Testing

@testable import Networks

/// Networks with hidden biases against the network of one more coordinate, and against hand computation.
@Suite struct HiddenBiasTests {
  static let exponents = [1, 1.5, 2, 3, 4.7]

  /// 5 inputs, 7 neurons; everything that goes with hidden biases.
  static func network(_ p: Double, outputs: Int = 3) -> PReLUNetwork<Double> {
    let stream = RandomStream(seed: 3)
    func gaussian(_ rows: Int, _ columns: Int, _ name: String) -> Matrix<Double> {
      .gaussian(rows: rows, columns: columns, stream: stream.child(name))
    }
    return try! PReLUNetwork(
      exponent: p, hiddenWeights: gaussian(7, 5, "w"), hiddenBias: gaussian(1, 7, "b").row(0),
      outputWeights: gaussian(outputs, 7, "v"), outputBias: gaussian(1, outputs, "o").row(0),
      center: gaussian(1, 5, "c").row(0))
  }

  static let inputs = Matrix<Double>.gaussian(
    rows: 9, columns: 5, stream: RandomStream(seed: 4).child("x"))

  @Test func byHand() throws {
    let network = try PReLUNetwork<Double>(
      exponent: 3, hiddenWeights: Matrix([[3, 0], [0, 1]]), hiddenBias: [4, -2],
      outputWeights: Matrix([[2, 10]]), outputBias: [0.5])
    // (3 + 4)^3 / 25 and (3 - 2)^3 / 5.
    let expected = 2 * 343.0 / 25 + 10 * 1.0 / 5 + 0.5
    #expect(abs(network.logits(Matrix([[1, 3]]))[0, 0] - expected) < 1e-12)
    #expect(abs(network.referenceLogits(Matrix([[1, 3]]))[0, 0] - expected) < 1e-12)
    #expect(network.hiddenBias == [4, -2] && network.inputDimension == 2)
    #expect(network.inputWeights == Matrix([[3, 0], [0, 1]]))
  }

  /// The constant coordinate is an input like others to a network without biases.
  @Test(arguments: exponents) func isTheAugmentedNetwork(p: Double) throws {
    let network = Self.network(p)
    var shifted = Self.inputs
    shifted.subtractFromRows(network.center!)
    let augmented = network.augmented
    #expect(!augmented.hasHiddenBias && augmented.inputDimension == 6)
    let expected = augmented.logits(shifted.appendingOnes())
    for logits in [network.logits(Self.inputs), network.referenceLogits(Self.inputs)] {
      for (a, b) in zip(logits.elements, expected.elements) {
        #expect(abs(a - b) <= 1e-11 * (1 + abs(b)))
      }
    }
    #expect(network.referenceClasses(Self.inputs) == predictedClasses(expected))
    #expect(network.hiddenFeatures(Self.inputs).columns == 7)
  }

  @Test(arguments: exponents) func inputGradients(p: Double) {
    let network = Self.network(p)
    let weights = Matrix<Double>.gaussian(
      rows: 9, columns: 3, stream: RandomStream(seed: 6).child("cotangent"))
    let gradient = network.logitsAndInputGradient(Self.inputs) { weights.rows(in: $1) }.gradient
    #expect(gradient.columns == 5)
    func value(_ inputs: Matrix<Double>, _ i: Int) -> Double {
      let row = network.logits(inputs).row(i)
      return zip(row, weights.row(i)).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let step = 1e-6
    for i in 0..<9 {
      for k in 0..<5 {
        var (above, below) = (Self.inputs, Self.inputs)
        above[i, k] += step
        below[i, k] -= step
        let slope = (value(above, i) - value(below, i)) / (2 * step)
        #expect(abs(gradient[i, k] - slope) <= 1e-6 * (1 + abs(slope)))
      }
    }
    // The pass that attacks use gives the same.
    let pass = network.inputGradientPass(capacity: 9)
    var found = Matrix<Double>(rows: 9, columns: 5)
    found.withMutablePointer { target in
      Self.inputs.withPointer { inputs in
        pass.run(count: 9, inputs: inputs, gradient: target) { logits in
          for i in 0..<27 { logits[i] = weights.elements[i] }
        }
      }
    }
    for (a, b) in zip(found.elements, gradient.elements) { #expect(abs(a - b) <= 1e-12) }
  }

  @Test(arguments: exponents) func parameterGradients(p: Double) {
    var network = Self.network(p)
    let labels = (0..<9).map { $0 % 3 }
    func loss() -> Double {
      network.parameterGradient(inputs: Self.inputs, labels: labels, loss: .crossEntropy).loss
    }
    let gradient = network.parameterGradient(
      inputs: Self.inputs, labels: labels, loss: .crossEntropy)
    #expect(gradient.hiddenWeights.columns == 6)
    let step = 1e-6
    for j in 0..<7 {
      for k in 0..<6 {
        let value = network.hiddenWeights[j, k]
        network.hiddenWeights[j, k] = value + step
        let above = loss()
        network.hiddenWeights[j, k] = value - step
        let below = loss()
        network.hiddenWeights[j, k] = value
        let slope = (above - below) / (2 * step)
        #expect(abs(gradient.hiddenWeights[j, k] - slope) <= 1e-6 * (1 + abs(slope)))
      }
    }
  }

  @Test func refusesInputNormalisation() {
    #expect(throws: NetworkError.self) {
      try PReLUNetwork<Double>(
        exponent: 2, hiddenWeights: Matrix([[1, 2]]), outputWeights: Matrix([[1]]),
        normalizeInput: true, hasHiddenBias: true)
    }
    #expect(throws: NetworkError("1 hidden biases for 2 hidden neurons")) {
      try PReLUNetwork<Double>(
        exponent: 2, hiddenWeights: Matrix([[1], [2]]), hiddenBias: [1],
        outputWeights: Matrix([[1, 1]]))
    }
  }

  @Test(arguments: ["safetensors", "npz"]) func filesKeepBiases(format: String) throws {
    let path = NSTemporaryDirectory() + "hidden-bias-\(UUID().uuidString).\(format)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let network = Self.network(3)
    try ModelFile.write(network, to: path)
    let read: PReLUNetwork<Double> = try ModelFile.read(path)
    #expect(read == network)
    if format == "safetensors" {
      let file = try Safetensors(path: path)
      #expect(file.metadata["format"] == "polyrelu-2")
      #expect(file.tensors["hiddenBias"]?.shape == [7])
      #expect(file.tensors["hiddenWeights"]?.shape == [7, 5])
    }
  }

  @Test func stateDictsHaveBiases() throws {
    let network = Self.network(2)
    var file = Safetensors()
    file.tensors["net.prelulayer.W"] = ModelFile.tensor(network.inputWeights.transposed)
    file.tensors["net.prelulayer.bias"] = ModelFile.tensor(network.hiddenBias!)
    file.tensors["net.output_net.weight"] = ModelFile.tensor(network.outputWeights)
    file.tensors["net.output_net.bias"] = ModelFile.tensor(network.outputBias!)
    file.tensors["net.center"] = ModelFile.tensor(network.center!)
    let read: PReLUNetwork<Double> = try ModelFile.network(
      in: file, path: "memory", exponent: 2, normalizeInput: false)
    #expect(read == network)
    file.tensors["net.prelulayer.bias"] = ModelFile.tensor([1.0, 2])
    let error = #expect(throws: FormatError.self) {
      let _: PReLUNetwork<Double> = try ModelFile.network(
        in: file, path: "memory", exponent: 2, normalizeInput: false)
    }
    #expect("\(error!)".contains("'net.prelulayer.bias' has 2 numbers for the 7 neurons"))
  }

  /// The graph, node by node, against the formula.
  @Test(arguments: [1.0, 3]) func graphAddsBiases(p: Double) throws {
    let network = Self.network(p).converted(to: Float.self)
    let model = network.onnxModel()
    let first = ["Sub", "MatMul", "Add", "Relu"]
    let power = p == 1 ? [] : ["Div", "Pow", "Mul"]
    #expect(model.nodes.map(\.operation) == first + power + ["MatMul", "Add"])
    #expect(model.constants["hidden_weights"]?.shape == [5, 7])
    #expect(model.constants["hidden_bias"]?.floats == network.hiddenBias)
    if p > 1 {
      // Norms of (w, b).
      #expect(model.constants["neuron_norms"]?.floats == network.hiddenWeights.rowNorms())
    }
  }

  @Test(arguments: exponents) func reductionKeepsBiases(p: Double) throws {
    let stream = RandomStream(seed: 9)
    let basis = Matrix<Double>.gaussian(rows: 3, columns: 30, stream: stream.child("basis"))
    let mixing = Matrix<Double>.gaussian(rows: 20, columns: 3, stream: stream.child("mixing"))
    let network = try PReLUNetwork(
      exponent: p, hiddenWeights: Matrix.product(mixing, basis),
      hiddenBias: Matrix<Double>.gaussian(rows: 1, columns: 20, stream: stream.child("b")).row(0),
      outputWeights: .gaussian(rows: 2, columns: 20, stream: stream.child("v")),
      center: Matrix<Double>.gaussian(rows: 1, columns: 30, stream: stream.child("c")).row(0))
    let reduced = try ReducedNetwork(network)
    #expect(reduced.summary.rank == 3 && reduced.network.inputDimension == 3)
    #expect(reduced.network.hasHiddenBias && reduced.basis.columns == 30)
    let inputs = Matrix<Double>.gaussian(rows: 50, columns: 30, stream: stream.child("x"))
    let (full, few) = (network.logits(inputs), reduced.network.logits(reduced.project(inputs)))
    var shifted = inputs
    shifted.subtractFromRows(network.center!)
    let sizes = shifted.appendingOnes().rowNorms()
    for i in 0..<50 {
      let allowance = (reduced.summary.errorBound + 1e-9) * Double.power(sizes[i], p)
      for c in 0..<2 { #expect(abs(full[i, c] - few[i, c]) <= allowance) }
    }
    #expect(
      reduced.radiusUncertainty(at: inputs, labels: [Int](repeating: 0, count: 50)).count == 50)
  }

  @Test func constantOutputs() throws {
    func network(_ outputs: Int, _ width: Int) throws -> PReLUNetwork<Float> {
      try PReLUNetwork(
        inputDimension: 4, hiddenWidth: width, outputCount: outputs, exponent: 1,
        initialization: .gaussian(scale: 1e-3), bias: true, hasHiddenBias: true,
        hasConstantOutput: true, stream: RandomStream(seed: 0))
    }
    #expect(try network(1, 4).outputWeights.elements == [0.25, -0.25, 0.25, -0.25])
    #expect(
      try network(2, 4).outputWeights == Matrix([[0.25, 0, 0.25, 0], [0, 0.25, 0, 0.25]]))
    #expect(try network(2, 4).outputBias == [0, 0])
    #expect(throws: NetworkError.self) { try network(3, 2) }
  }

  /// Biases have a stream of their own: the other weights are those of the network without.
  @Test(arguments: [Initialization.gaussian(scale: 0.1), .kaiming])
  func biasesLeaveWeightsAlone(initialization: Initialization) throws {
    func network(_ hasHiddenBias: Bool) throws -> PReLUNetwork<Float> {
      try PReLUNetwork(
        inputDimension: 4, hiddenWidth: 6, outputCount: 2, exponent: 2,
        initialization: initialization, hasHiddenBias: hasHiddenBias,
        stream: RandomStream(seed: 7))
    }
    let (with, without) = (try network(true), try network(false))
    #expect(with.inputWeights == without.hiddenWeights)
    #expect(with.outputWeights == without.outputWeights)
    #expect(Set(with.hiddenBias!).count == 6 && without.hiddenBias == nil)
  }
}
