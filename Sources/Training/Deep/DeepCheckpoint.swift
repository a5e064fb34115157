import DeepNetworks
import Formats
import Foundation
import LinearCore
import Networks

/// The state of the training of a deep network between two epochs. As a file it is a model file with the
/// optimiser's running averages and the record beside the weights, so it can be attacked as it is.
package struct DeepCheckpoint<Scalar: LinearScalar>: Sendable, Equatable {
  package let network: DeepNetwork<Scalar>
  /// The settings of the run.
  package let configuration: DeepTrainingConfiguration
  /// The course so far.
  package let record: TrainingRecord
  /// Optimiser steps taken.
  package let stepCount: Int
  /// The optimiser's running averages by name.
  package let moments: [String: [Scalar]]

  private struct State: Codable {
    let configuration: DeepTrainingConfiguration
    let record: TrainingRecord
    let stepCount: Int
  }

  private static var prefix: String { "optimizer." }

  init(
    network: DeepNetwork<Scalar>, configuration: DeepTrainingConfiguration,
    record: TrainingRecord, stepCount: Int, moments: [String: [Scalar]]
  ) {
    self.network = network
    self.configuration = configuration
    self.record = record
    self.stepCount = stepCount
    self.moments = moments
  }

  /// Writes the file, atomically.
  package func write(to path: String) throws(FormatError) {
    var file = DeepModelFile.contents(of: network)
    for (name, values) in moments {
      file.tensors[Self.prefix + name] = ModelFile.tensor(values)
    }
    let state = State(configuration: configuration, record: record, stepCount: stepCount)
    file.metadata["training"] = CheckpointText.encode(state)
    try file.sealed().write(to: path)
  }

  /// Reads a checkpoint.
  ///
  /// - Parameter catalog: the types of layers that the file may name.
  package init(path: String, catalog: LayerCatalog = .standard) throws(FormatError) {
    let file = try Safetensors(path: path)
    try file.checkSeal(path: path)
    guard let text = file.metadata["training"],
      let state: State = CheckpointText.decode(text)
    else { throw FormatError(path: path, "not a checkpoint: its training state is missing") }
    var moments: [String: [Scalar]] = [:]
    for name in file.tensors.keys where name.hasPrefix(Self.prefix) {
      moments[String(name.dropFirst(Self.prefix.count))] = try ModelFile.vector(file, name, path)
    }
    self.init(
      network: try DeepModelFile.network(in: file, path: path, catalog: catalog),
      configuration: state.configuration, record: state.record, stepCount: state.stepCount,
      moments: moments)
  }
}
