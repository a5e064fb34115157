import Attacks
import DeepNetworks
import LinearCore
import Networks
import Testing

/// A small convolutional network with one layer of every type.
func convolutionalNetwork<Scalar: LinearScalar>(
  exponent: Double, dropout: Double = 0.2, as _: Scalar.Type = Scalar.self
) throws -> DeepNetwork<Scalar> {
  let architecture = try Architecture(
    inputShape: FeatureShape(rows: 6, columns: 6, channels: 2),
    layers: [
      Standardization(means: [0.4, 0.5], deviations: [0.3, 0.2]),
      ConvolutionalPReLU(filters: 4, kernel: 3, padding: 1, exponent: exponent),
      LayerNormalization(),
      AveragePooling(window: 2),
      Residual([
        ConvolutionalPReLU(
          filters: 4, kernel: 3, padding: 1, exponent: exponent, normalizesInput: true)
      ]),
      GlobalAveragePooling(), Dropout(rate: dropout), DensePReLU(units: 5, exponent: exponent),
      LinearHead(outputs: 3),
    ])
  return try DeepNetwork(architecture: architecture, stream: RandomStream(seed: 21))
}

@Suite struct DeepNetworkTests {
  private let labels = (0..<70).map { $0 % 3 }
  private let inputs = Matrix<Double>.uniform(
    rows: 70, columns: 72, bound: 1, stream: RandomStream(seed: 6))

  @Test(arguments: [1, 1.5, 2, 3]) func parameterGradientMatchesDifferences(p: Double) throws {
    let network = try convolutionalNetwork(exponent: p, as: Double.self)
    let dropout = RandomStream(seed: 8)
    let gradient = network.parameterGradient(
      inputs: inputs, labels: labels, loss: .crossEntropy, stream: dropout)
    #expect(gradient.parameters.count == network.parameters.count)
    for tensor in network.parameters.indices {
      for i in network.parameters[tensor].elements.indices where i % 3 == 0 {
        let values = [differenceStep, -differenceStep].map { distance in
          var moved = network
          moved.parameters[tensor].elements[i] += distance
          return moved.parameterGradient(
            inputs: inputs, labels: labels, loss: .crossEntropy, stream: dropout
          ).lossSum / 70
        }
        let expected = (values[0] - values[1]) / (2 * differenceStep)
        #expect(abs(gradient.parameters[tensor].elements[i] - expected) < 1e-6)
      }
    }
  }

  @Test(arguments: [1, 1.5, 2, 3]) func inputGradientMatchesDifferences(p: Double) throws {
    let network = try convolutionalNetwork(exponent: p, as: Double.self)
    let few = inputs.rows(in: 0..<3)
    let weights = Matrix<Double>.gaussian(rows: 3, columns: 3, stream: RandomStream(seed: 8))
    let result = network.logitsAndInputGradient(few) { _, rows in weights.rows(in: rows) }
    #expect(result.logits == network.logits(few))
    for i in few.elements.indices {
      let values = [differenceStep, -differenceStep].map { distance in
        var moved = few
        moved.elements[i] += distance
        return weightedSum(network.logits(moved), weights)
      }
      let expected = (values[0] - values[1]) / (2 * differenceStep)
      #expect(abs(result.gradient.elements[i] - expected) < 1e-6)
    }
    // The pass of attacks gives the same.
    var passed = Matrix<Double>(rows: 3, columns: 72)
    passed.withMutablePointer { target in
      few.withPointer {
        network.inputGradientPass(capacity: 3).run(count: 3, inputs: $0, gradient: target) {
          for i in weights.elements.indices { $0[i] = weights.elements[i] }
        }
      }
    }
    #expect(passed == result.gradient)
  }

  @Test func precisionsAgree() throws {
    let network = try convolutionalNetwork(exponent: 2, as: Float.self)
    let reference = network.referenceLogits(inputs)
    let single = network.logits(inputs.converted()).converted(to: Double.self)
    #expect(single.largestDifference(from: reference) < 1e-5 * reference.frobeniusNorm)
    let double = try #require(network.inDoublePrecision)
    #expect(double.logits(inputs) == reference)
  }

  @Test func streamsAreNamed() throws {
    let architecture = try convolutionalNetwork(exponent: 2, as: Float.self).architecture
    let stream = RandomStream(seed: 1)
    let network = try DeepNetwork<Float>(architecture: architecture, stream: stream)
    let names = architecture.parameters.map(\.name)
    #expect(
      names == [
        "layers.1.weights", "layers.2.gain", "layers.2.shift", "layers.4.block.0.weights",
        "layers.7.weights", "layers.8.weights", "layers.8.bias",
      ])
    #expect(
      network.parameters[4]
        == .uniform(
          rows: 5, columns: 4, bound: 1.5.squareRoot(), stream: stream.child("layers.7.weights")))
    let small = try DeepNetwork<Float>(architecture: architecture, scale: 0.5, stream: stream)
    #expect(small.parameters[4].elements == network.parameters[4].elements.map { $0 / 2 })
    #expect(small.parameters[1].elements == [1, 1, 1, 1])
    #expect(throws: NetworkError.self) {
      try DeepNetwork<Float>(architecture: architecture, scale: 1e-30, stream: stream)
    }
  }

  @Test func parametersAreChecked() throws {
    let network = try convolutionalNetwork(exponent: 2, as: Float.self)
    func message(_ change: (inout [Matrix<Float>]) -> Void) -> String? {
      var parameters = network.parameters
      change(&parameters)
      do throws(NetworkError) {
        _ = try DeepNetwork(architecture: network.architecture, parameters: parameters)
        return nil
      } catch { return error.description }
    }
    #expect(message { _ in } == nil)
    #expect(message { $0.removeLast() } == "6 tensors for a network that has 7")
    #expect(
      message { $0[2] = Matrix(rows: 1, columns: 5) }
        == "tensor 'layers.2.shift' has shape [1, 5], expected [1, 4]")
    #expect(message { $0[0][0, 0] = .nan } == "tensor 'layers.1.weights' holds NaN or infinity")
  }

  /// A convolutional network, whose samples threads share, and a dense one, whose neurons.
  @Test(arguments: [false, true]) func theSameBytesOnAnyNumberOfThreads(isDense: Bool) throws {
    let layers: [any Layer] = [
      DensePReLU(units: 300, exponent: 3, normalizesInput: true), LayerNormalization(),
      DensePReLU(units: 300, exponent: 1.5), Dropout(rate: 0.2), LinearHead(outputs: 3),
    ]
    let network =
      isDense
      ? try DeepNetwork<Float>(
        architecture: Architecture(inputShape: FeatureShape(vector: 72), layers: layers),
        stream: RandomStream(seed: 21))
      : try convolutionalNetwork(exponent: 1.5, as: Float.self)
    let samples: Matrix<Float> = inputs.converted()
    let stream = RandomStream(seed: 8)
    func results() -> [Matrix<Float>] {
      let gradient = network.parameterGradient(
        inputs: samples, labels: labels, loss: .crossEntropy, stream: stream)
      let attacked = network.logitsAndInputGradient(samples) { logits, _ in logits }
      return gradient.parameters + [network.logits(samples), attacked.gradient]
    }
    defer { Parallel.threadCount = 0 }
    Parallel.threadCount = 1
    let one = results()
    for threads in [2, 3] {
      Parallel.threadCount = threads
      #expect(results() == one)
    }
  }

  /// Attacks know nothing of layers: radii that were found are there, and grow with none.
  @Test func attacksWorkOnIt() throws {
    let network = try convolutionalNetwork(exponent: 2, as: Float.self)
    let samples = Matrix<Float>(
      rows: 20, columns: 72,
      elements: inputs.rows(in: 0..<20).elements.map { Float(abs($0)) })
    let labels = network.predictions(samples)
    let epsilons = [0.3, 8]
    let evaluation = RobustnessEvaluation<DeepNetwork<Float>>(
      threat: ThreatModel(norm: .l2), attacks: try AttackCatalog.attacks(named: "standard"),
      references: AttackReferences(dimension: 72, samples: samples, sampleLabels: labels),
      epsilons: epsilons, stream: RandomStream(seed: 2))
    let result = try evaluation.run(network, inputs: samples, labels: labels)
    let curve = epsilons.map(result.robustAccuracy)
    #expect(result.cleanAccuracy == 1 && curve[1] < curve[0])
    for sample in result.samples where sample.radius.isFinite {
      var moved = samples.rows(in: sample.index..<sample.index + 1)
      for k in 0..<72 { moved[0, k] += result.perturbations[sample.index, k] }
      #expect(network.predictions(moved)[0] != labels[sample.index])
    }
  }
}
