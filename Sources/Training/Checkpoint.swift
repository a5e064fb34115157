import Formats
import Foundation
import LinearCore
import Networks

/// The state of a training run between two epochs. As a file it is a model file with the optimiser's
/// running averages and the record beside the weights, so it can be attacked or inspected as it is.
public struct Checkpoint<Scalar: LinearScalar>: Sendable, Equatable {
  /// The network.
  public var network: PReLUNetwork<Scalar>
  /// The settings of the run.
  public var configuration: TrainingConfiguration
  /// The course so far.
  public var record: TrainingRecord
  /// Optimiser steps taken.
  public var stepCount: Int
  /// The optimiser's running averages by name.
  public var moments: [String: [Scalar]]

  /// A state.
  public init(
    network: PReLUNetwork<Scalar>, configuration: TrainingConfiguration, record: TrainingRecord,
    stepCount: Int, moments: [String: [Scalar]]
  ) {
    self.network = network
    self.configuration = configuration
    self.record = record
    self.stepCount = stepCount
    self.moments = moments
  }

  private struct State: Codable {
    let configuration: TrainingConfiguration
    let record: TrainingRecord
    let stepCount: Int
  }

  /// Writes the file, atomically.
  public func write(to path: String) throws(FormatError) {
    var file = ModelFile.contents(of: network)
    for (name, values) in moments { file.tensors["optimizer.\(name)"] = ModelFile.tensor(values) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let state = State(configuration: configuration, record: record, stepCount: stepCount)
    // Finite numbers, strings and arrays always encode.
    file.metadata["training"] = String(decoding: try! encoder.encode(state), as: UTF8.self)
    try file.write(to: path)
  }

  /// Reads a checkpoint.
  public init(path: String) throws(FormatError) {
    let file = try Safetensors(path: path)
    guard let text = file.metadata["training"],
      let state = try? JSONDecoder().decode(State.self, from: Data(text.utf8))
    else { throw FormatError(path: path, "not a checkpoint: its training state is missing") }
    network = try ModelFile.network(in: file, path: path)
    configuration = state.configuration
    record = state.record
    stepCount = state.stepCount
    moments = [:]
    let prefix = "optimizer."
    for name in file.tensors.keys where name.hasPrefix(prefix) {
      moments[String(name.dropFirst(prefix.count))] = try ModelFile.vector(file, name, path)
    }
  }
}
