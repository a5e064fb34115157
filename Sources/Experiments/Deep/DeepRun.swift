import Datasets
import DeepNetworks
import Formats
import Foundation
import LinearCore
import Networks
import Training

/// Trains one deep network of an experiment.
///
/// It leaves `networks/NAME.safetensors`, the trained network, and `networks/NAME.json`, the course of the
/// training; where these are, nothing is trained. Until then `checkpoints/NAME.safetensors` holds the state
/// after some epoch, from which a killed run goes on to the same bytes.
public struct DeepRun: Sendable {
  /// The directory of the experiment, whose configuration must fix the result.
  public let directory: RunDirectory
  /// What the files are called, different for every network of the experiment.
  public let name: String
  /// The layers.
  public let architecture: Architecture
  /// How they are trained. Its seed's child ("initialisation") draws the weights.
  public let training: DeepTrainingConfiguration
  /// What random initial weights are multiplied by; see `DeepNetwork.init(architecture:scale:stream:)`.
  public var initialScale = 1.0
  /// Whether the network after every epoch is kept as `networks/NAME-epochs/NUMBER.safetensors`, counted
  /// from 1: needed for ``firstNetwork(reaching:)``.
  public var keepsEpochs = false
  /// Seconds between checkpoints, which are written behind an epoch.
  public var checkpointInterval = 10.0

  /// A trained network.
  public struct Outcome: Sendable {
    /// The network after some epoch, or after all.
    public let network: DeepNetwork<Float>
    /// The course of the training up to there. Its "test" numbers are of the validation data.
    public let record: TrainingRecord
  }

  /// A run.
  public init(
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
  private var checkpointPath: String { directory.path("checkpoints/\(name).safetensors") }

  private func epochPath(_ epoch: Int) -> String {
    directory.path("networks/\(name)-epochs/\(epoch).safetensors")
  }

  /// The finished network, trained where it is not there yet.
  ///
  /// - Parameters:
  ///   - validation: evaluated after every epoch.
  ///   - report: called after every epoch with the share of epochs done, and what the last one did.
  /// - Throws: `ExperimentError.failed` when the training diverged, `.usage` for all else.
  public func run(
    train: Dataset, validation: Dataset?, report: (Double, EpochRecord) -> Void = { _, _ in }
  ) throws(ExperimentError) -> Outcome {
    if let finished = finished() { return finished }
    for folder in ["networks", "checkpoints"] { _ = try directory.folder(folder) }
    if keepsEpochs { _ = try directory.folder("networks/\(name)-epochs") }
    do {
      return try trained(train, validation, report)
    } catch { throw ExperimentError(error) }
  }

  /// The network of an earlier call, where it was finished.
  public func finished() -> Outcome? {
    guard let record = storedRecord(), record.epochs.count == training.epochs,
      let network: DeepNetwork<Float> = try? DeepModelFile.read(networkPath)
    else { return nil }
    return Outcome(network: network, record: record)
  }

  /// The network after the first epoch whose validation accuracy is at least `accuracy`; nil where none of a
  /// finished run with ``keepsEpochs`` is.
  public func firstNetwork(reaching accuracy: Double) throws(ExperimentError) -> Outcome? {
    guard let record = storedRecord(),
      let place = record.epochs.firstIndex(where: { ($0.testAccuracy ?? 0) >= accuracy })
    else { return nil }
    var part = TrainingRecord()
    part.epochs = Array(record.epochs[...place])
    do {
      return Outcome(network: try DeepModelFile.read(epochPath(place + 1)), record: part)
    } catch { throw ExperimentError(error) }
  }

  private func storedRecord() -> TrainingRecord? {
    guard let data = FileManager.default.contents(atPath: directory.path(recordName)) else {
      return nil
    }
    return try? JSONText.decoder.decode(TrainingRecord.self, from: data)
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
      try trainer.resume(from: DeepCheckpoint(path: checkpointPath))
    }
    var lastCheckpoint = Date()
    while !trainer.isFinished {
      let epoch = try trainer.runEpoch()
      if keepsEpochs { try DeepModelFile.write(trainer.network, to: epochPath(epoch.epoch)) }
      if trainer.isFinished || Date().timeIntervalSince(lastCheckpoint) >= checkpointInterval {
        try trainer.checkpoint().write(to: checkpointPath)
        lastCheckpoint = Date()
      }
      report(Double(epoch.epoch) / Double(training.epochs), epoch)
    }
    try DeepModelFile.write(trainer.network, to: networkPath)
    try directory.write(trainer.record, to: recordName)
    try? FileManager.default.removeItem(atPath: checkpointPath)
    return Outcome(network: trainer.network, record: trainer.record)
  }
}
