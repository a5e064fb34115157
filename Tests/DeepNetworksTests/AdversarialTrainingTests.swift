import Datasets
import DeepNetworks
import Foundation
import LinearCore
import Networks
import Testing
import Training

@Suite struct AdversarialTrainingTests {
  private func network() throws -> DeepNetwork<Float> {
    try DeepNetwork(
      architecture: Architecture(
        inputShape: FeatureShape(rows: 8, columns: 8, channels: 1),
        layers: [
          DensePReLU(units: 40, exponent: 2), LayerNormalization(), LinearHead(outputs: 10),
        ]), stream: RandomStream(seed: 3))
  }

  private func trainer(
    _ data: Dataset, epochs: Int, _ adversarial: AdversarialTrainingConfiguration?
  ) throws -> DeepTrainer<Float> {
    try DeepTrainer(
      network: network(), inputs: data.inputs, labels: data.labels,
      configuration: DeepTrainingConfiguration(
        optimizer: .adamW(learningRate: 5e-3), epochs: epochs, batchSize: 64,
        adversarial: adversarial))
  }

  private func examples(
    _ configuration: AdversarialTrainingConfiguration, _ network: DeepNetwork<Float>,
    _ data: Dataset, numbers: [Int]? = nil
  ) -> Matrix<Float> {
    configuration.examples(
      network, inputs: data.inputs, labels: data.labels, loss: .crossEntropy,
      stream: RandomStream(seed: 5), numbers: numbers ?? Array(0..<data.count))
  }

  /// Examples stay in ball and box up to rounding, and the loss is larger on them than on samples and random points.
  @Test(arguments: [Norm.l2, .linf])
  func examplesAreWorseAndStayInBallAndBox(norm: Norm) throws {
    let data = try Digits.load(split: .test)
    var trainer = try trainer(data, epochs: 3, nil)
    try trainer.train()
    let epsilon = norm == .l2 ? 0.6 : 0.08
    let configuration = AdversarialTrainingConfiguration(
      norm: norm, epsilon: epsilon, steps: 5, box: 0...1)
    let found = examples(configuration, trainer.network, data)
    #expect(found.elements.allSatisfy { (0...1).contains($0) })
    for i in 0..<data.count {
      let size = norm.length(zip(found.row(i), data.inputs.row(i)).map { $0 - $1 })
      // Adding and subtracting a centre of size at most 1 rounds each of 64 coordinates by an ulp of 1.
      #expect(Double(size) <= epsilon + 8 * Double(Float.ulpOfOne))
    }
    func loss(_ inputs: Matrix<Float>) -> Double {
      Loss.crossEntropy.mean(trainer.network.logits(inputs), labels: data.labels)
    }
    #expect(loss(found) > loss(data.inputs))
    let random = examples(
      AdversarialTrainingConfiguration(
        norm: norm, epsilon: epsilon, steps: 1, stepSize: 0, box: 0...1), trainer.network, data)
    #expect(loss(found) > loss(random))
  }

  /// In a small ball the loss grows by the radius times the dual norm of its gradient: the most there is.
  @Test(arguments: [Norm.l2, .linf])
  func smallBallsAreExhausted(norm: Norm) throws {
    let data = try Digits.load(split: .test)
    var trainer = try trainer(data, epochs: 3, nil)
    try trainer.train()
    let network = trainer.network.converted(to: Double.self)
    let inputs: Matrix<Double> = data.inputs.converted()
    let epsilon = 1e-4
    let found = AdversarialTrainingConfiguration(
      norm: norm, epsilon: epsilon, steps: 20, stepSize: epsilon / 2
    ).examples(
      network, inputs: inputs, labels: data.labels, loss: .crossEntropy,
      stream: RandomStream(seed: 5), numbers: Array(0..<data.count))
    func loss(_ inputs: Matrix<Double>) -> Double {
      Loss.crossEntropy.mean(network.logits(inputs), labels: data.labels)
    }
    let gradients = network.logitsAndInputGradient(inputs) { logits, rows in
      Loss.crossEntropy.valueAndDerivative(logits, labels: Array(data.labels[rows])).derivative
    }.gradient
    let dual = (norm == .l2 ? Norm.l2 : .l1).rowLengths(gradients).reduce(0, +)
    let expected = epsilon * dual / Double(data.count)
    // What is left of the random start, (2/3)^19, and the second order of the loss.
    #expect(abs(loss(found) - loss(inputs) - expected) < 0.01 * expected)
  }

  /// What happens to a sample depends on its number, not on its place or on threads.
  @Test func examplesDoNotDependOnPlaceOrThreads() throws {
    let data = try Digits.load(split: .test).prefix(80)
    let network = try network()
    let configuration = AdversarialTrainingConfiguration(epsilon: 0.5, steps: 2, box: 0...1)
    defer { Parallel.threadCount = 0 }
    let all = [1, 2].map { threads in
      Parallel.threadCount = threads
      return examples(configuration, network, data)
    }
    #expect(all[0] == all[1])
    let order = Array((0..<80).reversed())
    let reversed = examples(configuration, network, data.subset(order), numbers: order)
    for i in 0..<80 {
      for (a, b) in zip(reversed.row(79 - i), all[0].row(i)) {
        // Another place in a block may add products in another order.
        #expect(abs(a - b) < 1e-4)
      }
    }
  }

  @Test func radiusZeroIsOrdinaryTraining() throws {
    let data = try Digits.load(split: .test)
    var ordinary = try trainer(data, epochs: 2, nil)
    try ordinary.train()
    var other = try trainer(data, epochs: 2, .init(epsilon: 0, steps: 3, box: 0...1))
    try other.train()
    #expect(other.network == ordinary.network && other.record == ordinary.record)
  }

  @Test func resumedRunsEndInTheSameBytes() throws {
    let data = try Digits.load(split: .test)
    let configuration = AdversarialTrainingConfiguration(
      norm: .linf, epsilon: 0.1, steps: 2, box: 0...1)
    var whole = try trainer(data, epochs: 3, configuration)
    try whole.train()
    var first = try trainer(data, epochs: 3, configuration)
    try first.runEpoch()
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("checkpoint-\(UUID().uuidString).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try first.checkpoint().write(to: path)
    var second = try trainer(data, epochs: 3, configuration)
    try second.resume(from: DeepCheckpoint(path: path))
    try second.train()
    #expect(second.network == whole.network && second.record == whole.record)
    var ordinary = try trainer(data, epochs: 3, nil)
    #expect(throws: TrainingError.self) { try ordinary.resume(from: DeepCheckpoint(path: path)) }
  }

  /// Trained on perturbed digits, a network has a smaller loss on perturbed digits it has never seen.
  @Test func hardensNetworks() throws {
    let train = try Digits.load(split: .train)
    let test = try Digits.load(split: .test)
    let configuration = AdversarialTrainingConfiguration(epsilon: 0.5, steps: 4, box: 0...1)
    let losses = try [nil, configuration].map { adversarial in
      var trainer = try trainer(train, epochs: 8, adversarial)
      try trainer.train()
      let found = examples(configuration, trainer.network, test)
      return Loss.crossEntropy.mean(trainer.network.logits(found), labels: test.labels)
    }
    #expect(losses[1] < 0.8 * losses[0])
  }

  @Test func settingsOutOfRangeAreRefused() throws {
    let data = try Digits.load(split: .test)
    func message(_ adversarial: AdversarialTrainingConfiguration) throws -> String? {
      do throws(TrainingError) {
        _ = try DeepTrainer(
          network: try! network(), inputs: data.inputs, labels: data.labels,
          configuration: DeepTrainingConfiguration(adversarial: adversarial))
        return nil
      } catch { return error.description }
    }
    #expect(try message(.init(epsilon: 0.5, steps: 1)) == nil)
    #expect(
      try message(.init(norm: .l1, epsilon: 0.5, steps: 1))
        == "adversarial-norm is l1, expected l2 or linf")
    #expect(try message(.init(epsilon: -1, steps: 1))?.contains("adversarial-epsilon") == true)
    #expect(
      try message(.init(epsilon: 1, steps: 1, stepSize: .infinity))?.contains("adversarial-step")
        == true)
    #expect(try message(.init(epsilon: 1, steps: 0))?.contains("adversarial-steps") == true)
  }
}

@Suite struct StableRankTests {
  /// Rows that are multiples of one vector have stable rank 1, an orthogonal matrix its full rank; samples
  /// that are all the same have features of rank 1.
  @Test func knownRanks() throws {
    let rankOne = Matrix<Double>((1...4).map { i in (1...6).map { Double(i * $0) } })
    var identity = Matrix<Double>(rows: 5, columns: 4)
    for i in 0..<4 { identity[i, i] = 2 }
    let architecture = try Architecture(
      inputShape: FeatureShape(vector: 6),
      layers: [
        DensePReLU(units: 4, exponent: 1), LayerNormalization(), DensePReLU(units: 5, exponent: 2),
        LinearHead(outputs: 3),
      ])
    var network = try DeepNetwork<Double>(
      architecture: architecture, stream: RandomStream(seed: 1))
    network.parameters[0] = rankOne
    network.parameters[3] = identity
    let inputs = Matrix<Double>.uniform(
      rows: 40, columns: 6, bound: 1, stream: RandomStream(seed: 2))
    let ranks = network.stableRanks(on: inputs)
    #expect(ranks.map(\.layer) == [0, 2])
    #expect(ranks.map(\.kind) == ["dense-prelu", "dense-prelu"])
    #expect(abs(ranks[0].weights[0] - 1) < 1e-6)
    // All neurons of the first layer see the same number.
    #expect(abs(ranks[0].features - 1) < 1e-6)
    #expect(abs(ranks[1].weights[0] - 4) < 1e-6)
    let same = Matrix<Double>([[Double]](repeating: inputs.row(0).map(abs), count: 7))
    #expect(network.stableRanks(on: same).allSatisfy { abs($0.features - 1) < 1e-6 })
  }

  /// The features are those that the singular values of the layer's outputs say.
  @Test func featuresOfConvolutions() throws {
    let network = try DeepNetwork<Double>(
      architecture: Architecture(
        inputShape: FeatureShape(rows: 6, columns: 6, channels: 2),
        layers: [
          ConvolutionalPReLU(filters: 3, kernel: 3, padding: 1, exponent: 3),
          AveragePooling(window: 2),
          Residual([ConvolutionalPReLU(filters: 3, kernel: 3, padding: 1, exponent: 2)]),
          LinearHead(outputs: 2),
        ]), stream: RandomStream(seed: 4))
    let inputs = Matrix<Double>.uniform(
      rows: 9, columns: 72, bound: 1, stream: RandomStream(seed: 5))
    let ranks = network.stableRanks(on: inputs)
    #expect(ranks.map(\.layer) == [0, 2] && ranks.map(\.weights.count) == [1, 1])
    for rank in ranks {
      let features = network.prefix(rank.layer + 1).logits(inputs)
      let values = try features.singularValues()
      let expected = values.reduce(0) { $0 + $1 * $1 } / (values[0] * values[0])
      #expect(abs(rank.features - expected) < 1e-6 * expected)
    }
    #expect(network.prefix(4) == network)
  }
}
