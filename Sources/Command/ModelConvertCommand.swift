import ArgumentParser
import Experiments
import Networks

/// `polyrelu model convert`.
struct ModelConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Write a model in another format: safetensors, npz or ONNX.",
    discussion: """
      The extension of OUT says the format. Weights are written in single precision, or, but to ONNX, in \
      double where that does not hold them. Of a .pt file only tensors of plain numbers are read; no code \
      in it is ever run. An ONNX file maps input (batch, \
      inputs) to logits (batch, outputs) with standard operators of opset 17; it cannot be read back. A \
      deep network becomes safetensors or ONNX.

        polyrelu model convert runs/digits digits.onnx
        polyrelu model convert net.pt net.safetensors --p 3 --normalize-input
      """)

  @Argument(help: "A run directory or a model file (safetensors, npz, pt).")
  var input: String

  @Argument(help: "The file to write (.safetensors, .npz, .onnx).")
  var output: String

  @OptionGroup var details: ModelDetails

  func run() throws {
    // A name that cannot be written is cheaper to refuse before reading.
    _ = try ModelFile.WritableFormat(path: output)
    try details.load(input).write(to: output)
  }
}
