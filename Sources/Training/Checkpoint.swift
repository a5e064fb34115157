import Formats
import Foundation
import LinearCore
import Networks

/// The state of a training run between two epochs. As a file it is a model file with the optimiser's
/// running averages and the record beside the weights, so it can be attacked or inspected as it is.
package struct Checkpoint<Scalar: LinearScalar>: Sendable, Equatable {
  package var network: PReLUNetwork<Scalar>
  /// The settings of the run.
  package var configuration: TrainingConfiguration
  /// The course so far.
  package var record: TrainingRecord
  /// Optimiser steps taken.
  package var stepCount: Int
  /// The optimiser's running averages by name.
  package var moments: [String: [Scalar]]
  /// Which neurons of a thinned run wait, and how fast all of them move.
  var thinning: ThinningState<Scalar>?

  init(
    network: PReLUNetwork<Scalar>, configuration: TrainingConfiguration, record: TrainingRecord,
    stepCount: Int, moments: [String: [Scalar]], thinning: ThinningState<Scalar>? = nil
  ) {
    self.network = network
    self.configuration = configuration
    self.record = record
    self.stepCount = stepCount
    self.moments = moments
    self.thinning = thinning
  }

  private struct State: Codable {
    let configuration: TrainingConfiguration
    let record: TrainingRecord
    let stepCount: Int
    let waiting: WaitingNeurons<Scalar>.Schedule?
  }

  /// Writes the file, atomically.
  ///
  /// - Parameter classes: the values of the network's classes, where they are known.
  package func write(to path: String, classes: [ClassLabel]? = nil) throws(FormatError) {
    var file = ModelFile.contents(of: network, classes: classes)
    for (name, values) in moments { file.tensors["optimizer.\(name)"] = ModelFile.tensor(values) }
    let state = State(
      configuration: configuration, record: record, stepCount: stepCount,
      waiting: thinning?.waiting?.schedule)
    for (name, tensor) in thinning?.tensors ?? [:] { file.tensors["thinning.\(name)"] = tensor }
    file.metadata["training"] = CheckpointText.encode(state)
    try file.sealed().write(to: path)
  }

  package init(path: String) throws(FormatError) {
    let file = try Safetensors(path: path)
    try file.checkSeal(path: path)
    guard let text = file.metadata["training"],
      let state: State = CheckpointText.decode(text)
    else { throw FormatError(path: path, "not a checkpoint: its training state is missing") }
    network = try ModelFile.network(in: file, path: path)
    configuration = state.configuration
    record = state.record
    stepCount = state.stepCount
    thinning = try ThinningState(file, prefix: "thinning.", schedule: state.waiting, path: path)
    moments = [:]
    let prefix = "optimizer."
    for name in file.tensors.keys where name.hasPrefix(prefix) {
      moments[String(name.dropFirst(prefix.count))] = try ModelFile.vector(file, name, path)
    }
  }
}
