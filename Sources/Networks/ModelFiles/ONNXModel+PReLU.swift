import Formats
import LinearCore

/// The pReLU formula in standard operators, in the same form as our own forward pass: powers are taken of
/// cosines, never of a sum or a norm alone, so that they neither over- nor underflow.
///
/// A prefix tells layers of one graph apart: it stands before every name that is made.
extension ONNXModel {
  /// Fully connected features h = r (r / ||w||)^(p-1) with r = relu(W x): (batch, D) to (batch, width).
  ///
  /// - Parameters:
  ///   - weights: (width, D); with biases (width, D + 1).
  ///   - hasBias: whether the last column is added to the products, and belongs to w in ||w||.
  /// - Returns: the name of the features.
  package mutating func appendPReLULayer(
    reading input: String, weights: Matrix<Float>, hasBias: Bool = false, exponent: Double,
    prefix: String = ""
  ) -> String {
    let (weights, norms) = Self.silenced(weights)
    let name = prefix + "hidden_weights"
    var sums = prefix + "preactivation"
    if hasBias {
      let last = weights.columns - 1
      constants[name] = ModelFile.tensor(weights.columns(in: 0..<last).transposed)
      constants[prefix + "hidden_bias"] = ModelFile.tensor(weights.column(last))
      let products = append("MatMul", [input, name], to: prefix + "weighted_input")
      sums = append("Add", [products, prefix + "hidden_bias"], to: sums)
    } else {
      constants[name] = ModelFile.tensor(weights.transposed)
      sums = append("MatMul", [input, name], to: sums)
    }
    return appendPReLU(
      of: sums, norms: ModelFile.tensor(norms), exponent: exponent, prefix: prefix)
  }

  /// r (r / norms)^(p-1) with r = relu(sums).
  ///
  /// - Parameters:
  ///   - norms: positive numbers in a shape that broadcasts to that of the sums.
  ///   - inputNorms: the name of positive numbers by which cosines are divided as well.
  /// - Returns: the name of the features, in the shape of the sums.
  package mutating func appendPReLU(
    of sums: String, norms: Tensor, inputNorms: String? = nil, exponent: Double,
    prefix: String = ""
  ) -> String {
    let positive = append("Relu", [sums], to: prefix + "positive_part")
    if exponent == 1 { return positive }
    constants[prefix + "neuron_norms"] = norms
    var slope = append("Div", [positive, prefix + "neuron_norms"], to: prefix + "cosine")
    if let inputNorms {
      slope = append("Div", [slope, inputNorms], to: prefix + "input_cosine")
    }
    if exponent != 2 {
      constants[prefix + "power"] = Tensor(shape: [], elements: .float32([Float(exponent - 1)]))
      slope = append("Pow", [slope, prefix + "power"], to: prefix + "slope")
    }
    return append("Mul", [positive, slope], to: prefix + "features")
  }

  /// The rows of a matrix and their norms. As in our forward pass, a neuron of denormal norm is silent:
  /// its row becomes 0, and its norm 1.
  package static func silenced(_ weights: Matrix<Float>) -> (weights: Matrix<Float>, norms: [Float])
  {
    var (weights, norms) = (weights, weights.rowNorms())
    for j in norms.indices where norms[j] < Float.leastNormalMagnitude {
      weights.setRow(j, [Float](repeating: 0, count: weights.columns))
      norms[j] = 1
    }
    return (weights, norms)
  }

  /// x / d with d = max |x_k|, or 0 for x = 0, and d: (batch, D) and (batch, 1). Squares of the
  /// coordinates neither over- nor underflow then.
  package mutating func appendScaled(_ input: String, prefix: String = "") -> (
    scaled: String, divisor: String
  ) {
    constants["tiny"] = Tensor(shape: [], elements: .float32([Float.leastNormalMagnitude]))
    append("Abs", [input], to: prefix + "magnitudes")
    append(
      "ReduceMax", [prefix + "magnitudes"], to: prefix + "largest", integers: ["keepdims": 1],
      integerLists: ["axes": [1]])
    let divisor = append("Max", [prefix + "largest", "tiny"], to: prefix + "divisor")
    return (append("Div", [input, divisor], to: prefix + "scaled"), divisor)
  }

  /// x / ||x||, or 0 for x = 0, and ||x||: (batch, D) and (batch, 1).
  ///
  /// Divided by the largest coordinate first, ||x|| >= 1 unless x = 0, and any positive number below 1
  /// guards the second division.
  package mutating func appendDirection(of input: String, prefix: String = "") -> (
    direction: String, length: String
  ) {
    constants["half"] = Tensor(shape: [], elements: .float32([0.5]))
    let (scaled, divisor) = appendScaled(input, prefix: prefix)
    let scaledLength = append(
      "ReduceL2", [scaled], to: prefix + "scaled_length", integers: ["keepdims": 1],
      integerLists: ["axes": [1]])
    let length = append("Mul", [divisor, scaledLength], to: prefix + "length")
    let safe = append("Max", [scaledLength, "half"], to: prefix + "safe_length")
    return (append("Div", [scaled, safe], to: prefix + "direction"), length)
  }
}
