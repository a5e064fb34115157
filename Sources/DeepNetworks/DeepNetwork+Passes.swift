import LinearCore
import Networks

/// The gradient of the mean loss with respect to all trained tensors.
package struct DeepGradient<Scalar: LinearScalar>: Sendable {
  /// The sum of the losses of the batch.
  package let lossSum: Double
  /// How many samples were classified correctly.
  package let correct: Int
  /// In the order and shapes of the network's tensors.
  package let parameters: [Matrix<Scalar>]
}

extension DeepNetwork: Classifier {
  /// The number of input coordinates.
  public var inputDimension: Int { architecture.inputShape.count }
  /// The number of outputs: 1 for two classes, otherwise one logit a class.
  public var outputCount: Int { architecture.outputCount }

  /// f of every row: (n, outputCount).
  public func logits(_ inputs: Matrix<Scalar>) -> Matrix<Scalar> { blockwiseLogits(inputs) }

  /// f of every row, and for every row the gradient with respect to x of sum_c cotangent_c f_c(x).
  public func logitsAndInputGradient(
    _ inputs: Matrix<Scalar>,
    cotangent: (_ logits: Matrix<Scalar>, _ rows: Range<Int>) -> Matrix<Scalar>
  ) -> (logits: Matrix<Scalar>, gradient: Matrix<Scalar>) {
    blockwiseLogitsAndInputGradient(inputs, cotangent: cotangent)
  }

  /// The gradient of the mean loss of a batch.
  ///
  /// - Parameters:
  ///   - inputs: (n, inputDimension), n >= 1.
  ///   - labels: the class of each row.
  ///   - stream: what layers draw from in training; block b of the samples from its child ("block", b).
  ///     Nil for the gradient of the network as it is evaluated.
  package func parameterGradient(
    inputs: Matrix<Scalar>, labels: [Int], loss: Loss, stream: RandomStream? = nil
  ) -> DeepGradient<Scalar> {
    precondition(inputs.rows == labels.count && !labels.isEmpty, "one label a row")
    let blocks = Parallel.blockCount(
      of: labels.count, size: blockDescription.size(of: labels.count))
    let share = 1 / Scalar(labels.count)
    var parts = [DeepGradient<Scalar>?](repeating: nil, count: blocks)
    parts.withUnsafeMutableBufferPointer { parts in
      nonisolated(unsafe) let parts = parts
      forEachBlock(of: inputs) { number, range, block in
        let pass = pass(
          block, stream.map { .training($0.child("block", number)) } ?? .evaluation)
        let ownLabels = Array(labels[range])
        var (sum, derivative) = loss.valueAndDerivative(pass.outputs, labels: ownLabels)
        let count = derivative.elements.count
        derivative.withMutablePointer { Scalar.scale(count, share, $0) }
        parts[number] = DeepGradient(
          lossSum: sum, correct: correctPredictions(pass.outputs, labels: ownLabels),
          parameters: pass.backward(derivative, .parameters).parameters)
      }
    }
    // In the order of the blocks, whichever was ready first.
    var total = parts[0]!.parameters
    for part in parts.dropFirst() {
      for index in total.indices { add(part!.parameters[index], to: &total[index]) }
    }
    return DeepGradient(
      lossSum: parts.reduce(0) { $0 + $1!.lossSum },
      correct: parts.reduce(0) { $0 + $1!.correct }, parameters: total)
  }

  /// A pass that goes forward once.
  public func inputGradientPass(capacity: Int) -> any InputGradientPass<Scalar> {
    tracedInputGradientPass
  }

  /// f of every row, computed in double precision.
  public func referenceLogits(_ inputs: Matrix<Double>) -> Matrix<Double> {
    converted(to: Double.self).logits(inputs)
  }

  /// The same weights in double precision.
  public var inDoublePrecision: (any Classifier<Double>)? { converted(to: Double.self) }
}

extension DeepNetwork: BlockwiseClassifier {
  /// A block of samples through all layers, as in evaluation.
  package func pass(_ block: Matrix<Scalar>) -> LayerPass<Scalar> { pass(block, .evaluation) }

  /// The outputs of a block of samples.
  package func outputs(_ block: Matrix<Scalar>) -> Matrix<Scalar> { pass(block).outputs }

  /// Blocks by the shapes of samples and the number of weights.
  package var blockDescription: BlockSize {
    BlockSize(
      valuesOfShapes: architecture.shapes.reduce(0) { $0 + $1.count },
      valuesOfSample: architecture.valuesOfSample, parameterCount: architecture.parameterCount)
  }

  fileprivate func pass(_ inputs: Matrix<Scalar>, _ mode: PassMode) -> LayerPass<Scalar> {
    architecture.layers.forward(
      inputs, shape: architecture.inputShape, parameters: parameters, mode: mode)
  }
}

private func add<Scalar: LinearScalar>(_ x: Matrix<Scalar>, to sum: inout Matrix<Scalar>) {
  let count = x.elements.count
  sum.withMutablePointer { sum in
    x.withPointer { x in
      nonisolated(unsafe) let (x, sum) = (x, sum)
      Parallel.forEachBlock(of: count, size: 1 << 16) { _, range in
        Scalar.add(range.count, 1, x + range.lowerBound, to: sum + range.lowerBound)
      }
    }
  }
}
