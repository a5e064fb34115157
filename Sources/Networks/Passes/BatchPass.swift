import LinearCore

/// Forward and backward pass of a batch, for training.
///
/// Neurons are cut into blocks of fixed size; every block runs through both passes on one thread while
/// its weights are in cache, and hands its gradient to the caller in factored form. Results do not
/// depend on the number of threads. Buffers are reused from batch to batch.
package final class BatchPass<Scalar: LinearScalar> {
  /// What a pass returns besides the hidden gradient.
  package struct Result: Sendable {
    /// The sum of the losses of the batch, before any update.
    package let lossSum: Double
    /// How many samples were classified correctly.
    package let correct: Int
    /// d(mean loss)/dV: (outputCount, hiddenWidth).
    package let outputGradient: Matrix<Scalar>
    /// d(mean loss)/d(bias): outputCount numbers.
    package let biasGradient: [Scalar]
    /// The logits of the batch, before any update: (n, outputCount).
    package let logits: Matrix<Scalar>
    /// The derivative of the mean loss with respect to the logits, times ||x_i|| with input
    /// normalisation: (outputCount, n).
    package let outputDerivative: Matrix<Scalar>
  }

  /// Neurons that one piece of work handles; part of the definition of the result.
  package let blockSize: Int

  private let width: Int
  private let capacity: Int
  private var features: [Scalar]
  private var slopes: [Scalar]
  private var norms: [Scalar]
  private var rowScales: [Scalar]

  /// Buffers for batches of at most `capacity` samples through networks of `hiddenWidth` neurons.
  package init(hiddenWidth: Int, capacity: Int, blockSize: Int = 250) {
    precondition(blockSize > 0)
    width = hiddenWidth
    self.blockSize = blockSize
    self.capacity = capacity
    features = [Scalar](repeating: 0, count: hiddenWidth * capacity)
    slopes = features
    norms = [Scalar](repeating: 0, count: hiddenWidth)
    rowScales = norms
  }

  /// The mean loss of a batch and its gradient.
  ///
  /// - Parameters:
  ///   - network: its hidden weights may be changed by `updateHidden`; nothing else changes.
  ///   - inputs: the batch, at most `capacity` samples.
  ///   - labels: the class of each sample.
  ///   - feedback: output weights (outputCount, hiddenWidth) that stand for V on the way back to the
  ///     hidden weights only; nil for V itself. Gradient flow has V at a scale of its own there.
  ///   - updateHidden: receives the gradient of the mean loss with respect to the hidden weights, block
  ///     by block, concurrently for different blocks.
  package func run(
    _ network: inout PReLUNetwork<Scalar>, inputs: PreparedInputs<Scalar>, labels: [Int],
    loss: Loss, feedback: Matrix<Scalar>? = nil,
    updateHidden: (HiddenGradient<Scalar>) -> Void
  ) -> Result {
    let samples = inputs.rows.rows
    precondition(samples <= capacity && network.hiddenWidth == width && samples == labels.count)
    let tile = Tile(
      network: network, feedback: feedback, samples: samples, inputs: inputs,
      kernel: .init(exponent: network.exponent), blockSize: blockSize)
    return network.hiddenWeights.withMutablePointer { weights in
      features.withUnsafeMutableBufferPointer { features in
        slopes.withUnsafeMutableBufferPointer { slopes in
          norms.withUnsafeMutableBufferPointer { norms in
            rowScales.withUnsafeMutableBufferPointer { rowScales in
              let buffers = Buffers(
                weights: weights, features: features.baseAddress!, slopes: slopes.baseAddress!,
                norms: norms.baseAddress!, rowScales: rowScales.baseAddress!)
              return tile.run(buffers, labels: labels, loss: loss, updateHidden: updateHidden)
            }
          }
        }
      }
    }
  }

  fileprivate struct Buffers: @unchecked Sendable {
    let weights: UnsafeMutablePointer<Scalar>
    /// (hiddenWidth, samples): pre-activations, then features, then gradient coefficients.
    let features: UnsafeMutablePointer<Scalar>
    let slopes: UnsafeMutablePointer<Scalar>
    let norms: UnsafeMutablePointer<Scalar>
    let rowScales: UnsafeMutablePointer<Scalar>
  }
}

/// One batch on its way through the network.
private struct Tile<Scalar: LinearScalar> {
  let width: Int
  let dimension: Int
  let outputs: Int
  let samples: Int
  let inputs: PreparedInputs<Scalar>
  let outputWeights: Matrix<Scalar>
  let feedback: Matrix<Scalar>
  let outputBias: [Scalar]?
  let kernel: ActivationKernel<Scalar>
  let blockSize: Int

  init(
    network: PReLUNetwork<Scalar>, feedback: Matrix<Scalar>?, samples: Int,
    inputs: PreparedInputs<Scalar>, kernel: ActivationKernel<Scalar>, blockSize: Int
  ) {
    self.blockSize = blockSize
    self.feedback = feedback ?? network.outputWeights
    width = network.hiddenWidth
    dimension = network.hiddenWeights.columns
    outputs = network.outputCount
    outputWeights = network.outputWeights
    outputBias = network.outputBias
    self.samples = samples
    self.inputs = inputs
    self.kernel = kernel
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func run(
    _ buffers: BatchPass<Scalar>.Buffers, labels: [Int], loss: Loss,
    updateHidden: (HiddenGradient<Scalar>) -> Void
  ) -> BatchPass<Scalar>.Result {
    let logits = forward(buffers)
    let (lossSum, derivative) = loss.valueAndDerivative(logits, labels: labels)
    let correct = correctPredictions(logits, labels: labels)
    var bias = [Scalar](repeating: 0, count: outputs)
    // (outputs, samples): derivative of the mean loss, times ||x_i|| with input normalisation.
    var backward = Matrix<Scalar>(rows: outputs, columns: samples)
    let share = 1 / Scalar(samples)
    for i in 0..<samples {
      for c in 0..<outputs {
        let g = share * derivative[i, c]
        bias[c] += g
        backward[c, i] = g * (inputs.outputScales?[i] ?? 1)
      }
    }
    let outputGradient = self.backward(buffers, backward, updateHidden: updateHidden)
    return .init(
      lossSum: lossSum, correct: correct, outputGradient: outputGradient, biasGradient: bias,
      logits: logits, outputDerivative: backward)
  }

  /// Features and slopes of every block, and the logits: (samples, outputs).
  private func forward(_ buffers: BatchPass<Scalar>.Buffers) -> Matrix<Scalar> {
    let size = blockSize
    let blocks = Parallel.blockCount(of: width, size: size)
    var partial = [Scalar](repeating: 0, count: blocks * outputs * samples)
    partial.withUnsafeMutableBufferPointer { partial in
      nonisolated(unsafe) let partialBase = partial.baseAddress!
      Parallel.forEachBlock(of: width, size: size) { block, range in
        let weights = buffers.weights + range.lowerBound * dimension
        let features = buffers.features + range.lowerBound * samples
        let slopes = buffers.slopes + range.lowerBound * samples
        let norms = buffers.norms + range.lowerBound
        if kernel.exponent == 1 {
          // Plain ReLU does not look at the norms.
          norms.update(repeating: 1, count: range.count)
        } else {
          ActivationKernel.norms(
            neurons: range.count, dimension: dimension, weights: weights, into: norms)
        }
        inputs.rows.withPointer {
          Scalar.gemm(
            transposeA: false, transposeB: true, m: range.count, n: samples, k: dimension,
            alpha: 1, a: weights, leadingA: dimension, b: $0, leadingB: dimension, beta: 0,
            c: features, leadingC: samples)
        }
        kernel.apply(
          neurons: range.count, samples: samples, norms: norms, features: features,
          slopes: slopes)
        outputWeights.withPointer {
          Scalar.gemm(
            transposeA: false, transposeB: false, m: outputs, n: samples, k: range.count,
            alpha: 1, a: $0 + range.lowerBound, leadingA: width, b: features, leadingB: samples,
            beta: 0, c: partialBase + block * outputs * samples, leadingC: samples)
        }
      }
    }
    var logits = Matrix<Scalar>(rows: samples, columns: outputs)
    for i in 0..<samples {
      for c in 0..<outputs {
        var sum: Scalar = 0
        for block in 0..<blocks { sum += partial[(block * outputs + c) * samples + i] }
        logits[i, c] = (inputs.outputScales?[i] ?? 1) * sum + (outputBias?[c] ?? 0)
      }
    }
    return logits
  }

  /// dL/dV = g H^T; G = p a (V^T g); s_j = -(p-1) <v_j, dL/dv_j> / ||w_j||^2, with the feedback in the
  /// place of V.
  private func backward(
    _ buffers: BatchPass<Scalar>.Buffers, _ cotangent: Matrix<Scalar>,
    updateHidden: (HiddenGradient<Scalar>) -> Void
  ) -> Matrix<Scalar> {
    var outputGradient = Matrix<Scalar>(rows: outputs, columns: width)
    outputGradient.withMutablePointer { gradientBase in
      nonisolated(unsafe) let gradientBase = gradientBase
      Parallel.forEachBlock(of: width, size: blockSize) { _, range in
        let features = buffers.features + range.lowerBound * samples
        cotangent.withPointer { g in
          Scalar.gemm(
            transposeA: false, transposeB: true, m: outputs, n: range.count, k: samples,
            alpha: 1, a: g, leadingA: samples, b: features, leadingB: samples, beta: 0,
            c: gradientBase + range.lowerBound, leadingC: width)
          // The features have served: their place takes the coefficients.
          feedback.withPointer {
            Scalar.gemm(
              transposeA: true, transposeB: false, m: range.count, n: samples, k: outputs,
              alpha: Scalar(kernel.exponent), a: $0 + range.lowerBound, leadingA: width, b: g,
              leadingB: samples, beta: 0, c: features, leadingC: samples)
          }
        }
        multiply(range.count * samples, features, by: buffers.slopes + range.lowerBound * samples)
        for j in range {
          let norm = buffers.norms[j]
          guard norm >= Scalar.leastNormalMagnitude else {
            buffers.rowScales[j] = 0
            continue
          }
          // Divided one factor at a time: products of tiny numbers would underflow.
          var inner: Scalar = 0
          for c in 0..<outputs {
            inner += feedback[c, j] * (gradientBase[c * width + j] / norm)
          }
          buffers.rowScales[j] = -Scalar(kernel.exponent - 1) * inner / norm
        }
        inputs.rows.withPointer { rows in
          for part in partsOfOneSign(range) {
            updateHidden(
              HiddenGradient(
                neurons: part, dimension: dimension,
                weights: buffers.weights + part.lowerBound * dimension, samples: samples,
                coefficients: buffers.features + part.lowerBound * samples, inputs: rows,
                rowScales: buffers.rowScales + part.lowerBound))
          }
        }
      }
    }
    return outputGradient
  }

  /// Cuts a block where the first output weight changes its sign, if that happens once: the neurons of
  /// one sign tend to be silent on the same samples. See ``HiddenGradient``.
  private func partsOfOneSign(_ range: Range<Int>) -> [Range<Int>] {
    let changes = range.dropFirst().filter {
      (outputWeights[0, $0 - 1] > 0) != (outputWeights[0, $0] > 0)
    }
    guard let cut = changes.first, changes.count == 1 else { return [range] }
    return [range.lowerBound..<cut, cut..<range.upperBound]
  }
}

/// x_i <- x_i y_i.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func multiply<Scalar: LinearScalar>(
  _ count: Int, _ x: UnsafeMutablePointer<Scalar>, by y: UnsafePointer<Scalar>
) {
  for i in 0..<count { x[i] *= y[i] }
}

extension PReLUNetwork {
  /// The gradient of the mean loss of a batch with respect to every parameter.
  package struct ParameterGradient: Sendable {
    /// The mean loss.
    package let loss: Double
    /// In the shape of ``PReLUNetwork/hiddenWeights``, hidden biases included.
    package let hiddenWeights: Matrix<Scalar>
    /// (outputCount, hiddenWidth).
    package let outputWeights: Matrix<Scalar>
    /// outputCount numbers; also reported for a network without bias.
    package let outputBias: [Scalar]
  }

  /// The mean loss of inputs (n, inputDimension) with labels, and its gradient.
  ///
  /// Training does not form the gradient of the hidden weights; see ``BatchPass``.
  package func parameterGradient(inputs: Matrix<Scalar>, labels: [Int], loss: Loss)
    -> ParameterGradient
  {
    var network = self
    var hidden = Matrix<Scalar>(rows: hiddenWidth, columns: hiddenWeights.columns)
    let pass = BatchPass<Scalar>(hiddenWidth: hiddenWidth, capacity: inputs.rows)
    let result = hidden.withMutablePointer { target in
      nonisolated(unsafe) let target = target
      return pass.run(&network, inputs: prepare(inputs), labels: labels, loss: loss) { gradient in
        gradient.accumulate(
          into: target + gradient.neurons.lowerBound * gradient.dimension, alpha: 1, beta: 0)
      }
    }
    return ParameterGradient(
      loss: result.lossSum / Double(inputs.rows), hiddenWeights: hidden,
      outputWeights: result.outputGradient, outputBias: result.biasGradient)
  }
}
