import LinearCore

/// A batch on its way through a perceptron: what the backward pass needs of the forward pass.
private struct PerceptronTrace<Scalar: LinearScalar> {
  let network: MultilayerPerceptron<Scalar>
  /// x_0 ... x_(L-1): (n, units).
  private(set) var layers: [Matrix<Scalar>]
  /// The derivatives of the activation in the hidden layers, in the shape of x_1 ... x_(L-1).
  private(set) var slopes: [Matrix<Scalar>] = []
  /// (n, outputCount).
  private(set) var logits: Matrix<Scalar>

  init(_ network: MultilayerPerceptron<Scalar>, _ inputs: Matrix<Scalar>) {
    precondition(
      inputs.columns == network.inputDimension, "inputs of another dimension than the network's")
    self.network = network
    layers = [inputs]
    for l in 0..<network.depth - 1 {
      var values = Self.affine(network, l, layers[l])
      slopes.append(network.activation.apply(to: &values))
      layers.append(values)
    }
    logits = Self.affine(network, network.depth - 1, layers[network.depth - 1])
  }

  private static func affine(
    _ network: MultilayerPerceptron<Scalar>, _ l: Int, _ inputs: Matrix<Scalar>
  ) -> Matrix<Scalar> {
    var values = Matrix.product(inputs, network.weights[l], transposeB: true)
    if let biases = network.biases { values.subtractFromRows(biases[l].map { -$0 }) }
    return values
  }

  /// Goes back from the derivatives with respect to the logits, layer by layer.
  ///
  /// - Parameter visit: gets the number of a layer, counted from 0, and the derivatives with respect to
  ///   its pre-activations, (n, units).
  /// - Returns: the derivatives with respect to the inputs, (n, inputDimension); nil unless asked for.
  func backward(
    _ cotangent: Matrix<Scalar>, needsInputGradient: Bool,
    visit: (Int, Matrix<Scalar>) -> Void = { _, _ in }
  ) -> Matrix<Scalar>? {
    var delta = cotangent
    for l in (0..<network.depth).reversed() {
      visit(l, delta)
      if l == 0 { break }
      delta = Matrix.product(delta, network.weights[l])
      multiply(&delta, by: slopes[l - 1])
    }
    return needsInputGradient ? Matrix.product(delta, network.weights[0]) : nil
  }
}

/// x_i <- x_i y_i.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func multiply<Scalar: LinearScalar>(_ x: inout Matrix<Scalar>, by y: Matrix<Scalar>) {
  let count = x.elements.count
  x.withMutablePointer { x in
    y.withPointer { y in
      nonisolated(unsafe) let (x, y) = (x, y)
      Parallel.forEachBlock(of: count, size: 1 << 16) { _, range in
        for i in range { x[i] *= y[i] }
      }
    }
  }
}

/// The gradient of the mean loss with respect to all parameters, in the network's shapes.
package struct PerceptronGradient<Scalar: LinearScalar>: Sendable {
  /// The sum of the losses of the batch.
  package let lossSum: Double
  /// How many samples were classified correctly.
  package let correct: Int
  /// dL/dW_1 ... dL/dW_L.
  package let weights: [Matrix<Scalar>]
  /// dL/db_1 ... dL/db_L; nil without biases.
  package let biases: [[Scalar]]?
}

extension MultilayerPerceptron {
  /// The gradient of the mean loss of a batch.
  ///
  /// - Parameters:
  ///   - inputs: (n, inputDimension), n >= 1.
  ///   - labels: the class of each row.
  package func parameterGradient(inputs: Matrix<Scalar>, labels: [Int], loss: Loss)
    -> PerceptronGradient<Scalar>
  {
    let trace = PerceptronTrace(self, inputs)
    var (lossSum, derivative) = loss.valueAndDerivative(trace.logits, labels: labels)
    let share = 1 / Scalar(labels.count)
    let count = derivative.elements.count
    derivative.withMutablePointer { Scalar.scale(count, share, $0) }
    var weightGradients = weights
    var biasGradients = biases
    _ = trace.backward(derivative, needsInputGradient: false) { l, delta in
      weightGradients[l] = Matrix.product(delta, transposeA: true, trace.layers[l])
      if biasGradients != nil {
        biasGradients![l] = delta.columnMeans().map { $0 * Scalar(delta.rows) }
      }
    }
    return PerceptronGradient(
      lossSum: lossSum, correct: correctPredictions(trace.logits, labels: labels),
      weights: weightGradients, biases: biasGradients)
  }
}

extension MultilayerPerceptron: Classifier {
  /// f of every row: (n, outputCount).
  package func logits(_ inputs: Matrix<Scalar>) -> Matrix<Scalar> {
    PerceptronTrace(self, inputs).logits
  }

  /// f of every row, and for every row the gradient with respect to x of sum_c cotangent_c f_c(x).
  package func logitsAndInputGradient(
    _ inputs: Matrix<Scalar>,
    cotangent: (_ logits: Matrix<Scalar>, _ rows: Range<Int>) -> Matrix<Scalar>
  ) -> (logits: Matrix<Scalar>, gradient: Matrix<Scalar>) {
    let trace = PerceptronTrace(self, inputs)
    let weights = cotangent(trace.logits, 0..<inputs.rows)
    precondition(
      weights.rows == inputs.rows && weights.columns == outputCount, "a cotangent a logit")
    return (trace.logits, trace.backward(weights, needsInputGradient: true)!)
  }

  /// A pass that goes forward once.
  package func inputGradientPass(capacity: Int) -> any InputGradientPass<Scalar> {
    TracedInputGradientPass(dimension: inputDimension) { batch in
      let trace = PerceptronTrace(self, batch)
      return (trace.logits, { trace.backward($0, needsInputGradient: true)! })
    }
  }

  /// f of every row in double precision, straight from the formula and by code of its own.
  package func referenceLogits(_ inputs: Matrix<Double>) -> Matrix<Double> {
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
