import DeepNetworks
import LinearCore
import Networks
import Testing

/// Activation, depth, biases and outputs of a perceptron.
struct PerceptronCase: Sendable, CustomTestStringConvertible {
  let activation: HiddenActivation
  let hidden: [Int]
  let bias: Bool
  let loss: Loss

  var testDescription: String { "\(activation) \(hidden) bias \(bias) \(loss.rawValue)" }
  var outputs: Int { loss.isBinary ? 1 : 3 }

  static let all: [PerceptronCase] = [
    .tanh, .relu, .powerReLU(exponent: 3), .powerReLU(exponent: 1.5),
  ].flatMap { activation in
    [[9], [8, 7], [8, 7, 6]].flatMap { hidden in
      [false, true].flatMap { bias in
        [Loss.squared, .logistic, .crossEntropy].map {
          PerceptronCase(activation: activation, hidden: hidden, bias: bias, loss: $0)
        }
      }
    }
  }

  func network<Scalar: LinearScalar>() -> MultilayerPerceptron<Scalar> {
    try! MultilayerPerceptron(
      // Powers of powers: from larger weights all numbers would be huge.
      activation: activation, widths: [6] + hidden + [outputs], bias: bias,
      scale: (activation.exponent ?? 1) > 1 ? 1 : 2,
      stream: RandomStream(seed: 5))
  }
}

@Suite struct PerceptronTests {
  let inputs = Matrix<Double>.gaussian(rows: 7, columns: 6, stream: RandomStream(seed: 3))
  /// Central differences of this step: truncation of the order step^2, rounding ulp / step = 2e-10.
  let step = 1e-6

  func labels(_ model: PerceptronCase) -> [Int] { (0..<7).map { $0 % max(2, model.outputs) } }

  @Test(arguments: PerceptronCase.all) func forwardMatchesTheFormula(_ model: PerceptronCase) {
    let network: MultilayerPerceptron<Double> = model.network()
    let logits = network.logits(inputs)
    let reference = network.referenceLogits(inputs)
    #expect(logits.rows == 7 && logits.columns == model.outputs)
    #expect(logits.largestDifference(from: reference) <= 1e-12 * max(1, reference.frobeniusNorm))
    let single: MultilayerPerceptron<Float> = model.network()
    let close = single.logits(inputs.converted()).converted(to: Double.self)
    #expect(close.largestDifference(from: reference) <= 1e-5 * max(1, reference.frobeniusNorm))
  }

  @Test(arguments: PerceptronCase.all) func parameterGradientMatchesDifferences(
    _ model: PerceptronCase
  ) {
    let network: MultilayerPerceptron<Double> = model.network()
    let labels = labels(model)
    let gradient = network.network.parameterGradient(
      inputs: inputs, labels: labels, loss: model.loss)
    func slope(_ change: (inout MultilayerPerceptron<Double>, Double) -> Void) -> Double {
      let losses = [step, -step].map { distance in
        var copy = network
        change(&copy, distance)
        return model.loss.mean(copy.logits(inputs), labels: labels)
      }
      return (losses[0] - losses[1]) / (2 * step)
    }
    #expect(gradient.parameters.count == network.depth * (model.bias ? 2 : 1))
    for (index, tensor) in gradient.parameters.enumerated() {
      for i in tensor.elements.indices {
        let expected = slope { $0.network.parameters[index].elements[i] += $1 }
        #expect(abs(tensor.elements[i] - expected) < 1e-6)
      }
    }
    #expect(
      abs(gradient.lossSum / 7 - model.loss.mean(network.logits(inputs), labels: labels)) < 1e-14)
  }

  @Test(arguments: PerceptronCase.all) func inputGradientMatchesDifferences(
    _ model: PerceptronCase
  ) {
    let network: MultilayerPerceptron<Double> = model.network()
    let weights = Matrix<Double>.gaussian(
      rows: 7, columns: model.outputs, stream: RandomStream(seed: 8))
    let result = network.logitsAndInputGradient(inputs) { _, rows in weights.rows(in: rows) }
    #expect(result.logits == network.logits(inputs))
    // The pass of attacks gives the same.
    let pass = network.inputGradientPass(capacity: 7)
    var passed = Matrix<Double>(rows: 7, columns: 6)
    passed.withMutablePointer { target in
      inputs.withPointer {
        pass.run(count: 7, inputs: $0, gradient: target) { logits in
          for i in weights.elements.indices { logits[i] = weights.elements[i] }
        }
      }
    }
    #expect(passed == result.gradient)
    for i in inputs.elements.indices {
      let row = i / 6
      let values = [step, -step].map { distance in
        var moved = inputs
        moved.elements[i] += distance
        let logits = network.logits(moved)
        return (0..<model.outputs).reduce(0) { $0 + weights[row, $1] * logits[row, $1] }
      }
      #expect(abs(result.gradient.elements[i] - (values[0] - values[1]) / (2 * step)) < 1e-6)
    }
  }

  /// A power of ReLU in two layers is a pReLU network with other output weights.
  @Test(arguments: [1, 1.5, 3]) func isAPReLUNetwork(p: Double) throws {
    let network = try MultilayerPerceptron<Double>(
      activation: p == 1 ? .relu : .powerReLU(exponent: p), widths: [6, 9, 2], bias: false,
      stream: RandomStream(seed: 2))
    let other = try #require(network.asPReLUNetwork)
    #expect(other.logits(inputs).largestDifference(from: network.logits(inputs)) < 1e-13)
    for activation in [HiddenActivation.tanh, .relu] {
      let none = try MultilayerPerceptron<Double>(
        activation: activation, widths: [6, 9, 2], bias: true, stream: RandomStream(seed: 2))
      #expect(none.asPReLUNetwork == nil)
    }
  }

  @Test func whatDoesNotFitIsRefused() {
    let stream = RandomStream(seed: 1)
    let a = Matrix<Float>.gaussian(rows: 4, columns: 3, stream: stream)
    let b = Matrix<Float>.gaussian(rows: 1, columns: 5, stream: stream)
    let c = Matrix<Float>.gaussian(rows: 1, columns: 4, stream: stream)
    var wild = c
    wild[0, 0] = .nan
    func message(_ make: () throws -> MultilayerPerceptron<Float>) -> String? {
      do { _ = try make() } catch { return "\(error)" }
      return nil
    }
    #expect(
      message { try MultilayerPerceptron(activation: .tanh, weights: [a, b]) }
        == "layer 2 reads 5 units, layer 1 has 4")
    #expect(message { try MultilayerPerceptron(activation: .tanh, weights: [a, wild]) } != nil)
    #expect(message { try MultilayerPerceptron(activation: .tanh, weights: [a]) } != nil)
    #expect(
      message {
        try MultilayerPerceptron(activation: .powerReLU(exponent: 0.5), weights: [a, c])
      } != nil)
    #expect(
      message { try MultilayerPerceptron(activation: .relu, weights: [a, c], biases: [[0]]) } != nil
    )
    #expect(message { try MultilayerPerceptron(activation: .relu, weights: [a, c]) } == nil)
  }
}
