import ArgumentParser
import Datasets
import Experiments
import Formats
import Foundation
import Graphs
import Networks
import Runs
import Studies

struct ModelOptions: ParsableArguments {
  @Option(help: "A run directory or a model file (safetensors, npz, pt, onnx).")
  var model: String

  @OptionGroup var details: ModelDetails

  func load() throws -> LoadedModel { try details.load(model, name: "--model \(model)") }

  /// Reads a network of one hidden layer.
  ///
  /// - Parameter purpose: what is done with those only, for the refusal of others.
  func loadShallow(for purpose: String) throws -> LoadedModel {
    let loaded = try load()
    let kind =
      loaded.network.deep != nil
      ? "a deep network" : loaded.network.graph != nil ? "an imported network of layers" : nil
    if let kind {
      throw ExperimentError.usage(
        "--model \(model): is \(kind); \(purpose) is for networks of one hidden layer")
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

  @Option(
    help: "What stands between the layers of a PyTorch state dict: relu, tanh or prelu:P.",
    transform: ArgumentText.activation)
  var activation: PlainActivation?

  @Option(
    help: ArgumentHelp(
      "The shape of one sample, for a state dict that starts with a convolution, such as 3,32,32.",
      valueName: "channels,rows,columns"),
    transform: ArgumentText.extents)
  var inputShape: Extents?

  /// Reads a network.
  ///
  /// - Parameter name: what errors call it.
  func load(_ model: String, name: String) throws -> LoadedModel {
    try LoadedModel(
      path: TrainingRun.modelPath(model), name: name, classes: classes?.labels, exponent: p,
      normalizeInput: normalizeInput,
      layers: PlainLayerOptions(activation: activation, inputShape: inputShape?.values))
  }
}

/// The value of `--classes`.
struct ClassArgument: Equatable {
  let labels: [ClassLabel]
}

/// The value of `--input-shape`.
struct Extents: Equatable {
  let values: [Int]
}

extension ArgumentText {
  /// What stands between layers.
  static func activation(_ text: String) throws -> PlainActivation {
    guard let activation = PlainActivation(text) else {
      throw Expected("expected \(PlainActivation.expectation)")
    }
    return activation
  }

  /// Positive integers, separated by commas.
  static func extents(_ text: String) throws -> Extents {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count <= 8, parts.allSatisfy({ (1...1 << 24).contains($0 ?? 0) }) else {
      throw Expected("expected positive integers separated by commas, such as 3,32,32")
    }
    return Extents(values: parts.compactMap { $0 })
  }

  /// Values of classes, separated by commas.
  static func classes(_ text: String) throws -> ClassArgument {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard parts.allSatisfy({ !$0.isEmpty }) else {
      throw Expected("expected integers or names separated by commas, such as 1,2,3")
    }
    return ClassArgument(labels: parts.map { ClassLabel(parsing: $0) })
  }
}
