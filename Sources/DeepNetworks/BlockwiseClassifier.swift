import LinearCore
import Networks

/// A classifier that takes blocks of samples forward and back, each block on one thread.
package protocol BlockwiseClassifier<Scalar>: Classifier {
  /// A block of samples, (n, inputDimension), with its way back.
  func pass(_ block: Matrix<Scalar>) -> LayerPass<Scalar>
  /// The outputs of a block of samples, without a way back.
  func outputs(_ block: Matrix<Scalar>) -> Matrix<Scalar>
  /// What decides how many samples go through together.
  var blockDescription: BlockSize { get }
}

/// How many samples go through a network together.
package struct BlockSize: Sendable {
  /// Numbers of one sample before the first step and behind each.
  let valuesOfShapes: Int
  /// Numbers of one sample that are in memory together.
  let valuesOfSample: Int
  /// Weights of the network.
  let parameterCount: Int

  /// No more values than these are on their way at a time: 1 GiB in single precision.
  private static let largestBlock = 1 << 28

  package init(valuesOfShapes: Int, valuesOfSample: Int, parameterCount: Int) {
    self.valuesOfShapes = valuesOfShapes
    self.valuesOfSample = valuesOfSample
    self.parameterCount = parameterCount
  }

  /// Samples of `count` in a block: at most 32, or 128 where weights are many for what a sample takes of
  /// memory, so that they are seldom read and their gradients seldom added.
  ///
  /// Part of the definition of results: another number adds the gradients in another order.
  func size(of count: Int) -> Int {
    let blocks = Parallel.blockCount(
      of: count, size: parameterCount > 32 * valuesOfShapes ? 128 : 32)
    // Blocks of the same size keep threads equally busy.
    let even = max(1, Parallel.blockCount(of: count, size: max(1, blocks)))
    // Few samples at a time where they would not fit into memory.
    return max(1, min(even, Self.largestBlock / max(1, valuesOfSample)))
  }
}

extension BlockwiseClassifier {
  /// Calls `body` with every block of samples, its number and its rows, on several threads.
  func forEachBlock(
    of inputs: Matrix<Scalar>,
    _ body: (_ number: Int, _ range: Range<Int>, _ block: Matrix<Scalar>) -> Void
  ) {
    precondition(
      inputs.columns == inputDimension, "inputs of another dimension than the network's")
    Parallel.forEachBlock(of: inputs.rows, size: blockDescription.size(of: inputs.rows)) {
      body($0, $1, $1.count == inputs.rows ? inputs : inputs.rows(in: $1))
    }
  }

  /// ``Classifier/logits(_:)``, block by block.
  package func blockwiseLogits(_ inputs: Matrix<Scalar>) -> Matrix<Scalar> {
    var logits = Matrix<Scalar>(uninitializedRows: inputs.rows, columns: outputCount)
    let outputCount = outputCount
    logits.withMutablePointer { target in
      nonisolated(unsafe) let target = target
      forEachBlock(of: inputs) { _, range, block in
        outputs(block).withPointer {
          (target + range.lowerBound * outputCount).update(
            from: $0, count: range.count * outputCount)
        }
      }
    }
    return logits
  }

  /// ``Classifier/logitsAndInputGradient(_:cotangent:)``, block by block.
  package func blockwiseLogitsAndInputGradient(
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

  /// A pass that goes forward once.
  package var tracedInputGradientPass: any InputGradientPass<Scalar> {
    TracedInputGradientPass(dimension: inputDimension) { batch in
      let pass = pass(batch)
      return (pass.outputs, { pass.backward($0, .inputs).inputs! })
    }
  }
}
