import ArgumentParser
import Experiments
import Figures
import Formats
import LinearCore
import Networks
import Runs
import Studies

struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model",
    abstract: "Describe and convert model files.",
    discussion: """
        polyrelu model info runs/digits
        polyrelu model convert runs/digits digits.onnx
      """,
    subcommands: [ModelInfoCommand.self, ModelConvertCommand.self])
}

/// `polyrelu model info`.
struct ModelInfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Describe a model file: degree, shape, options.",
    discussion: """
      A PyTorch state dict does not say everything. Give --p, and --normalize-input or \
      --no-normalize-input. It holds prelulayer.W, output_net.weight and perhaps prelulayer.bias, output_net.bias \
      and center, as safetensors, npz or pt. The names may stand behind one prefix, such as "module.". A .pt file \
      may be a checkpoint that holds the state dict beside other things, which are not read.

      Of a state dict of plain layers, and of an ONNX file, it says what was understood: every step, and what \
      was left out behind the logits.

        polyrelu model info runs/digits
        polyrelu model info net.safetensors --p 3 --normalize-input --json
        polyrelu model info net.onnx
        polyrelu model info mlp.pt --activation relu
      """)

  @Argument(help: "A run directory or a model file (safetensors, npz, pt, onnx).")
  var model: String

  @OptionGroup var details: ModelDetails
  @OptionGroup var format: FormatOptions

  private struct Description: Encodable {
    let path: String
    let p: Double
    let inputDimension: Int
    let hiddenWidth: Int
    let outputCount: Int
    let parameters: Int
    let normalizeInput: Bool
    let hiddenBias: Bool
    let bias: Bool
    let center: Bool
    /// Absent where the file does not say them.
    let classes: [ClassLabel]?
  }

  func run() throws {
    let loaded = try details.load(model, name: model)
    if let deep = loaded.network.deep {
      try DeepNetworkReport(deep, classes: loaded.classes).write(json: format.json)
    } else if let graph = loaded.network.graph {
      try GraphReport(graph, path: model, classes: loaded.classes).write(json: format.json)
    } else if let network = loaded.network.shallow {
      try describe(network, loaded)
    } else if let network = loaded.network.extreme {
      try describe(network, loaded)
    }
  }

  private func describe<Scalar: LinearScalar>(
    _ network: PReLUNetwork<Scalar>, _ loaded: LoadedModel
  ) throws {
    let bias = network.outputBias
    let description = Description(
      path: try TrainingRun.modelPath(model), p: network.exponent,
      inputDimension: network.inputDimension, hiddenWidth: network.hiddenWidth,
      outputCount: network.outputCount,
      parameters: network.hiddenWeights.elements.count + network.outputWeights.elements.count
        + (bias?.count ?? 0),
      normalizeInput: network.normalizeInput, hiddenBias: network.hasHiddenBias,
      bias: bias != nil, center: network.center != nil,
      classes: loaded.classes)
    if format.json { return try Output.write(json: description) }
    var table = TerminalTable(header: ["model", ""])
    table.append(["file", description.path])
    table.append(["p", Format.significant(description.p)])
    table.append(["inputs", "\(description.inputDimension)"])
    table.append(["hidden neurons", "\(description.hiddenWidth)"])
    table.append(["outputs", "\(description.outputCount)"])
    table.append(["parameters", "\(description.parameters)"])
    table.append(["input normalised", description.normalizeInput ? "yes" : "no"])
    table.append(["hidden bias", description.hiddenBias ? "yes" : "no"])
    table.append(["output bias", description.bias ? "yes" : "no"])
    table.append(["center subtracted", description.center ? "yes" : "no"])
    table.append(["classes", Format.classes(loaded)])
    try Output.write(table.text)
  }
}
