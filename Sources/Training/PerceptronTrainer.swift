import DeepNetworks
import LinearCore
import Networks

/// Trains a ``MultilayerPerceptron`` by plain stochastic gradient descent: the order of the samples in
/// epoch e is drawn from the seed's child stream ("shuffling", e), as by ``Trainer``.
package struct PerceptronTrainer<Scalar: LinearScalar> {
  /// The network, as trained so far.
  package private(set) var network: MultilayerPerceptron<Scalar>
  /// The course so far.
  package private(set) var record = TrainingRecord()
  private let inputs: Matrix<Scalar>
  private let labels: [Int]
  private let configuration: TrainingConfiguration
  private let rate: Scalar

  /// A run from initial weights.
  ///
  /// - Parameters:
  ///   - inputs: (n, inputDimension), n >= 1.
  ///   - labels: the class of each row.
  ///   - configuration: its optimiser must be stochastic gradient descent without momentum and decay.
  /// - Throws: ``TrainingError`` for settings, data and network that do not fit together.
  package init(
    network: MultilayerPerceptron<Scalar>, inputs: Matrix<Scalar>, labels: [Int],
    configuration: TrainingConfiguration
  ) throws(TrainingError) {
    try configuration.validate()
    guard case .sgd(let rate, 0, _, 0) = configuration.optimizer else {
      throw .invalid(
        field: "optimizer", found: "\(configuration.optimizer)",
        expected: "sgd without momentum and weight decay for a perceptron")
    }
    guard inputs.rows >= 1, inputs.rows == labels.count,
      inputs.columns == network.inputDimension,
      configuration.loss.isBinary == (network.outputCount == 1)
    else {
      throw .invalid(
        field: "data",
        found: "(\(inputs.rows), \(inputs.columns)) with \(labels.count) labels and the loss "
          + configuration.loss.rawValue,
        expected: "samples of \(network.inputDimension) coordinates, a label each, and a loss for "
          + "\(network.outputCount) output(s)")
    }
    self.network = network
    self.inputs = inputs
    self.labels = labels
    self.configuration = configuration
    self.rate = Scalar(rate)
  }

  /// Trains one more epoch.
  /// - Throws: ``TrainingError/diverged(epoch:hint:)`` when the loss or a weight is no longer finite.
  package mutating func runEpoch() throws(TrainingError) {
    let epoch = record.epochs.count + 1
    let batches = shuffledBatches(
      of: labels.count, size: configuration.batchSize, seed: configuration.seed, epoch: epoch)
    var (lossSum, correct) = (0.0, 0)
    for batch in batches {
      let gradient = network.network.parameterGradient(
        inputs: inputs.rows(at: batch), labels: batch.map { labels[$0] }, loss: configuration.loss)
      lossSum += gradient.lossSum
      correct += gradient.correct
      network.descend(gradient, rate: rate)
    }
    guard lossSum.isFinite, network.weights.allSatisfy({ $0.isFinite() }) else {
      throw .diverged(
        epoch: epoch,
        hint: "try a smaller learning rate than \(configuration.optimizer.learningRate)")
    }
    record.epochs.append(
      EpochRecord(
        epoch: epoch, loss: lossSum / Double(labels.count),
        trainAccuracy: Double(correct) / Double(labels.count), testLoss: nil, testAccuracy: nil))
  }
}

extension MultilayerPerceptron {
  /// parameters <- parameters - rate gradient.
  fileprivate mutating func descend(_ gradient: DeepGradient<Scalar>, rate: Scalar) {
    for (index, slope) in gradient.parameters.enumerated() {
      let count = slope.elements.count
      network.parameters[index].withMutablePointer { target in
        slope.withPointer { Scalar.add(count, -rate, $0, to: target) }
      }
    }
  }
}
