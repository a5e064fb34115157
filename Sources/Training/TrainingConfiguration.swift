import Foundation
import Networks

/// Everything besides data and initial weights that determines a training run.
public struct TrainingConfiguration: Sendable, Equatable, Codable {
  /// The loss whose mean over the samples is minimised.
  public var loss: Loss
  /// The optimiser and its hyper-parameters.
  public var optimizer: OptimizerConfiguration
  /// Passes over the data.
  public var epochs: Int
  /// Samples a step; the last step of an epoch may have fewer.
  public var batchSize: Int
  /// Determines the order of the samples.
  public var seed: UInt64
  /// Whether every epoch ends with the loss and accuracy on all training data and the stable ranks of
  /// hidden features and weights.
  public var measuresFeatures: Bool
  /// How work that does not change the result is left out, nil for every neuron in every step. Applies to
  /// plain stochastic gradient descent without momentum and weight decay, and only where features are not
  /// measured and the output layer is trained.
  public var thinning: Thinning?
  /// Whether output weights and biases keep their initial values.
  public var freezesOutput: Bool {
    get { frozenOutput ?? false }
    set { frozenOutput = newValue ? true : nil }
  }
  /// Nil for false, so that files of other runs stay as they are.
  private var frozenOutput: Bool?

  private enum CodingKeys: String, CodingKey {
    case loss, optimizer, epochs, batchSize, seed, measuresFeatures, thinning
    case frozenOutput = "freezesOutput"
  }

  /// A configuration; the defaults are those of the paper's mixture experiment.
  public init(
    loss: Loss = .exponential, optimizer: OptimizerConfiguration = .sgd(learningRate: 0.2),
    epochs: Int = 401, batchSize: Int = 100, seed: UInt64 = 0, measuresFeatures: Bool = false,
    thinning: Thinning? = Thinning(), freezesOutput: Bool = false
  ) {
    self.loss = loss
    self.optimizer = optimizer
    self.epochs = epochs
    self.batchSize = batchSize
    self.seed = seed
    self.measuresFeatures = measuresFeatures
    self.thinning = thinning
    self.freezesOutput = freezesOutput
  }

  /// The thinning that the optimiser allows.
  var applicableThinning: Thinning? {
    // Neurons are moved together as if their output weights moved along.
    guard case .sgd(_, momentum: 0, _, weightDecay: 0) = optimizer, !measuresFeatures,
      !freezesOutput
    else {
      return nil
    }
    return thinning
  }

  /// - Throws: ``TrainingError`` naming the first setting out of range.
  public func validate() throws(TrainingError) {
    guard epochs >= 0 else {
      throw .invalid(field: "epochs", found: "\(epochs)", expected: "a whole number of at least 0")
    }
    guard batchSize >= 1 else {
      throw .invalid(
        field: "batch-size", found: "\(batchSize)", expected: "a whole number of at least 1")
    }
    try optimizer.validate()
    try thinning?.validate()
  }
}

/// What one epoch of training did.
public struct EpochRecord: Sendable, Equatable, Codable {
  /// The number of the epoch, counted from 1.
  public let epoch: Int
  /// Mean loss over the epoch, each batch before its step.
  public let loss: Double
  /// Share of samples classified correctly, each batch before its step.
  public let trainAccuracy: Double
  /// Mean loss on held-out data after the epoch, where there is any.
  public let testLoss: Double?
  /// Accuracy on held-out data after the epoch, where there is any.
  public let testAccuracy: Double?

  /// What the hidden layer looks like after the epoch, where it is measured.
  package var features: FeatureRecord?

  package init(
    epoch: Int, loss: Double, trainAccuracy: Double, testLoss: Double?, testAccuracy: Double?,
    features: FeatureRecord? = nil
  ) {
    self.features = features
    self.epoch = epoch
    self.loss = loss
    self.trainAccuracy = trainAccuracy
    self.testLoss = testLoss
    self.testAccuracy = testAccuracy
  }
}

/// The whole training set seen by the network at the end of an epoch.
package struct FeatureRecord: Sendable, Equatable, Codable {
  /// Mean training loss.
  package let trainLoss: Double
  /// Accuracy on the training data.
  package let trainAccuracy: Double
  /// ||H||_F^2 / ||H||_2^2 of the hidden features of the training data.
  package let featureStableRank: Double
  /// The same of the hidden weights.
  package let weightStableRank: Double
}

/// The course of a run.
public struct TrainingRecord: Sendable, Equatable, Codable {
  /// One record an epoch.
  public var epochs: [EpochRecord] = []
  /// What was left out, where the run is thinned.
  package var thinning: ThinningRecord?

  /// A record of no epoch.
  public init() {}

  /// Whether the epochs are numbered from 1 on, as those of a run are.
  var isWhole: Bool { epochs.enumerated().allSatisfy { $1.epoch == $0 + 1 } }

  /// Whether the loss never left the value it has for a network whose output is 0: the signature of
  /// initial weights too small, or a degree too large, for the time given.
  public func isStalled(loss: Loss, outputCount: Int) -> Bool {
    guard let last = epochs.last else { return false }
    let silent = loss.ofSilentNetwork(outputCount: outputCount)
    return abs(last.loss / silent - 1) < 0.01
  }

  /// One line for a person when the run has stalled, otherwise nil.
  public func stallWarning(loss: Loss, outputCount: Int, exponent: Double) -> String? {
    guard isStalled(loss: loss, outputCount: outputCount), let last = epochs.last else {
      return nil
    }
    return "training stalled: after \(last.epoch) epochs the loss is still that of a network with "
      + "output 0; give it more epochs, a larger initialisation or learning rate"
      + (exponent > 2 ? ", or a smaller p than \(exponent)" : "")
  }
}
