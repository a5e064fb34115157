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
  func load() throws -> PReLUNetwork<Float> { try details.load(model) }

  /// The settings of the run, where the model is a run directory.
  func runConfiguration() -> TrainingRunConfiguration? {
    let url = URL(fileURLWithPath: model).appendingPathComponent("config.json")
    guard let data = try? Data(contentsOf: url) else { return nil }
    return try? JSONDecoder().decode(TrainingRunConfiguration.self, from: data)
  }

  /// Makes sure that a network and data fit together.
  func check(_ network: PReLUNetwork<Float>, fits data: Dataset) throws(ExperimentError) {
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
  func load(_ model: String) throws -> PReLUNetwork<Float> {
    try ModelFile.read(
      TrainingRun.modelPath(model), exponent: p, normalizeInput: normalizeInput)
  }
}
