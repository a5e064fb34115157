import DeepNetworks
import LinearCore
import Networks

/// Everything besides data and initial weights that determines the training of a deep network.
public struct DeepTrainingConfiguration: Sendable, Equatable, Codable {
  /// The loss whose mean over the samples is minimised.
  public var loss: Loss
  /// The optimiser and its hyper-parameters.
  public var optimizer: OptimizerConfiguration
  /// How the learning rate changes.
  public var schedule: LearningRateSchedule
  /// Passes over the data. Part of the schedule, so a run cannot be prolonged afterwards.
  public var epochs: Int
  /// Samples a step; the last step of an epoch may have fewer.
  public var batchSize: Int
  /// Determines the order of the samples, and what else is random.
  public var seed: UInt64
  /// How training images are changed; nil for not at all.
  public var augmentation: ImageAugmentation?
  /// Whether samples are replaced by worse ones around them; nil for ordinary training.
  public var adversarial: AdversarialTrainingConfiguration?

  /// A configuration; ``validate(for:)`` finds what is out of range.
  public init(
    loss: Loss = .crossEntropy, optimizer: OptimizerConfiguration = .adamW(),
    schedule: LearningRateSchedule = .cosine(), epochs: Int = 20, batchSize: Int = 128,
    seed: UInt64 = 0, augmentation: ImageAugmentation? = nil,
    adversarial: AdversarialTrainingConfiguration? = nil
  ) {
    self.loss = loss
    self.optimizer = optimizer
    self.schedule = schedule
    self.epochs = epochs
    self.batchSize = batchSize
    self.seed = seed
    self.augmentation = augmentation
    self.adversarial = adversarial
  }

  /// - Throws: ``TrainingError`` naming the first setting out of range.
  public func validate(for shape: FeatureShape) throws(TrainingError) {
    try TrainingConfiguration(
      loss: loss, optimizer: optimizer, epochs: epochs, batchSize: batchSize, seed: seed
    ).validate()
    try schedule.validate()
    try augmentation?.validate(for: shape)
    try adversarial?.validate()
  }
}

extension DeepNetwork {
  /// - Throws: ``TrainingError`` for data that this network cannot be trained on.
  func checkFit(inputs: Matrix<Scalar>, labels: [Int], loss: Loss) throws(TrainingError) {
    guard inputs.rows >= 1, inputs.rows == labels.count, inputs.columns == inputDimension,
      loss.isBinary == (outputCount == 1)
    else {
      throw .invalid(
        field: "data",
        found: "(\(inputs.rows), \(inputs.columns)) with \(labels.count) labels and the loss "
          + loss.rawValue,
        expected: "samples of \(inputDimension) coordinates, a label each, and a loss for "
          + "\(outputCount) output(s)")
    }
    guard let wrong = labels.first(where: { !(0..<classCount).contains($0) }) else { return }
    throw .invalid(
      field: "data", found: "data with the label \(wrong)",
      expected: "labels in 0..<\(classCount)")
  }
}
