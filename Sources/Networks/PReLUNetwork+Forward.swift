import LinearCore

/// Samples that one piece of work evaluates.
let evaluationBlockSize = 128

extension PReLUNetwork: Classifier {
  /// f of every row: (n, outputCount).
  public func logits(_ inputs: Matrix<Scalar>) -> Matrix<Scalar> {
    logits(prepared: prepare(inputs))
  }

  /// f of prepared inputs: (n, outputCount).
  public func logits(prepared inputs: PreparedInputs<Scalar>) -> Matrix<Scalar> {
    evaluate(inputs) { _, _ in nil }.logits
  }

  /// The hidden features, with input normalisation applied: (n, hiddenWidth).
  public func hiddenFeatures(_ inputs: Matrix<Scalar>) -> Matrix<Scalar> {
    let prepared = prepare(inputs)
    let (width, scales) = (hiddenWidth, prepared.outputScales)
    var result = Matrix<Scalar>(uninitializedRows: inputs.rows, columns: width)
    let norms = hiddenWeights.rowNorms()
    result.withMutablePointer { target in
      nonisolated(unsafe) let target = target
      Parallel.forEachBlock(of: inputs.rows, size: evaluationBlockSize) { _, range in
        let tile = forwardTile(prepared.rows, range, norms: norms)
        for (column, sample) in range.enumerated() {
          let scale = scales?[sample] ?? 1
          for j in 0..<width {
            target[sample * width + j] = scale * tile.features[j, column]
          }
        }
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
    let result = evaluate(prepare(inputs), cotangent: cotangent)
    return (result.logits, result.gradient!)
  }

  /// z -> (features, slopes) of some samples against all neurons, each (hiddenWidth, range.count).
  func forwardTile(_ rows: Matrix<Scalar>, _ range: Range<Int>, norms: [Scalar])
    -> (features: Matrix<Scalar>, slopes: Matrix<Scalar>)
  {
    let (count, width, dimension) = (range.count, hiddenWidth, inputDimension)
    var features = Matrix<Scalar>(uninitializedRows: width, columns: count)
    var slopes = Matrix<Scalar>(uninitializedRows: width, columns: count)
    features.withMutablePointer { features in
      slopes.withMutablePointer { slopes in
        rows.withPointer { rows in
          hiddenWeights.withPointer { weights in
            Scalar.gemm(
              transposeA: false, transposeB: true, m: width, n: count, k: dimension, alpha: 1,
              a: weights, leadingA: dimension, b: rows + range.lowerBound * dimension,
              leadingB: dimension, beta: 0, c: features, leadingC: count)
          }
        }
        ActivationKernel(exponent: exponent).apply(
          neurons: width, samples: count, norms: norms, features: features, slopes: slopes)
      }
    }
    return (features, slopes)
  }

  /// The one loop over blocks of samples behind logits and input gradients.
  private func evaluate(
    _ inputs: PreparedInputs<Scalar>,
    cotangent: (Matrix<Scalar>, Range<Int>) -> Matrix<Scalar>?
  ) -> (logits: Matrix<Scalar>, gradient: Matrix<Scalar>?) {
    let (count, outputs, dimension) = (inputs.rows.rows, outputCount, inputDimension)
    let norms = hiddenWeights.rowNorms()
    var logits = Matrix<Scalar>(rows: count, columns: outputs)
    var gradient = Matrix<Scalar>(uninitializedRows: 0, columns: dimension)
    let wantsGradient = count > 0 && cotangent(Matrix(rows: 0, columns: outputs), 0..<0) != nil
    if wantsGradient || count == 0 {
      gradient = Matrix(uninitializedRows: count, columns: dimension)
    }
    logits.withMutablePointer { logitBase in
      gradient.withMutablePointer { gradientBase in
        nonisolated(unsafe) let logitBase = logitBase
        nonisolated(unsafe) let gradientBase = gradientBase
        Parallel.forEachBlock(of: count, size: evaluationBlockSize) { _, range in
          let tile = forwardTile(inputs.rows, range, norms: norms)
          let raw = Matrix.product(
            tile.features, transposeA: true, outputWeights, transposeB: true)
          var block = raw
          for i in 0..<range.count {
            let scale = inputs.outputScales?[range.lowerBound + i] ?? 1
            for c in 0..<outputs { block[i, c] = scale * raw[i, c] + (outputBias?[c] ?? 0) }
          }
          block.withPointer {
            (logitBase + range.lowerBound * outputs).update(from: $0, count: range.count * outputs)
          }
          if let weights = cotangent(block, range) {
            let part = inputGradient(
              slopes: tile.slopes, raw: raw, cotangent: weights,
              unitInputs: inputs.outputScales == nil ? nil : inputs.rows, range)
            part.withPointer {
              (gradientBase + range.lowerBound * dimension)
                .update(from: $0, count: range.count * dimension)
            }
          }
        }
      }
    }
    return (logits, wantsGradient || count == 0 ? gradient : nil)
  }

  /// sum_j p a_j (V^T g)_j w_j for each sample; with input normalisation
  /// d/dx ||x|| g(x/||x||) = grad g(u) - (p-1) g(u) u at u = x/||x||, because g is homogeneous of degree
  /// p in x.
  private func inputGradient(
    slopes: Matrix<Scalar>, raw: Matrix<Scalar>, cotangent: Matrix<Scalar>,
    unitInputs: Matrix<Scalar>?, _ range: Range<Int>
  ) -> Matrix<Scalar> {
    precondition(
      cotangent.rows == range.count && cotangent.columns == outputCount, "a cotangent a logit")
    var backward = Matrix.product(outputWeights, transposeA: true, cotangent, transposeB: true)
    let p = Scalar(exponent)
    backward.withMutablePointer { target in
      slopes.withPointer { slopes in
        for i in 0..<(hiddenWidth * range.count) { target[i] *= p * slopes[i] }
      }
    }
    var gradient = Matrix.product(backward, transposeA: true, hiddenWeights)
    if let unitInputs, exponent != 1 {
      for i in 0..<range.count {
        var value: Scalar = 0
        for c in 0..<outputCount { value += cotangent[i, c] * raw[i, c] }
        unitInputs.withPointer { unit in
          gradient.withMutablePointer {
            Scalar.add(
              inputDimension, (1 - p) * value,
              unit + (range.lowerBound + i) * inputDimension, to: $0 + i * inputDimension)
          }
        }
      }
    }
    return gradient
  }
}
