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
  public func logits(_ inputs: Matrix<Scalar>) -> Matrix<Scalar> {
    var logits = Matrix<Scalar>(uninitializedRows: inputs.rows, columns: outputCount)
    let outputs = outputCount
    logits.withMutablePointer { target in
      nonisolated(unsafe) let target = target
      forEachBlock(of: inputs) { _, range, block in
        pass(block).outputs.withPointer {
          (target + range.lowerBound * outputs).update(from: $0, count: range.count * outputs)
        }
      }
    }
    return logits
  }

  /// f of every row, and for every row the gradient with respect to x of sum_c cotangent_c f_c(x).
  public func logitsAndInputGradient(
    _ inputs: Matrix<Scalar>,
    cotangent: (_ logits: Matrix<Scalar>, _ rows: Range<Int>) -> Matrix<Scalar>
  ) -> (logits: Matrix<Scalar>, gradient: Matrix<Scalar>) {
    let (outputs, dimension) = (outputCount, inputDimension)
    var logits = Matrix<Scalar>(uninitializedRows: inputs.rows, columns: outputs)
    var gradient = Matrix<Scalar>(uninitializedRows: inputs.rows, columns: dimension)
    logits.withMutablePointer { logits in
      gradient.withMutablePointer { gradient in
        nonisolated(unsafe) let (logits, gradient) = (logits, gradient)
        forEachBlock(of: inputs) { _, range, block in
          let pass = pass(block)
          pass.outputs.withPointer {
            (logits + range.lowerBound * outputs).update(from: $0, count: range.count * outputs)
          }
          let weights = cotangent(pass.outputs, range)
          precondition(
            weights.rows == range.count && weights.columns == outputs, "a cotangent a logit")
          pass.backward(weights, .inputs).inputs!.withPointer {
            (gradient + range.lowerBound * dimension).update(
              from: $0, count: range.count * dimension)
          }
        }
      }
    }
    return (logits, gradient)
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
      of: labels.count, size: architecture.blockSize(of: labels.count))
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
    TracedInputGradientPass(dimension: inputDimension) { batch in
      let pass = pass(batch)
      return (pass.outputs, { pass.backward($0, .inputs).inputs! })
    }
  }

  /// f of every row, computed in double precision.
  public func referenceLogits(_ inputs: Matrix<Double>) -> Matrix<Double> {
    converted(to: Double.self).logits(inputs)
  }

  /// The same weights in double precision.
  public var inDoublePrecision: (any Classifier<Double>)? { converted(to: Double.self) }

  /// A block of samples through all layers.
  fileprivate func pass(_ inputs: Matrix<Scalar>, _ mode: PassMode = .evaluation)
    -> LayerPass<Scalar>
  {
    architecture.layers.forward(
      inputs, shape: architecture.inputShape, parameters: parameters, mode: mode)
  }

  private func forEachBlock(
    of inputs: Matrix<Scalar>,
    _ body: (_ number: Int, _ range: Range<Int>, _ block: Matrix<Scalar>) -> Void
  ) {
    precondition(
      inputs.columns == inputDimension, "inputs of another dimension than the network's")
    Parallel.forEachBlock(of: inputs.rows, size: architecture.blockSize(of: inputs.rows)) {
      body($0, $1, $1.count == inputs.rows ? inputs : inputs.rows(in: $1))
    }
  }
}

extension Architecture {
  /// No more values than these are on their way at a time: 1 GiB in single precision.
  private static let largestBlock = 1 << 28

  /// Samples that go through together, of `count`: at most 32, or 128 where weights are many for what a
  /// sample takes of memory, so that they are seldom read and their gradients seldom added.
  ///
  /// Part of the definition of results: another number adds the gradients in another order.
  fileprivate func blockSize(of count: Int) -> Int {
    let values = shapes.reduce(0) { $0 + $1.count }
    let blocks = Parallel.blockCount(of: count, size: parameterCount > 32 * values ? 128 : 32)
    // Blocks of the same size keep threads equally busy.
    let even = max(1, Parallel.blockCount(of: count, size: max(1, blocks)))
    // Few samples at a time where they would not fit into memory.
    return max(1, min(even, Self.largestBlock / max(1, valuesOfSample)))
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
