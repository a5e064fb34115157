import DeepNetworks
import LinearCore
import Networks

/// Trains a deep network on minibatches.
///
/// In epoch e the order of the samples is drawn from the seed's child stream ("shuffling", e), as by
/// ``Trainer``, changes of images from ("augmentation", e), starting points of adversarial examples from
/// ("adversarial", e), and step t of the run gives layers the child ("layers", t). So a run resumed after
/// any epoch ends in the same bytes as one that was never interrupted.
public struct DeepTrainer<Scalar: LinearScalar> {
  /// The network, as trained so far.
  public private(set) var network: DeepNetwork<Scalar>
  /// The settings, which do not change during the run.
  public let configuration: DeepTrainingConfiguration
  /// The course so far.
  public private(set) var record = TrainingRecord()

  private let optimizer: any Optimizer<Scalar>
  private let groups: [ParameterGroup]
  private let inputs: Matrix<Scalar>
  private let labels: [Int]
  private let heldOut: (inputs: Matrix<Scalar>, labels: [Int])?

  /// A run from initial weights.
  ///
  /// - Parameters:
  ///   - inputs: (n, inputDimension), n >= 1.
  ///   - labels: the class of each row.
  ///   - heldOut: evaluated after every epoch.
  /// - Throws: ``TrainingError`` for settings, data and network that do not fit together.
  public init(
    network: DeepNetwork<Scalar>, inputs: Matrix<Scalar>, labels: [Int],
    configuration: DeepTrainingConfiguration,
    heldOut: (inputs: Matrix<Scalar>, labels: [Int])? = nil
  ) throws(TrainingError) {
    try configuration.validate(for: network.architecture.inputShape)
    try network.checkFit(inputs: inputs, labels: labels, loss: configuration.loss)
    if let heldOut {
      try network.checkFit(
        inputs: heldOut.inputs, labels: heldOut.labels, loss: configuration.loss)
    }
    self.network = network
    self.configuration = configuration
    self.inputs = inputs
    self.labels = labels
    self.heldOut = heldOut
    optimizer = configuration.optimizer.makeOptimizer(for: network)
    groups = network.architecture.parameters.map { ParameterGroup(rawValue: $0.name) }
  }

  /// Whether all epochs are done.
  public var isFinished: Bool { record.epochs.count >= configuration.epochs }

  /// Trains all epochs that are left.
  ///
  /// - Parameter afterEpoch: called with what each epoch did.
  public mutating func train(afterEpoch: (EpochRecord) -> Void = { _ in }) throws(TrainingError) {
    while !isFinished { afterEpoch(try runEpoch()) }
  }

  /// Trains one more epoch.
  ///
  /// - Parameter afterStep: called after every step with the number of steps of the epoch so far, and of
  ///   the whole epoch, and the network as it is then.
  /// - Throws: ``TrainingError/diverged(epoch:hint:)`` when the loss or a weight is no longer finite.
  @discardableResult
  public mutating func runEpoch(
    afterStep: (_ done: Int, _ ofAll: Int, _ network: DeepNetwork<Scalar>) -> Void = { _, _, _ in }
  ) throws(TrainingError) -> EpochRecord {
    let epoch = record.epochs.count + 1
    let batches = shuffledBatches(
      of: labels.count, size: configuration.batchSize, seed: configuration.seed, epoch: epoch)
    var (lossSum, correct) = (0.0, 0)
    for (number, batch) in batches.enumerated() {
      let result = step(batch, epoch: epoch)
      lossSum += result.lossSum
      correct += result.correct
      if !lossSum.isFinite { throw diverged(epoch) }
      afterStep(number + 1, batches.count, network)
    }
    guard network.parameters.allSatisfy({ $0.isFinite() }) else { throw diverged(epoch) }
    let logits = heldOut.map { network.logits($0.inputs) }
    let done = EpochRecord(
      epoch: epoch, loss: lossSum / Double(labels.count),
      trainAccuracy: Double(correct) / Double(labels.count),
      testLoss: logits.map { configuration.loss.mean($0, labels: heldOut!.labels) },
      testAccuracy: logits.map {
        Double(correctPredictions($0, labels: heldOut!.labels)) / Double(heldOut!.labels.count)
      })
    record.epochs.append(done)
    return done
  }

  /// One step on the listed samples.
  ///
  /// - Parameter epoch: counted from 1; decides how images are changed.
  @discardableResult
  package mutating func step(_ batch: [Int], epoch: Int) -> DeepGradient<Scalar> {
    let seeded = RandomStream(seed: configuration.seed)
    var images = inputs.rows(at: batch)
    if let augmentation = configuration.augmentation {
      images = augmentation.apply(
        to: images, shape: network.architecture.inputShape,
        stream: seeded.child("augmentation", epoch), numbers: batch)
    }
    let ownLabels = batch.map { labels[$0] }
    if let adversarial = configuration.adversarial {
      images = adversarial.examples(
        network, inputs: images, labels: ownLabels, loss: configuration.loss,
        stream: seeded.child("adversarial", epoch), numbers: batch)
    }
    let gradient = network.parameterGradient(
      inputs: images, labels: ownLabels, loss: configuration.loss,
      stream: seeded.child("layers", optimizer.stepCount))
    optimizer.rateFactor = configuration.schedule.factor(
      step: optimizer.stepCount,
      stepsPerEpoch: Parallel.blockCount(of: labels.count, size: configuration.batchSize),
      epochs: configuration.epochs)
    optimizer.beginStep()
    for (index, group) in groups.enumerated() {
      update(group, index, gradient.parameters[index])
    }
    return gradient
  }

  /// Updates one tensor, in pieces that do not depend on the number of threads.
  private mutating func update(_ group: ParameterGroup, _ index: Int, _ gradient: Matrix<Scalar>) {
    let count = gradient.elements.count
    network.parameters[index].withMutablePointer { values in
      gradient.withPointer { gradient in
        nonisolated(unsafe) let (values, gradient) = (values, gradient)
        nonisolated(unsafe) let optimizer = optimizer
        Parallel.forEachBlock(of: count, size: 1 << 15) { _, range in
          optimizer.update(
            group, offset: range.lowerBound, count: range.count,
            values: values + range.lowerBound, gradient: gradient + range.lowerBound)
        }
      }
    }
  }

  private func diverged(_ epoch: Int) -> TrainingError {
    .diverged(
      epoch: epoch,
      hint: "try a smaller learning rate than \(configuration.optimizer.learningRate)")
  }

  // MARK: - Checkpoints

  /// The whole state of the run.
  package func checkpoint() -> DeepCheckpoint<Scalar> {
    DeepCheckpoint(
      network: network, configuration: configuration, record: record,
      stepCount: optimizer.stepCount, moments: optimizer.moments.mapValues(\.elements))
  }

  /// Continues from a checkpoint of the same run.
  /// - Throws: ``TrainingError/checkpoint(_:)`` when it belongs to another configuration or network.
  package mutating func resume(from checkpoint: DeepCheckpoint<Scalar>) throws(TrainingError) {
    guard checkpoint.configuration == configuration else {
      throw .checkpoint(
        "the checkpoint was made with other settings than this run; start anew in another directory"
      )
    }
    guard checkpoint.network.architecture == network.architecture,
      Set(checkpoint.moments.keys) == Set(optimizer.moments.keys),
      checkpoint.moments.allSatisfy({ optimizer.moments[$0]?.count == $1.count })
    else { throw .checkpoint("the checkpoint holds another network than this run") }
    guard checkpoint.network.parameters.allSatisfy({ $0.isFinite() }),
      checkpoint.moments.values.allSatisfy({ $0.allSatisfy(\.isFinite) })
    else { throw .checkpoint("the checkpoint holds numbers that are not finite") }
    guard checkpoint.record.isWhole, checkpoint.stepCount >= 0,
      checkpoint.record.epochs.count <= configuration.epochs
    else { throw .checkpoint("the checkpoint has other epochs or steps than it can have") }
    network = checkpoint.network
    record = checkpoint.record
    optimizer.stepCount = checkpoint.stepCount
    for (name, values) in checkpoint.moments { optimizer.moments[name]!.elements = values }
  }
}
