import DeepNetworks
import LinearCore
import Networks
import Testing

/// Networks of standardised inputs as networks of raw ones.
@Suite struct StandardizationTests {
  private static let dimension = 6
  private let stream = RandomStream(seed: 41)
  private let mean = [0.5, -3, 100, 0, 1e-3, 7]
  private let deviation = [0.2, 4, 25, 1, 1e-2, 3]

  private var raw: Matrix<Double> {
    var inputs = Matrix<Double>.gaussian(
      rows: 9, columns: Self.dimension, stream: stream.child("x"))
    for i in 0..<9 {
      for j in mean.indices { inputs[i, j] = mean[j] + deviation[j] * inputs[i, j] }
    }
    return inputs
  }

  private func standardized(_ inputs: Matrix<Double>) -> Matrix<Double> {
    var result = inputs
    for i in 0..<inputs.rows {
      for j in mean.indices { result[i, j] = (inputs[i, j] - mean[j]) / deviation[j] }
    }
    return result
  }

  private func perceptron<Scalar: LinearScalar>() throws -> MultilayerPerceptron<Scalar> {
    try MultilayerPerceptron(
      activation: .tanh, widths: [Self.dimension, 8, 3], bias: true, scale: 2, stream: stream)
  }

  @Test func logitsAndGradientsAreThoseOfRawInputs() throws {
    let network: MultilayerPerceptron<Double> = try perceptron()
    let classifier = StandardizedClassifier(network, mean: mean, deviation: deviation)
    let inputs = raw
    #expect(classifier.logits(inputs) == network.logits(standardized(inputs)))
    #expect(classifier.referenceLogits(inputs) == network.referenceLogits(standardized(inputs)))
    let weights = Matrix<Double>.gaussian(rows: 9, columns: 3, stream: stream.child("weights"))
    func value(_ inputs: Matrix<Double>, _ i: Int) -> Double {
      zip(classifier.logits(inputs).row(i), weights.row(i)).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let (logits, gradient) = classifier.logitsAndInputGradient(inputs) { _, rows in
      weights.rows(in: rows)
    }
    #expect(logits == classifier.logits(inputs))
    for j in mean.indices {
      var (up, down) = (inputs, inputs)
      let step = 1e-6 * deviation[j]
      for i in 0..<9 {
        up[i, j] += step
        down[i, j] -= step
      }
      for i in 0..<9 {
        let slope = (value(up, i) - value(down, i)) / (up[i, j] - down[i, j])
        #expect(abs(gradient[i, j] - slope) <= 1e-6 * max(1, abs(slope)) / min(1, deviation[j]))
      }
    }
  }

  /// The pass that attacks use gives what a whole evaluation gives, also for a part of its capacity.
  @Test func passesAgree() throws {
    let network: MultilayerPerceptron<Float> = try perceptron()
    let classifier = StandardizedClassifier(network, mean: mean, deviation: deviation)
    let inputs: Matrix<Float> = raw.converted()
    let weights = Matrix<Float>.gaussian(rows: 9, columns: 3, stream: stream.child("weights"))
    let whole = classifier.logitsAndInputGradient(inputs) { _, rows in weights.rows(in: rows) }
    let pass = classifier.inputGradientPass(capacity: 12)
    var gradient = Matrix<Float>(rows: 9, columns: Self.dimension)
    var logits: [Float] = []
    inputs.withPointer { inputs in
      gradient.withMutablePointer { gradient in
        pass.run(count: 9, inputs: inputs, gradient: gradient) { values in
          logits = Array(UnsafeBufferPointer(start: values, count: 27))
          for (k, weight) in weights.elements.enumerated() { values[k] = weight }
        }
      }
    }
    #expect(zip(logits, whole.logits.elements).allSatisfy { abs($0 - $1) <= 1e-5 })
    for (found, expected) in zip(gradient.elements, whole.gradient.elements) {
      #expect(abs(found - expected) <= 1e-5 * max(1, abs(expected)))
    }
    let double = try #require(classifier.inDoublePrecision)
    let close = double.logits(raw)
    #expect(close.largestDifference(from: whole.logits.converted()) <= 1e-4)
    #expect(
      classifier.referenceClasses(inputs) == network.predictions(standardized(raw).converted()))
  }

  @Test(arguments: [1, 1.5, 3], [false, true])
  func shallowNetworksTakeTheMapIntoTheirWeights(_ p: Double, _ hasCenter: Bool) throws {
    let center = Matrix<Double>.gaussian(
      rows: 1, columns: Self.dimension, stream: stream.child("center")
    ).elements
    var hidden = Matrix<Double>.gaussian(
      rows: 10, columns: Self.dimension, stream: stream.child("hidden"))
    // A neuron without weights stays one.
    hidden.setRow(3, [Double](repeating: 0, count: Self.dimension))
    func network(normalizeInput: Bool) throws -> PReLUNetwork<Double> {
      try PReLUNetwork(
        exponent: p, hiddenWeights: hidden,
        outputWeights: Matrix<Double>.gaussian(rows: 3, columns: 10, stream: stream.child("v")),
        outputBias: [0.5, -1, 2], center: hasCenter ? center : nil,
        normalizeInput: normalizeInput)
    }
    let plain = try network(normalizeInput: false)
    let folded = try #require(plain.standardizingInputs(mean: mean, deviation: deviation))
    let expected = plain.referenceLogits(standardized(raw))
    let size = expected.elements.reduce(1) { max($0, $1.magnitude) }
    #expect(folded.referenceLogits(raw).largestDifference(from: expected) <= 1e-11 * size)
    #expect(
      try network(normalizeInput: true).standardizingInputs(mean: mean, deviation: deviation)
        == nil)
    // Nothing to do makes nothing of it.
    let same = plain.standardizingInputs(
      mean: [Double](repeating: 0, count: Self.dimension),
      deviation: [Double](repeating: 1, count: Self.dimension))
    #expect(same == plain)
  }
}
