import LinearCore

/// Samples that one piece of work evaluates.
let evaluationBlockSize = 128

extension PReLUNetwork: Classifier {
  /// f of every row: (n, outputCount).
  public func logits(_ inputs: Matrix<Scalar>) -> Matrix<Scalar> {
    logits(prepared: prepare(inputs))
  }

  /// f of prepared inputs: (n, outputCount).
  package func logits(prepared inputs: PreparedInputs<Scalar>) -> Matrix<Scalar> {
    var logits = Matrix<Scalar>(uninitializedRows: inputs.rows.rows, columns: outputCount)
    logits.withMutablePointer { target in
      nonisolated(unsafe) let target = target
      forEachBlock(of: inputs) { pass, range, rows, scales in
        pass.forward(
          range.count, rows, scales: scales, logits: target + range.lowerBound * outputCount)
      }
    }
    return logits
  }

  /// The hidden features, with input normalisation applied: (n, hiddenWidth).
  public func hiddenFeatures(_ inputs: Matrix<Scalar>) -> Matrix<Scalar> {
    let width = hiddenWidth
    var result = Matrix<Scalar>(uninitializedRows: inputs.rows, columns: width)
    result.withMutablePointer { target in
      nonisolated(unsafe) let target = target
      forEachBlock(of: prepare(inputs)) { pass, range, rows, scales in
        pass.forwardFeatures(range.count, rows)
        transposeFeatures(
          width, range.count, pass.features, scales: scales,
          into: target + range.lowerBound * width)
      }
    }
    return result
  }

  /// f of every row, and for every row the gradient with respect to x of sum_c cotangent_c f_c(x).
  ///
  /// `cotangent` gets the logits of a range of rows, (range.count, outputCount), and returns numbers of
  /// the same shape. It is called concurrently for different ranges.
  public func logitsAndInputGradient(
    _ inputs: Matrix<Scalar>,
    cotangent: (_ logits: Matrix<Scalar>, _ rows: Range<Int>) -> Matrix<Scalar>
  ) -> (logits: Matrix<Scalar>, gradient: Matrix<Scalar>) {
    let (outputs, dimension) = (outputCount, inputDimension)
    var logits = Matrix<Scalar>(uninitializedRows: inputs.rows, columns: outputs)
    var gradient = Matrix<Scalar>(uninitializedRows: inputs.rows, columns: dimension)
    logits.withMutablePointer { logitBase in
      gradient.withMutablePointer { gradientBase in
        nonisolated(unsafe) let logitBase = logitBase
        nonisolated(unsafe) let gradientBase = gradientBase
        forEachBlock(of: prepare(inputs)) { pass, range, rows, scales in
          var block = Matrix<Scalar>(uninitializedRows: range.count, columns: outputs)
          block.withMutablePointer {
            pass.forward(range.count, rows, scales: scales, logits: $0)
            (logitBase + range.lowerBound * outputs).update(from: $0, count: range.count * outputs)
          }
          let weights = cotangent(block, range)
          precondition(
            weights.rows == range.count && weights.columns == outputs, "a cotangent a logit")
          weights.withPointer {
            pass.backward(
              range.count, rows, weights: $0, gradient: gradientBase + range.lowerBound * dimension)
          }
        }
      }
    }
    return (logits, gradient)
  }

  /// Calls `body` for blocks of samples, concurrently, with a pass and the block's prepared inputs.
  func forEachBlock(
    of inputs: PreparedInputs<Scalar>,
    _ body: (
      _ pass: BlockPass<Scalar>, _ range: Range<Int>, _ rows: UnsafePointer<Scalar>,
      _ scales: UnsafePointer<Scalar>?
    ) -> Void
  ) {
    let norms = hiddenNorms()
    let capacity = min(evaluationBlockSize, inputs.rows.rows)
    inputs.rows.withPointer { rows in
      Parallel.forEachBlock(of: inputs.rows.rows, size: evaluationBlockSize) { _, range in
        let pass = BlockPass(self, norms: norms, capacity: capacity)
        let first = rows + range.lowerBound * hiddenWeights.columns
        if let scales = inputs.outputScales {
          scales.withUnsafeBufferPointer {
            body(pass, range, first, $0.baseAddress! + range.lowerBound)
          }
        } else {
          body(pass, range, first, nil)
        }
      }
    }
  }
}

/// result(i, j) <- scale_i features(j, i): (width, count) to (count, width).
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func transposeFeatures<Scalar: LinearScalar>(
  _ width: Int, _ count: Int, _ features: UnsafePointer<Scalar>, scales: UnsafePointer<Scalar>?,
  into result: UnsafeMutablePointer<Scalar>
) {
  for i in 0..<count {
    let scale = scales?[i] ?? 1
    for j in 0..<width { result[i * width + j] = scale * features[j * count + i] }
  }
}
