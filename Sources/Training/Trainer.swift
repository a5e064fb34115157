import Foundation
import LinearCore
import Networks

/// Trains a pReLU network on minibatches.
///
/// The order of the samples in epoch e is drawn from the seed's child stream ("shuffling", e), so a run
/// resumed after any epoch ends in the same bytes as one that was never interrupted.
public struct Trainer<Scalar: LinearScalar> {
  /// The network, as trained so far.
  public private(set) var network: PReLUNetwork<Scalar>
  /// The settings, which do not change during the run.
  public let configuration: TrainingConfiguration
  /// The course so far.
  public private(set) var record = TrainingRecord()

  private let optimizer: any Optimizer<Scalar>
  /// What a thinned run carries along.
  private var thinned: ThinnedRun<Scalar>?
  private let inputs: PreparedInputs<Scalar>
  private let labels: [Int]
  private let heldOut: (inputs: PreparedInputs<Scalar>, labels: [Int])?
  private let pass: BatchPass<Scalar>

  /// A run from initial weights.
  ///
  /// - Parameters:
  ///   - inputs: (n, inputDimension), n >= 1.
  ///   - labels: the class of each row.
  ///   - heldOut: evaluated after every epoch.
  /// - Throws: ``TrainingError`` for settings, data and network that do not fit together.
  public init(
    network: PReLUNetwork<Scalar>, inputs: Matrix<Scalar>, labels: [Int],
    configuration: TrainingConfiguration, heldOut: (inputs: Matrix<Scalar>, labels: [Int])? = nil
  ) throws(TrainingError) {
    try configuration.validate()
    try network.checkFit(
      inputs: inputs, labels: labels, loss: configuration.loss,
      furtherLabels: heldOut?.labels ?? [])
    self.network = network
    self.configuration = configuration
    self.inputs = network.prepare(inputs)
    self.labels = labels
    self.heldOut = heldOut.map { (network.prepare($0.inputs), $0.labels) }
    optimizer = configuration.optimizer.makeOptimizer(for: network)
    pass = BatchPass(
      hiddenWidth: network.hiddenWidth, capacity: min(configuration.batchSize, labels.count))
    thinned = configuration.applicableThinning.map {
      ThinnedRun($0, network: network, inputs: self.inputs)
    }
  }

  /// Whether all epochs are done.
  public var isFinished: Bool { record.epochs.count >= configuration.epochs }

  /// The samples of every step of an epoch, which is counted from 1.
  public func batches(ofEpoch epoch: Int) -> [[Int]] {
    shuffledBatches(
      of: labels.count, size: configuration.batchSize, seed: configuration.seed, epoch: epoch)
  }

  /// Steps of an epoch.
  private var batchCount: Int {
    labels.count / configuration.batchSize + (labels.count % configuration.batchSize == 0 ? 0 : 1)
  }

  /// Trains one more epoch.
  /// - Throws: ``TrainingError/diverged(epoch:hint:)`` when the loss or a weight is no longer finite.
  @discardableResult
  public mutating func runEpoch() throws(TrainingError) -> EpochRecord {
    let epoch = record.epochs.count + 1
    var merged = thinned?.merged(network, batchSize: min(configuration.batchSize, labels.count))
    let (lossSum, correct) = try withNeuronsGrouped { trainer throws(TrainingError) in
      var (lossSum, correct) = (0.0, 0)
      for batch in trainer.batches(ofEpoch: epoch) {
        let result =
          merged == nil ? trainer.step(batch) : trainer.thinnedStep(batch, &merged!)
        lossSum += result.lossSum
        correct += result.correct
        if !lossSum.isFinite { throw trainer.diverged(epoch) }
      }
      return (lossSum, correct)
    }
    if let merged {
      thinned!.finish(
        epoch: epoch, isLast: epoch >= configuration.epochs, merged: merged,
        network: &network, inputs: inputs)
      record.thinning = thinned!.record
    }
    guard network.hiddenWeights.isFinite(), network.outputWeights.isFinite() else {
      throw diverged(epoch)
    }
    var testLoss: Double?
    var testAccuracy: Double?
    if let heldOut {
      // Waiting neurons would not show.
      let logits = (merged?.network ?? network).logits(prepared: heldOut.inputs)
      testLoss = configuration.loss.mean(logits, labels: heldOut.labels)
      let hits = correctPredictions(logits, labels: heldOut.labels)
      testAccuracy = Double(hits) / Double(heldOut.labels.count)
    }
    let done = EpochRecord(
      epoch: epoch, loss: lossSum / Double(labels.count),
      trainAccuracy: Double(correct) / Double(labels.count), testLoss: testLoss,
      testAccuracy: testAccuracy,
      features: configuration.measuresFeatures ? featureRecord() : nil)
    record.epochs.append(done)
    return done
  }

  private func featureRecord() -> FeatureRecord {
    let statistics = network.featureStatistics(inputs, labels: labels, loss: configuration.loss)
    return FeatureRecord(
      trainLoss: statistics.loss, trainAccuracy: statistics.accuracy,
      featureStableRank: statistics.stableRank,
      weightStableRank: network.hiddenWeights.stableRank())
  }

  /// Trains all epochs that are left.
  ///
  /// - Parameter afterEpoch: called with what each epoch did.
  public mutating func train(afterEpoch: (EpochRecord) -> Void = { _ in }) throws(TrainingError) {
    while !isFinished { afterEpoch(try runEpoch()) }
  }

  /// Runs `body` on the network with its neurons grouped by the sign of their output weight, which
  /// lets ``HiddenGradient`` leave out many samples, and restores their order.
  ///
  /// It pays at p = 1, where neurons align with a whole class: 15 to 20% of an epoch, measured. With
  /// several outputs a sign says little, and running averages would have to move along. All other runs
  /// keep their order. The grouping depends only on the weights at the start, so a resumed run repeats
  /// it.
  private mutating func withNeuronsGrouped<Result>(
    _ body: (inout Trainer) throws(TrainingError) -> Result
  ) throws(TrainingError) -> Result {
    // Neurons that step alone have an order of their own.
    guard thinned == nil, network.exponent == 1, network.outputCount == 1, optimizer.moments.isEmpty
    else {
      return try body(&self)
    }
    let order = network.neuronsBySign
    network = network.reordered(order)
    defer { network = network.reordered(inverse(ofOrder: order)) }
    return try body(&self)
  }

  /// One step on the listed samples.
  @discardableResult
  package mutating func step(_ batch: [Int]) -> BatchPass<Scalar>.Result {
    optimizer.beginStep()
    let result = pass.run(
      &network, inputs: inputs.subset(batch), labels: batch.map { labels[$0] },
      loss: configuration.loss, updateHidden: optimizer.updateHidden)
    if !configuration.freezesOutput {
      optimizer.updateOutput(result, weights: &network.outputWeights, bias: &network.outputBias)
    }
    return result
  }

  /// One step of the neurons that step, on the listed samples.
  private mutating func thinnedStep(_ batch: [Int], _ merged: inout MergedNetwork<Scalar>)
    -> BatchPass<Scalar>.Result
  {
    let result = merged.step(
      inputs: inputs.subset(batch), labels: batch.map { labels[$0] }, loss: configuration.loss,
      optimizer: optimizer)
    thinned!.state.waiting?.record(
      result.outputDerivative, samples: batch,
      rate: Scalar(configuration.optimizer.learningRate))
    return result
  }

  private func diverged(_ epoch: Int) -> TrainingError {
    .diverged(
      epoch: epoch,
      hint: "try a smaller learning rate than \(configuration.optimizer.learningRate)"
        + (configuration.loss == .exponential ? " or the logistic loss" : ""))
  }

  // MARK: - Checkpoints

  /// The whole state of the run.
  package func checkpoint() -> Checkpoint<Scalar> {
    Checkpoint(
      network: network, configuration: configuration, record: record,
      stepCount: optimizer.stepCount, moments: optimizer.moments.mapValues(\.elements),
      thinning: thinned?.state)
  }

  /// Continues from a checkpoint of the same run.
  /// - Throws: ``TrainingError/checkpoint(_:)`` when it belongs to another configuration or shape.
  package mutating func resume(from checkpoint: Checkpoint<Scalar>) throws(TrainingError) {
    var same = checkpoint.configuration
    same.epochs = configuration.epochs
    guard same == configuration else {
      throw .checkpoint(
        "the checkpoint was made with other settings than this run; start anew in another directory"
      )
    }
    guard checkpoint.network.hiddenWeights.rows == network.hiddenWidth,
      checkpoint.network.inputDimension == network.inputDimension,
      checkpoint.network.outputCount == network.outputCount,
      checkpoint.network.exponent == network.exponent,
      checkpoint.network.center == network.center,
      checkpoint.network.normalizeInput == network.normalizeInput,
      checkpoint.network.hasHiddenBias == network.hasHiddenBias,
      Set(checkpoint.moments.keys) == Set(optimizer.moments.keys),
      checkpoint.moments.allSatisfy({ optimizer.moments[$0]?.count == $1.count }),
      checkpoint.thinning?.fits(network, samples: labels.count) ?? true
    else { throw .checkpoint("the checkpoint holds another network than this run") }
    guard checkpoint.network.hiddenWeights.isFinite(), checkpoint.network.outputWeights.isFinite(),
      checkpoint.moments.values.allSatisfy({ $0.allSatisfy(\.isFinite) })
    else { throw .checkpoint("the checkpoint holds numbers that are not finite") }
    guard checkpoint.record.isWhole, checkpoint.stepCount >= 0,
      checkpoint.stepCount <= checkpoint.record.epochs.count * batchCount
    else { throw .checkpoint("the checkpoint has other epochs or steps than it can have") }
    network = checkpoint.network
    record = checkpoint.record
    optimizer.stepCount = checkpoint.stepCount
    if let state = checkpoint.thinning, let known = record.thinning {
      thinned?.state = state
      thinned?.record = known
    }
    for (name, values) in checkpoint.moments { optimizer.moments[name]!.elements = values }
  }
}
