import Datasets
import DeepNetworks
import Formats
import Foundation
import LinearCore
import Networks
import Training

/// Trains one deep network of an experiment.
///
/// It leaves `networks/NAME.safetensors`, the trained network, `networks/NAME.json`, the course of the
/// training, and `networks/NAME.config.json`, what it was trained on (``RunDescription``); where these are,
/// nothing is trained. Until then `checkpoints/NAME.safetensors` holds the state
/// after some epoch, from which a killed run goes on to the same bytes.
package struct DeepRun: Sendable {
  /// The directory of the experiment, whose configuration must fix the result.
  package let directory: RunDirectory
  /// What the files are called, different for every network of the experiment.
  package let name: String
  package let architecture: Architecture
  /// How they are trained. Its seed's child ("initialisation") draws the weights.
  package let training: DeepTrainingConfiguration
  /// What random initial weights are multiplied by; see `DeepNetwork.init(architecture:scale:stream:)`.
  package var initialScale = 1.0
  /// How often in an epoch the network is tried on the validation data, to keep the first that reaches each
  /// whole percent of accuracy, in `networks/NAME-levels`; see ``firstNetwork(reaching:)``. 0 for never.
  package var trialsPerEpoch = 0
  /// What the network is trained on, for `polyrelu attack` and others; nil says nothing about it.
  package var data: DatasetRequest?
  /// Seconds between checkpoints, which are written behind an epoch.
  package var checkpointInterval = 10.0

  package struct Outcome: Sendable {
    /// The network after all epochs.
    package let network: DeepNetwork<Float>
    /// The course of the training. Its "test" numbers are of the validation data.
    package let record: TrainingRecord
  }

  package init(
    directory: RunDirectory, name: String, architecture: Architecture,
    training: DeepTrainingConfiguration
  ) {
    self.directory = directory
    self.name = name
    self.architecture = architecture
    self.training = training
  }

  private var networkPath: String { directory.path("networks/\(name).safetensors") }
  private var recordName: String { "networks/\(name).json" }

  private struct Configuration: Codable {
    let data: DatasetRequest
    let training: DeepTrainingConfiguration
  }
  private var checkpointPath: String { directory.path("checkpoints/\(name).safetensors") }

  /// The finished network, trained where it is not there yet.
  ///
  /// - Parameters:
  ///   - validation: evaluated after every epoch.
  ///   - report: called after every epoch with the share of epochs done, and what the last one did.
  /// - Throws: `ExperimentError.failed` when the training diverged, `.usage` for all else.
  package func run(
    train: Dataset, validation: Dataset?, report: (Double, EpochRecord) -> Void = { _, _ in }
  ) throws(ExperimentError) -> Outcome {
    if let finished = try finished() { return finished }
    for folder in ["networks", "checkpoints"] { _ = try directory.folder(folder) }
    if trialsPerEpoch > 0 { _ = try directory.folder(levels.folder) }
    if let data {
      try directory.write(
        StoredConfiguration(
          kind: .deepTraining, inputs: [],
          configuration: Configuration(data: data, training: training)),
        to: "networks/\(name).config.json")
    }
    do {
      return try trained(train, validation, report)
    } catch { throw ExperimentError(error) }
  }

  /// The network of an earlier call, where it was finished. One whose files were damaged counts as not
  /// finished, with a warning.
  package func finished() throws(ExperimentError) -> Outcome? {
    // Written behind the network.
    guard directory.exists(recordName) else { return nil }
    do throws(FormatError) {
      let record = try UserFile.json(
        directory.path(recordName), as: TrainingRecord.self, what: "the course of a training")
      guard record.epochs.count == training.epochs else { return nil }
      let network: DeepNetwork<Float> = try DeepModelFile.read(networkPath)
      guard network.architecture == architecture, network.parameters.allSatisfy({ $0.isFinite() })
      else { throw FormatError(path: networkPath, "is not the network of this run") }
      return Outcome(network: network, record: record)
    } catch {
      ProgressReporter.warn("\(error); \(name) is trained again")
      return nil
    }
  }

  /// The levels of validation accuracy that were reached, and their networks.
  package var levels: AccuracyLevels { AccuracyLevels(directory: directory, name: name) }

  /// The first network whose validation accuracy was at least `percent`; nil where a run with
  /// ``trialsPerEpoch`` has found none.
  package func firstNetwork(reaching percent: Int) throws(ExperimentError)
    -> AccuracyLevels.Reached?
  {
    try levels.first(reaching: percent)
  }

  private func trained(
    _ train: Dataset, _ validation: Dataset?, _ report: (Double, EpochRecord) -> Void
  ) throws -> Outcome {
    var trainer = try DeepTrainer<Float>(
      network: DeepNetwork(
        architecture: architecture, scale: initialScale,
        stream: RandomStream(seed: training.seed).child("initialisation")),
      inputs: train.inputs, labels: train.labels, configuration: training,
      heldOut: validation.map { ($0.inputs, $0.labels) })
    if FileManager.default.fileExists(atPath: checkpointPath) {
      do { try trainer.resume(from: DeepCheckpoint(path: checkpointPath)) } catch let error
        as TrainingError
      {
        throw ExperimentError.usage("\(checkpointPath): \(error)")
      }
    }
    var lastCheckpoint = Date()
    while !trainer.isFinished {
      let epoch = try trainEpoch(&trainer, validation)
      if trainer.isFinished || Date().timeIntervalSince(lastCheckpoint) >= checkpointInterval {
        try trainer.checkpoint().write(to: checkpointPath)
        lastCheckpoint = Date()
      }
      report(Double(epoch.epoch) / Double(training.epochs), epoch)
    }
    try DeepModelFile.write(trainer.network, to: networkPath, classes: train.classes)
    try directory.write(trainer.record, to: recordName)
    // It may be gone already; nobody reads it any more.
    unlink(checkpointPath)
    return Outcome(network: trainer.network, record: trainer.record)
  }

  /// One epoch, with trials on the validation data in between.
  private func trainEpoch(_ trainer: inout DeepTrainer<Float>, _ validation: Dataset?) throws
    -> EpochRecord
  {
    guard trialsPerEpoch > 0, let validation else { return try trainer.runEpoch() }
    let before = Double(trainer.record.epochs.count)
    var failure: (any Error)?
    let record = try trainer.runEpoch { done, all, network in
      // As even as whole steps allow, the last one at the end of the epoch.
      guard done * trialsPerEpoch / all > (done - 1) * trialsPerEpoch / all, failure == nil else {
        return
      }
      let accuracy = network.accuracy(validation.inputs, labels: validation.labels)
      do {
        try levels.offer(network, accuracy: accuracy, epoch: before + Double(done) / Double(all))
      } catch { failure = error }
    }
    if let failure { throw failure }
    return record
  }
}
