import ArgumentParser
import Experiments
import Networks
import Runs
import Studies

/// `polyrelu model convert`.
struct ModelConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Write a model in another format: safetensors, npz or ONNX.",
    discussion: """
      The extension of the output says the format. A deep network becomes safetensors or ONNX.

      Weights are written in single precision. Where that does not hold them, safetensors and npz have \
      double precision. Of a .pt file only tensors of plain numbers are read, and no code in it is ever \
      run. An ONNX file maps input (batch, inputs) to logits (batch, outputs) with standard operators of \
      opset 17, and can be read again.

        polyrelu model convert runs/digits digits.onnx
        polyrelu model convert net.pt net.safetensors --p 3 --normalize-input
      """)

  @Argument(help: "A run directory or a model file (safetensors, npz, pt, onnx).")
  var input: String

  @Argument(help: "The file to write (.safetensors, .npz, .onnx).")
  var output: String

  @OptionGroup var details: ModelDetails

  func run() throws {
    if output.isEmpty {
      throw ExperimentError.usage("OUT is empty, expected the name of the file to write")
    }
    // A name that cannot be written is cheaper to refuse before reading.
    _ = try ModelFile.WritableFormat(path: output)
    let loaded = try details.load(input, name: input)
    try loaded.network.write(to: output, classes: loaded.classes)
  }
}
