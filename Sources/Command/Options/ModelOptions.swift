import ArgumentParser
import Datasets
import Experiments
import Foundation
import Networks

/// A trained network.
struct ModelOptions: ParsableArguments {
  @Option(help: "A run directory or a model file (safetensors, npz, pt).")
  var model: String

  @OptionGroup var details: ModelDetails

  /// Reads the network.
  func load() throws -> StoredModel { try details.load(model) }

  /// Reads a network of one hidden layer.
  ///
  /// - Parameter purpose: what is done with those only, for the refusal of others.
  func loadShallow(for purpose: String) throws -> StoredModel {
    let stored = try load()
    if case .deep = stored {
      throw ExperimentError.usage(
        "--model \(model): is a deep network; \(purpose) is for networks of one hidden layer")
    }
    return stored
  }

  /// The settings of the run, where the model is a run directory.
  func runConfiguration() -> TrainingRunConfiguration? {
    let url = URL(fileURLWithPath: model).appendingPathComponent("config.json")
    guard let data = try? Data(contentsOf: url) else { return nil }
    return try? JSONDecoder().decode(TrainingRunConfiguration.self, from: data)
  }

  /// Makes sure that a network and data fit together.
  func check(_ network: StoredModel, fits data: Dataset) throws(ExperimentError) {
    guard data.dimension == network.inputDimension else {
      throw .usage(
        "--data \(data.name): samples have \(data.dimension) coordinates, expected "
          + "\(network.inputDimension) as --model \(model) takes")
    }
    guard data.classCount <= network.classCount else {
      throw .usage(
        "--data \(data.name): has \(data.classCount) classes, expected at most "
          + "\(network.classCount) as --model \(model) tells apart; see --labels")
    }
  }
}

/// What a model file may leave open.
struct ModelDetails: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "The degree, for a file that does not say it (a PyTorch state dict).",
    transform: ArgumentText.degree)
  var p: Double?

  @Flag(
    inversion: .prefixedNo,
    help: "Whether features are divided by ||x||^(p-1), for a file that does not say it.")
  var normalizeInput: Bool?

  /// Reads a network.
  func load(_ model: String) throws -> StoredModel {
    try StoredModel(
      path: TrainingRun.modelPath(model), exponent: p, normalizeInput: normalizeInput)
  }
}
