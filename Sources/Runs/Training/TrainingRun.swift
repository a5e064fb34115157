import Datasets
import Formats
import Foundation
import LinearCore
import Networks
import Training

/// What determines a training run: stored as `config.json`.
package struct TrainingRunConfiguration: Codable, Sendable, Equatable {
  package var data: DatasetRequest
  package var model: ModelConfiguration
  /// Loss, optimiser, epochs, batch size, seed.
  package var training: TrainingConfiguration

  package init(
    data: DatasetRequest, model: ModelConfiguration, training: TrainingConfiguration
  ) {
    self.data = data
    self.model = model
    self.training = training
  }
}

/// Trains in a run directory: metrics, checkpoints, resumption, progress.
package struct TrainingRun {
  package let directory: RunDirectory
  /// What is trained.
  package let configuration: TrainingRunConfiguration
  /// The title in progress lines.
  package var title: String
  /// Seconds between checkpoints.
  package var checkpointInterval = 10.0

  package static let modelName = "model.safetensors"
  static let checkpointName = "checkpoints/latest.safetensors"

  /// A run in a directory; see ``RunDirectory/init(_:configuration:resume:)``.
  package init(
    _ path: String, configuration: TrainingRunConfiguration, resume: Bool,
    title: String = "training"
  ) throws(ExperimentError) {
    // Nothing is written before the settings are known to be good.
    do { try configuration.training.validate() } catch { throw ExperimentError(error) }
    directory = try RunDirectory(
      path, kind: .training, configuration: configuration, inputs: nil, resume: resume)
    self.configuration = configuration
    self.title = title
  }

  /// The initial network for some data.
  package static func initialNetwork(_ configuration: TrainingRunConfiguration, data: Dataset)
    throws(ExperimentError) -> PReLUNetwork<Float>
  {
    try configuration.model.makeNetwork(
      data: data, loss: configuration.training.loss, seed: configuration.training.seed)
  }

  /// Checks everything that does not fit before anything is written: settings, network, data.
  package static func validate(
    _ configuration: TrainingRunConfiguration, data: Dataset, heldOut: Dataset?
  ) throws(ExperimentError) {
    do { try configuration.training.validate() } catch { throw ExperimentError(error) }
    try validate(loss: configuration.training.loss, data: data, heldOut: heldOut)
    try configuration.model.checkMemory(
      data: data, loss: configuration.training.loss, batchSize: configuration.training.batchSize)
    _ = try initialNetwork(configuration, data: data)
  }

  /// Checks that the data fit the loss and each other.
  package static func validate(
    loss: Loss, data: Dataset, heldOut: Dataset?
  ) throws(ExperimentError) {
    for part in [data, heldOut].compactMap({ $0 }) {
      if loss.isBinary && part.classCount != 2 {
        throw .usage(
          "\(SettingName("loss")) is \(loss.rawValue), which is for two classes; expected cross-entropy for the "
            + "\(part.classCount) classes of \(part.name)")
      }
      guard part.dimension == data.dimension else {
        throw .usage(
          "\(part.name): the held-out data are (\(part.count), \(part.dimension)), expected "
            + "\(data.dimension) coordinates")
      }
      do { _ = try part.numbered(by: data.classes, of: "the training data \(data.name)") } catch {
        throw ExperimentError(error)
      }
    }
  }

  /// Trains until all epochs are done, from the last checkpoint where there is one.
  ///
  /// - Parameters:
  ///   - data: the training data that the configuration names.
  ///   - heldOut: evaluated every epoch.
  ///   - heldOutRequest: how `heldOut` was asked for, where that is known.
  /// - Returns: the trained network and the course of the training.
  /// - Throws: ``ExperimentError/usage(_:)`` also where the data have changed since the run began.
  package func run(
    data: Dataset, heldOut: Dataset?, heldOutRequest: DatasetRequest? = nil,
    progress: ProgressReporter
  ) throws(ExperimentError) -> (network: PReLUNetwork<Float>, record: TrainingRecord) {
    var inputs = [RunInput(.training, data, request: configuration.data)]
    if let heldOut { inputs.append(RunInput(.heldOut, heldOut, request: heldOutRequest)) }
    try directory.bind(kind: .training, configuration: configuration, inputs: inputs)
    do {
      return try Interruption.withSafePoints { () throws in
        try train(data: data, heldOut: heldOut, progress: progress)
      }
    } catch {
      directory.abandonIfNothingWasDone()
      throw ExperimentError(error)
    }
  }

  private func train(data: Dataset, heldOut: Dataset?, progress: ProgressReporter) throws
    -> (network: PReLUNetwork<Float>, record: TrainingRecord)
  {
    let training = configuration.training
    let heldOut = try heldOut?.numbered(by: data.classes, of: "the training data \(data.name)")
    var trainer = try Trainer<Float>(
      network: Self.initialNetwork(configuration, data: data), inputs: data.inputs,
      labels: data.labels, configuration: training,
      heldOut: heldOut.map { ($0.inputs, $0.labels) })
    _ = try directory.folder("checkpoints")
    let checkpoint = directory.path(Self.checkpointName)
    let start = Date()
    if FileManager.default.fileExists(atPath: checkpoint) {
      let stored = try Checkpoint<Float>(path: checkpoint)
      do { try trainer.resume(from: stored) } catch {
        throw ExperimentError.usage("\(checkpoint): \(error)")
      }
      if trainer.isFinished, try isWritten(trainer.network) {
        return (trainer.network, trainer.record)
      }
    }
    try directory.write(
      RunEnvironment(seed: training.seed, dataChecksum: data.checksum), to: "environment.json")
    let first = trainer.record.epochs.count
    var lastCheckpoint = start
    while !trainer.isFinished {
      let epoch = try trainer.runEpoch()
      let done = Double(epoch.epoch - first) / Double(training.epochs - first)
      progress.update(describe(epoch), fraction: done, since: start)
      try Interruption.safePoint {
        try save(trainer, data.classes, to: checkpoint)
        return describe(epoch)
      }
      if Cancellation.isRequested {
        try save(trainer, data.classes, to: checkpoint)
        throw ExperimentError.failed("the training was cancelled after \(describe(epoch))")
      }
      if Date().timeIntervalSince(lastCheckpoint) >= checkpointInterval {
        try save(trainer, data.classes, to: checkpoint)
        lastCheckpoint = Date()
      }
    }
    progress.clear()
    try save(trainer, data.classes, to: checkpoint)
    try ModelFile.write(
      trainer.network, to: directory.path(Self.modelName), classes: data.classes)
    try directory.writeTiming(since: start)
    if let warning = trainer.record.stallWarning(
      loss: training.loss, outputCount: trainer.network.outputCount,
      exponent: trainer.network.exponent)
    {
      progress.warn(warning)
    }
    return (trainer.network, trainer.record)
  }

  /// Whether the model file of a finished run is there and holds this network. One that does not is written
  /// again, with a warning.
  private func isWritten(_ network: PReLUNetwork<Float>) throws -> Bool {
    let path = directory.path(Self.modelName)
    guard FileManager.default.fileExists(atPath: path) else { return false }
    do throws(FormatError) {
      let written: PReLUNetwork<Float> = try ModelFile.read(path)
      if written == network { return true }
      ProgressReporter.warn(
        "\(path): is not the network of this run; it is written again from the checkpoint")
    } catch {
      ProgressReporter.warn("\(error); it is written again from the checkpoint")
    }
    return false
  }

  private func describe(_ epoch: EpochRecord) -> String {
    let accuracy = String(format: "%.4f", epoch.testAccuracy ?? epoch.trainAccuracy)
    return "\(title): epoch \(epoch.epoch)/\(configuration.training.epochs), "
      + "loss \(String(format: "%.4g", epoch.loss)), accuracy \(accuracy)"
  }

  private func save(_ trainer: Trainer<Float>, _ classes: [ClassLabel], to checkpoint: String)
    throws
  {
    try trainer.checkpoint().write(to: checkpoint, classes: classes)
    var table = CSVTable()
    let epochs = trainer.record.epochs
    table.append("epoch", epochs.map(\.epoch))
    table.append("loss", epochs.map(\.loss))
    table.append("trainAccuracy", epochs.map(\.trainAccuracy))
    if epochs.contains(where: { $0.testAccuracy != nil }) {
      table.append("testLoss", epochs.map { $0.testLoss ?? .nan })
      table.append("testAccuracy", epochs.map { $0.testAccuracy ?? .nan })
    }
    try table.write(to: directory.path("metrics.csv"))
  }

  /// The model file that a MODEL argument means: a file itself, or that of a run directory.
  package static func modelPath(_ argument: String) throws(ExperimentError) -> String {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: argument, isDirectory: &isDirectory) else {
      throw .usage("\(SettingName("model")) \(argument): no such file or run directory")
    }
    if !isDirectory.boolValue { return argument }
    for name in [modelName, checkpointName] {
      let path = argument + (argument.hasSuffix("/") ? "" : "/") + name
      if FileManager.default.fileExists(atPath: path) { return path }
    }
    throw .usage(
      "\(SettingName("model")) \(argument): a run directory without \(modelName) or a checkpoint")
  }
}
