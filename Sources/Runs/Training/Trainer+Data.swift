import Datasets
import Networks
import Training

extension Trainer where Scalar == Float {
  /// A training of a new network on labelled data, in memory; ``TrainingRun`` is the one that leaves
  /// files.
  ///
  /// - Parameters:
  ///   - model: the network; its initial weights come from the seed of `training`.
  ///   - training: by default that of the paper's mixture experiment.
  ///   - heldOut: evaluated after every epoch.
  /// - Throws: ``ExperimentError/usage(_:)`` for data and settings that do not fit together.
  public init(
    data: Dataset, model: ModelConfiguration, training: TrainingConfiguration = .init(),
    heldOut: Dataset? = nil
  ) throws(ExperimentError) {
    let network: PReLUNetwork<Float> = try model.makeNetwork(
      data: data, loss: training.loss, seed: training.seed)
    do {
      let heldOut = try heldOut?.numbered(by: data.classes, of: "the training data \(data.name)")
      try self.init(
        network: network, inputs: data.inputs, labels: data.labels, configuration: training,
        heldOut: heldOut.map { ($0.inputs, $0.labels) })
    } catch { throw ExperimentError(error) }
  }
}
