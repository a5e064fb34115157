import LinearCore
import Networks

/// A fully connected network of any depth,
///
///     x_0 = x,   x_l = activation(W_l x_(l-1) + b_l),   f(x) = W_L x_(L-1) + b_L:
///
/// what a pReLU network is compared with. Two layers with tanh, with ReLU or with a power of ReLU that is
/// not divided by ||w||^(p-1), and deeper ones. One output means two classes: class 1 is predicted where
/// f > 0. Several outputs are logits.
package struct MultilayerPerceptron<Scalar: LinearScalar>: Sendable, Equatable {
  /// The activation of all hidden layers.
  package let activation: HiddenActivation
  /// The layers of f: W_1, b_1, the activation, W_2, ... Tensors may be changed, shapes stay.
  package var network: DeepNetwork<Scalar>
  /// Whether there are b_1 ... b_L.
  package let hasBiases: Bool

  /// W_1 ... W_L: (units of the layer, units of the layer before).
  package var weights: [Matrix<Scalar>] {
    stride(from: 0, to: network.parameters.count, by: hasBiases ? 2 : 1).map {
      network.parameters[$0]
    }
  }
  /// b_1 ... b_L, as many numbers as the layer has units; nil for a network without.
  package var biases: [[Scalar]]? {
    guard hasBiases else { return nil }
    return stride(from: 1, to: network.parameters.count, by: 2).map {
      network.parameters[$0].elements
    }
  }
  /// The number of layers of weights, L.
  package var depth: Int { network.parameters.count / (hasBiases ? 2 : 1) }

  /// A network from its weights.
  /// - Throws: ``NetworkError`` when shapes do not fit together, a power is below 1, or a number is not
  ///   finite.
  package init(activation: HiddenActivation, weights: [Matrix<Scalar>], biases: [[Scalar]]? = nil)
    throws(NetworkError)
  {
    if let p = activation.exponent, !Degree.allowed.contains(p) {
      throw NetworkError("p is \(p); a power of ReLU needs a finite p >= 1")
    }
    guard weights.count >= 2, weights.allSatisfy({ $0.rows > 0 && $0.columns > 0 }) else {
      throw NetworkError("a perceptron needs at least two layers, each with inputs and units")
    }
    for (number, (before, after)) in zip(weights, weights.dropFirst()).enumerated()
    where before.rows != after.columns {
      throw NetworkError(
        "layer \(number + 2) reads \(after.columns) units, layer \(number + 1) has \(before.rows)")
    }
    if let biases, biases.map(\.count) != weights.map(\.rows) {
      throw NetworkError("a perceptron with biases needs one for each unit of every layer")
    }
    guard weights.allSatisfy({ $0.isFinite() }),
      (biases ?? []).allSatisfy({ $0.allSatisfy(\.isFinite) })
    else { throw NetworkError("a weight is NaN or infinite") }
    self.activation = activation
    hasBiases = biases != nil
    let layers: [any Layer] = weights.enumerated().flatMap { l, matrix -> [any Layer] in
      let dense = LinearHead(outputs: matrix.rows, hasBias: biases != nil)
      return l < weights.count - 1 ? [dense, ActivationLayer(activation: activation)] : [dense]
    }
    network = try DeepNetwork(
      architecture: Architecture(
        inputShape: FeatureShape(vector: weights[0].columns), layers: layers),
      parameters: weights.enumerated().flatMap { l, matrix in
        [matrix] + (biases.map { [Matrix(rows: 1, columns: matrix.rows, elements: $0[l])] } ?? [])
      })
  }

  /// A network with random weights: uniform in +-1/sqrt(units of the layer before), biases as well,
  /// which is the default of PyTorch's `Linear`; times `scale`.
  ///
  /// - Parameters:
  ///   - widths: input coordinates, units of the hidden layers, outputs.
  ///   - stream: layer l is drawn from its children ("weights", l) and ("biases", l).
  package init(
    activation: HiddenActivation, widths: [Int], bias: Bool, scale: Double = 1, stream: RandomStream
  ) throws(NetworkError) {
    guard widths.count >= 3, widths.allSatisfy({ $0 > 0 }) else {
      throw NetworkError("a perceptron needs inputs, at least one hidden layer and outputs")
    }
    var weights: [Matrix<Scalar>] = []
    var biases: [[Scalar]] = []
    for (number, (inputs, units)) in zip(widths, widths.dropFirst()).enumerated() {
      let bound = scale / Double(inputs).squareRoot()
      weights.append(
        .uniform(
          rows: units, columns: inputs, bound: bound, stream: stream.child("weights", number + 1)))
      biases.append(
        Matrix.uniform(
          rows: 1, columns: units, bound: bound, stream: stream.child("biases", number + 1)
        ).elements)
    }
    try self.init(activation: activation, weights: weights, biases: bias ? biases : nil)
  }

  /// The same network with another scalar type.
  /// - Precondition: the weights are finite in that type.
  package func converted<Other: LinearScalar>(to _: Other.Type) -> MultilayerPerceptron<Other> {
    do throws(NetworkError) {
      return try MultilayerPerceptron<Other>(
        activation: activation, weights: weights.map { $0.converted() },
        biases: biases?.map { $0.map { Other($0) } })
    } catch {
      preconditionFailure("weights beyond the range of \(Other.self): \(error)")
    }
  }

  /// The pReLU network that is the same function: for two layers of a power of ReLU without biases of
  /// the hidden layer, with the output weights v_j ||w_j||^(p-1). Otherwise nil.
  package var asPReLUNetwork: PReLUNetwork<Scalar>? {
    let (weights, biases) = (weights, biases)
    guard depth == 2, let exponent = activation.exponent,
      biases?[0].allSatisfy({ $0 == 0 }) ?? true
    else { return nil }
    let norms = weights[0].rowNorms()
    var outputs = weights[1]
    for c in 0..<outputs.rows {
      for j in 0..<outputs.columns { outputs[c, j] *= Scalar.power(norms[j], Scalar(exponent - 1)) }
    }
    return try? PReLUNetwork(
      exponent: exponent, hiddenWeights: weights[0], outputWeights: outputs,
      outputBias: biases?[1])
  }
}

extension MultilayerPerceptron: Classifier {
  /// The number of input coordinates.
  package var inputDimension: Int { network.inputDimension }
  /// The number of outputs: 1 for two classes, otherwise one logit a class.
  package var outputCount: Int { network.outputCount }

  /// f of every row: (n, outputCount).
  package func logits(_ inputs: Matrix<Scalar>) -> Matrix<Scalar> { network.logits(inputs) }

  /// f of every row, and for every row the gradient with respect to x of sum_c cotangent_c f_c(x).
  package func logitsAndInputGradient(
    _ inputs: Matrix<Scalar>,
    cotangent: (_ logits: Matrix<Scalar>, _ rows: Range<Int>) -> Matrix<Scalar>
  ) -> (logits: Matrix<Scalar>, gradient: Matrix<Scalar>) {
    network.logitsAndInputGradient(inputs, cotangent: cotangent)
  }

  /// A pass that goes forward once.
  package func inputGradientPass(capacity: Int) -> any InputGradientPass<Scalar> {
    network.inputGradientPass(capacity: capacity)
  }

  /// f of every row in double precision, straight from the formula and by code of its own.
  package func referenceLogits(_ inputs: Matrix<Double>) -> Matrix<Double> {
    let (weights, biases) = (weights, biases)
    var values = inputs
    for l in 0..<depth {
      values = Matrix.product(values, weights[l].converted(to: Double.self), transposeB: true)
      for i in 0..<values.rows {
        for j in 0..<values.columns {
          let z = values[i, j] + (biases.map { Double($0[l][j]) } ?? 0)
          values[i, j] = l < depth - 1 ? activation.value(z) : z
        }
      }
    }
    return values
  }

  /// The same weights in double precision.
  package var inDoublePrecision: (any Classifier<Double>)? { converted(to: Double.self) }
}
