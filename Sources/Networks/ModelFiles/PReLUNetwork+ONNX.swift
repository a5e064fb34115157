import Formats
import LinearCore

extension PReLUNetwork where Scalar == Float {
  /// The network as a graph of standard ONNX operators: `input` (batch, inputDimension) to `logits`
  /// (batch, outputCount).
  ///
  /// The same form as our own forward pass, for the same reason: powers are taken of cosines
  /// z / ||w||, never of z or ||w|| alone, so weights of 1e-7 and p = 4.7 neither over- nor underflow.
  /// Where a division could be 0/0, both sides give the bias alone: a neuron with w = 0 is divided by 1,
  /// and x = center has the direction 0.
  package func onnxModel() -> ONNXModel {
    var model = ONNXModel(
      name: "polyrelu",
      documentation: "pReLU network f(x) = V h(x) + bias, "
        + (hasHiddenBias
          ? "h_j(x) = relu(<w_j, x - center> + b_j)^p / ||(w_j, b_j)||^(p-1)"
          : "h_j(x) = relu(<w_j, x - center>)^p / ||w_j||^(p-1)")
        + (normalizeInput ? " / ||x - center||^(p-1)" : "") + ", p = \(exponent)",
      input: .init(name: "input", width: inputDimension),
      output: .init(name: "logits", width: outputCount))
    model.metadata = ModelFile.contents(of: self).metadata
    var value = "input"
    if let center {
      model.constants["center"] = ModelFile.tensor(center)
      value = model.append("Sub", [value, "center"], to: "shifted")
    }
    // At p = 1 input normalisation divides by 1.
    let dividesByLength = normalizeInput && exponent != 1
    if dividesByLength { value = model.appendDirection(of: value).direction }
    value = model.appendPReLULayer(
      reading: value, weights: hiddenWeights, hasBias: hasHiddenBias, exponent: exponent)

    // The last operator, whichever it is, makes the logits.
    var last: [(operation: String, inputs: (String) -> [String], name: String)] = []
    model.constants["output_weights"] = ModelFile.tensor(outputWeights.transposed)
    last.append(("MatMul", { [$0, "output_weights"] }, "weighted_sum"))
    if dividesByLength { last.append(("Mul", { ["length", $0] }, "scaled_sum")) }
    if let outputBias {
      model.constants["output_bias"] = ModelFile.tensor(outputBias)
      last.append(("Add", { [$0, "output_bias"] }, "biased_sum"))
    }
    for (index, step) in last.enumerated() {
      let name = index == last.count - 1 ? "logits" : step.name
      value = model.append(step.operation, step.inputs(value), to: name)
    }
    return model
  }
}
