import LinearCore
import Networks
import Testing

/// Every case of the model: degree, loss, number of outputs and options.
struct ModelCase: Sendable, CustomTestStringConvertible {
  let exponent: Double
  let loss: Loss
  let normalizeInput: Bool
  let withCenterAndBias: Bool

  var outputs: Int { loss.isBinary ? 1 : 3 }
  var testDescription: String {
    "p = \(exponent), \(loss.rawValue), normalise \(normalizeInput), "
      + "center and bias \(withCenterAndBias)"
  }

  static let all: [ModelCase] = [1, 1.5, 2, 3, 4.7].flatMap { p in
    Loss.allCases.flatMap { loss in
      [(false, false), (true, false), (false, true), (true, true)].map {
        ModelCase(exponent: p, loss: loss, normalizeInput: $0.0, withCenterAndBias: $0.1)
      }
    }
  }

  func network<Scalar: LinearScalar>(width: Int = 9, dimension: Int = 6)
    -> PReLUNetwork<Scalar>
  {
    let stream = RandomStream(seed: 11)
    let center = Matrix<Scalar>.gaussian(
      rows: 1, columns: dimension, stream: stream.child("center"))
    var network = try! PReLUNetwork<Scalar>(
      inputDimension: dimension, hiddenWidth: width, outputCount: outputs, exponent: exponent,
      initialization: .gaussian(scale: 0.7), bias: withCenterAndBias,
      center: withCenterAndBias ? center.elements : nil, normalizeInput: normalizeInput,
      stream: stream)
    if withCenterAndBias { network.outputBias = (0..<outputs).map { Scalar($0) * 0.3 - 0.2 } }
    return network
  }
}

/// The formula of the model, sample by sample and neuron by neuron.
func slowLogits(_ network: PReLUNetwork<Double>, _ x: [Double]) -> [Double] {
  let shifted = zip(x, network.center ?? x.map { _ in 0 }).map { $0 - $1 }
  func length(_ v: [Double]) -> Double { v.reduce(0) { $0 + $1 * $1 }.squareRoot() }
  let p = network.exponent
  var result = network.outputBias ?? [Double](repeating: 0, count: network.outputCount)
  for j in 0..<network.hiddenWidth {
    let w = network.hiddenWeights.row(j)
    let z = zip(w, shifted).reduce(0) { $0 + $1.0 * $1.1 }
    if length(w) == 0 || z <= 0 { continue }
    var h = Double.power(z, p) / Double.power(length(w), p - 1)
    if network.normalizeInput { h /= Double.power(length(shifted), p - 1) }
    for c in result.indices { result[c] += network.outputWeights[c, j] * h }
  }
  return result
}

@Suite struct GradientTests {
  let inputs = Matrix<Double>.gaussian(rows: 7, columns: 6, stream: RandomStream(seed: 3))
  let step = 1e-6

  func labels(_ model: ModelCase) -> [Int] { (0..<7).map { $0 % max(2, model.outputs) } }

  @Test(arguments: ModelCase.all) func forwardMatchesTheFormula(_ model: ModelCase) {
    let network: PReLUNetwork<Double> = model.network()
    let logits = network.logits(inputs)
    for i in 0..<inputs.rows {
      for (c, value) in slowLogits(network, inputs.row(i)).enumerated() {
        #expect(abs(logits[i, c] - value) <= 1e-12 * max(1, abs(value)))
      }
    }
  }

  @Test(arguments: ModelCase.all) func parameterGradientMatchesDifferences(_ model: ModelCase) {
    let network: PReLUNetwork<Double> = model.network()
    let labels = labels(model)
    let gradient = network.parameterGradient(inputs: inputs, labels: labels, loss: model.loss)
    func loss(_ change: (inout PReLUNetwork<Double>) -> Void) -> Double {
      var copy = network
      change(&copy)
      return model.loss.mean(copy.logits(inputs), labels: labels)
    }
    var differences: [Double] = []
    var exact: [Double] = []
    for k in network.hiddenWeights.elements.indices {
      let up = loss { $0.hiddenWeights.elements[k] += step }
      let down = loss { $0.hiddenWeights.elements[k] -= step }
      differences.append((up - down) / (2 * step))
      exact.append(gradient.hiddenWeights.elements[k])
    }
    for k in network.outputWeights.elements.indices {
      let up = loss { $0.outputWeights.elements[k] += step }
      let down = loss { $0.outputWeights.elements[k] -= step }
      differences.append((up - down) / (2 * step))
      exact.append(gradient.outputWeights.elements[k])
    }
    if network.outputBias != nil {
      for k in 0..<network.outputCount {
        let up = loss { $0.outputBias![k] += step }
        let down = loss { $0.outputBias![k] -= step }
        differences.append((up - down) / (2 * step))
        exact.append(gradient.outputBias[k])
      }
    }
    #expect(relativeError(differences, exact) < 1e-6)
  }

  @Test(arguments: ModelCase.all) func inputGradientMatchesDifferences(_ model: ModelCase) {
    let network: PReLUNetwork<Double> = model.network()
    let weights = (0..<network.outputCount).map { 1.5 - Double($0) }
    let (logits, gradient) = network.logitsAndInputGradient(inputs) { logits, _ in
      Matrix(
        rows: logits.rows, columns: logits.columns,
        elements: (0..<logits.rows).flatMap { _ in weights })
    }
    #expect(logits == network.logits(inputs))
    func value(_ x: Matrix<Double>, _ i: Int) -> Double {
      zip(network.logits(x).row(i), weights).reduce(0) { $0 + $1.0 * $1.1 }
    }
    var differences: [Double] = []
    for i in 0..<inputs.rows {
      for j in 0..<inputs.columns {
        var up = inputs
        var down = inputs
        up[i, j] += step
        down[i, j] -= step
        differences.append((value(up, i) - value(down, i)) / (2 * step))
      }
    }
    #expect(relativeError(differences, gradient.elements) < 1e-6)
  }

  @Test func aNeuronWithoutWeightsIsSilent() {
    var network: PReLUNetwork<Double> = ModelCase.all[0].network()
    for model in ModelCase.all where model.loss == .logistic {
      network = model.network()
      network.hiddenWeights.setRow(2, [Double](repeating: 0, count: 6))
      let gradient = network.parameterGradient(
        inputs: inputs, labels: labels(model), loss: .logistic)
      #expect(gradient.hiddenWeights.row(2).allSatisfy { $0 == 0 })
      #expect(gradient.hiddenWeights.isFinite() && gradient.outputWeights[0, 2] == 0)
    }
  }

  @Test(arguments: [1, 1.5, 3]) func silentSamplesAreLeftOutExactly(_ p: Double) throws {
    // Positive weights: a sample of negative numbers activates no neuron.
    let weights = Matrix<Double>.uniform(
      rows: 40, columns: 6, bound: 1, stream: RandomStream(seed: 5))
    let network = try PReLUNetwork(
      exponent: p,
      hiddenWeights: Matrix(rows: 40, columns: 6, elements: weights.elements.map(abs)),
      outputWeights: .gaussian(rows: 1, columns: 40, stream: RandomStream(seed: 6)))
    var mixed = inputs
    for i in [0, 2, 3, 6] { mixed.setRow(i, inputs.row(i).map { -abs($0) }) }
    for i in [1, 4, 5] { mixed.setRow(i, inputs.row(i).map(abs)) }
    let labels = [1, 0, 1, 0, 1, 1, 0]
    let loud = [1, 4, 5]
    let all = network.parameterGradient(inputs: mixed, labels: labels, loss: .logistic)
    let few = network.parameterGradient(
      inputs: mixed.rows(at: loud), labels: loud.map { labels[$0] }, loss: .logistic)
    let expected = few.hiddenWeights.elements.map { $0 * 3 / 7 }
    #expect(relativeError(all.hiddenWeights.elements, expected) < 1e-14)
    let silent = network.parameterGradient(
      inputs: mixed.rows(at: [0, 2]), labels: [1, 1], loss: .logistic)
    #expect(silent.hiddenWeights.elements.allSatisfy { $0 == 0 })
  }

  @Test(arguments: ModelCase.all) func neuronsMayBeReordered(_ model: ModelCase) {
    let network: PReLUNetwork<Double> = model.network()
    let order = network.neuronsBySign
    let sorted = network.reordered(order)
    let positive = (0..<9).map { sorted.outputWeights[0, $0] > 0 }
    #expect(positive == positive.filter { $0 } + positive.filter { !$0 })
    #expect(sorted.reordered(inverse(ofOrder: order)) == network)
    #expect(sorted.logits(inputs).largestDifference(from: network.logits(inputs)) < 1e-13)
  }

  /// ||a - b|| / ||b||.
  func relativeError(_ a: [Double], _ b: [Double]) -> Double {
    let difference = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (difference / b.reduce(0) { $0 + $1 * $1 }).squareRoot()
  }
}
