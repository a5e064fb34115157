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
  public func onnxModel() -> ONNXModel {
    var model = ONNXModel(
      name: "polyrelu",
      documentation: "pReLU network f(x) = V h(x) + bias, "
        + "h_j(x) = relu(<w_j, x - center>)^p / ||w_j||^(p-1)"
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
    if dividesByLength { value = model.appendDirection(of: value) }
    value = appendHiddenLayer(to: &model, reading: value)

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

  /// h = r (r / ||w||)^(p-1) with r = relu(W x): (batch, hiddenWidth).
  private func appendHiddenLayer(to model: inout ONNXModel, reading input: String) -> String {
    var weights = hiddenWeights
    var norms = weights.rowNorms()
    // As in our forward pass, a neuron of denormal norm is silent.
    for j in norms.indices where norms[j] < Float.leastNormalMagnitude {
      weights.setRow(j, [Float](repeating: 0, count: inputDimension))
      norms[j] = 1
    }
    model.constants["hidden_weights"] = ModelFile.tensor(weights.transposed)
    let sums = model.append("MatMul", [input, "hidden_weights"], to: "preactivation")
    let positive = model.append("Relu", [sums], to: "positive_part")
    if exponent == 1 { return positive }
    model.constants["neuron_norms"] = ModelFile.tensor(norms)
    var slope = model.append("Div", [positive, "neuron_norms"], to: "cosine")
    if exponent != 2 {
      model.constants["power"] = Tensor(shape: [], elements: .float32([Float(exponent - 1)]))
      slope = model.append("Pow", [slope, "power"], to: "slope")
    }
    return model.append("Mul", [positive, slope], to: "features")
  }
}

extension ONNXModel {
  /// x / ||x||, or 0 for x = 0, and ||x|| as the value `length`: (batch, 1).
  ///
  /// Divided by the largest coordinate first, squares neither over- nor underflow; then ||x|| >= 1 unless
  /// x = 0, and any positive number below 1 guards the second division.
  fileprivate mutating func appendDirection(of input: String) -> String {
    constants["tiny"] = Tensor(shape: [], elements: .float32([Float.leastNormalMagnitude]))
    constants["half"] = Tensor(shape: [], elements: .float32([0.5]))
    func appendReduction(_ operation: String, _ input: String, to output: String) {
      append(
        operation, [input], to: output, integers: ["keepdims": 1], integerLists: ["axes": [1]])
    }
    append("Abs", [input], to: "magnitudes")
    appendReduction("ReduceMax", "magnitudes", to: "largest")
    append("Max", ["largest", "tiny"], to: "divisor")
    append("Div", [input, "divisor"], to: "scaled")
    appendReduction("ReduceL2", "scaled", to: "scaled_length")
    append("Mul", ["divisor", "scaled_length"], to: "length")
    append("Max", ["scaled_length", "half"], to: "safe_length")
    return append("Div", ["scaled", "safe_length"], to: "direction")
  }
}
