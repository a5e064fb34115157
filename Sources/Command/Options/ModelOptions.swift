import ArgumentParser
import Datasets
import Experiments
import Formats
import Foundation
import Networks
import Runs
import Studies

struct ModelOptions: ParsableArguments {
  @Option(help: "A run directory or a model file (safetensors, npz, pt).")
  var model: String

  @OptionGroup var details: ModelDetails

  func load() throws -> LoadedModel { try details.load(model, name: "--model \(model)") }

  /// Reads a network of one hidden layer.
  ///
  /// - Parameter purpose: what is done with those only, for the refusal of others.
  func loadShallow(for purpose: String) throws -> LoadedModel {
    let loaded = try load()
    if loaded.network.deep != nil {
      throw ExperimentError.usage(
        "--model \(model): is a deep network; \(purpose) is for networks of one hidden layer")
    }
    return loaded
  }

  /// What the network was trained on, where it lies in a run directory of any kind; nil for a bare file.
  func runDescription() throws(ExperimentError) -> RunDescription? {
    try RunDescription(model: model)
  }

  /// Warns where data are not what they were when the network was trained.
  func warn(of data: Dataset, _ request: DatasetRequest, _ run: RunDescription?) {
    guard let change = run?.change(of: data, request: request) else { return }
    ProgressReporter().warn(change)
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

  @Option(
    help: ArgumentHelp(
      "The values of the classes in the order of the outputs, for a file that does not say them: "
        + "integers or names, such as 1,2,3. (default: 0,1,2,...)", valueName: "values"),
    transform: ArgumentText.classes)
  var classes: ClassArgument?

  /// Reads a network.
  ///
  /// - Parameter name: what errors call it.
  func load(_ model: String, name: String) throws -> LoadedModel {
    try LoadedModel(
      path: TrainingRun.modelPath(model), name: name, classes: classes?.labels, exponent: p,
      normalizeInput: normalizeInput)
  }
}

/// The value of `--classes`.
struct ClassArgument: Equatable {
  let labels: [ClassLabel]
}

extension ArgumentText {
  /// Values of classes, separated by commas.
  static func classes(_ text: String) throws -> ClassArgument {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard parts.allSatisfy({ !$0.isEmpty }) else {
      throw Expected("expected integers or names separated by commas, such as 1,2,3")
    }
    return ClassArgument(labels: parts.map { ClassLabel(parsing: $0) })
  }
}
