import LinearCore

extension PReLUNetwork {
  /// Moves some neurons by one step against the gradient of sum_i <I_i, f(x_i)>, all others fixed:
  ///
  ///     v_j <- v_j - sum_i I_i h_j(x_i),   w_j <- w_j - sum_i <v_j, I_i> dh_j/dw (x_i).
  ///
  /// With I_i = learning rate x derivative of the loss this is a step of gradient descent on any number of
  /// samples at once; with I_i summed over many steps it is what those steps do to a neuron that moves so
  /// little in them that its features may be taken at the start.
  ///
  /// - Parameters:
  ///   - neurons: which ones, each once.
  ///   - impulses: (outputCount, n).
  ///   - inputs: n samples.
  /// - Returns: for each of the neurons how far it moved, ||(w_j, v_j) - before|| / ||before||; 0 for one
  ///   whose weights are 0.
  public mutating func apply(
    impulses: Matrix<Scalar>, to neurons: [Int], inputs: PreparedInputs<Scalar>
  ) -> [Double] {
    precondition(
      impulses.rows == outputCount && impulses.columns == inputs.rows.rows,
      "one impulse an output and sample")
    var step = ImpulseStep(self, neurons: neurons, impulses: impulses)
    let changes = step.run(inputs.rows)
    for (row, neuron) in neurons.enumerated() {
      hiddenWeights.copyRow(neuron, from: step.weights, row: row)
      for c in 0..<outputCount { outputWeights[c, neuron] = step.outputWeights[c, row] }
    }
    return changes
  }
}

/// The neurons that are moved, in contiguous rows.
private struct ImpulseStep<Scalar: LinearScalar> {
  let exponent: Double
  let impulses: Matrix<Scalar>
  /// (neurons, dimension).
  var weights: Matrix<Scalar>
  /// (outputs, neurons).
  var outputWeights: Matrix<Scalar>

  /// Neurons that one thread handles, and samples that it handles at a time.
  private static var neuronBlock: Int { 125 }
  private static var sampleBlock: Int { 250 }

  init(_ network: PReLUNetwork<Scalar>, neurons: [Int], impulses: Matrix<Scalar>) {
    exponent = network.exponent
    self.impulses = impulses
    weights = network.hiddenWeights.rows(at: neurons)
    outputWeights = Matrix(rows: network.outputCount, columns: neurons.count)
    for c in 0..<network.outputCount {
      for (column, neuron) in neurons.enumerated() {
        outputWeights[c, column] = network.outputWeights[c, neuron]
      }
    }
  }

  mutating func run(_ rows: Matrix<Scalar>) -> [Double] {
    var changes = [Double](repeating: 0, count: weights.rows)
    let (dimension, width, outputs) = (weights.columns, weights.rows, outputWeights.rows)
    let (exponent, impulses) = (exponent, impulses)
    weights.withMutablePointer { weights in
      outputWeights.withMutablePointer { outputWeights in
        changes.withUnsafeMutableBufferPointer { changes in
          nonisolated(unsafe) let weights = weights
          nonisolated(unsafe) let outputWeights = outputWeights
          nonisolated(unsafe) let changes = changes.baseAddress
          Parallel.forEachBlock(of: width, size: Self.neuronBlock) { _, range in
            let block = ImpulseBlock(
              exponent: exponent, count: range.count, dimension: dimension, outputs: outputs,
              weights: weights + range.lowerBound * dimension,
              outputWeights: outputWeights + range.lowerBound, leading: width)
            block.move(
              rows, impulses: impulses, chunk: Self.sampleBlock,
              changes: changes! + range.lowerBound)
          }
        }
      }
    }
    return changes
  }
}

/// Some consecutive neurons.
private struct ImpulseBlock<Scalar: LinearScalar> {
  let exponent: Double
  let count: Int
  let dimension: Int
  let outputs: Int
  let weights: UnsafeMutablePointer<Scalar>
  /// (outputs, count), `leading` apart.
  let outputWeights: UnsafeMutablePointer<Scalar>
  let leading: Int

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func move(
    _ rows: Matrix<Scalar>, impulses: Matrix<Scalar>, chunk: Int,
    changes: UnsafeMutablePointer<Double>
  ) {
    var norms = [Scalar](repeating: 1, count: count)
    if exponent != 1 {
      norms.withUnsafeMutableBufferPointer {
        ActivationKernel.norms(
          neurons: count, dimension: dimension, weights: weights, into: $0.baseAddress!)
      }
    }
    var hidden = Matrix<Scalar>(rows: count, columns: dimension)
    var output = Matrix<Scalar>(rows: outputs, columns: count)
    accumulate(rows, impulses, chunk: chunk, norms: norms, hidden: &hidden, output: &output)
    for j in 0..<count {
      let row = weights + j * dimension
      var (moved, size) = (0.0, Double(Scalar.dot(dimension, row, row)))
      var inner: Scalar = 0
      if norms[j] >= Scalar.leastNormalMagnitude {
        for c in 0..<outputs { inner += outputWeights[c * leading + j] * (output[c, j] / norms[j]) }
        inner *= -Scalar(exponent - 1) / norms[j]
      }
      hidden.withMutablePointer {
        let step = $0 + j * dimension
        if inner != 0 { Scalar.add(dimension, inner, row, to: step) }
        moved += Double(Scalar.dot(dimension, step, step))
        Scalar.add(dimension, -1, step, to: row)
      }
      for c in 0..<outputs {
        let (own, step) = (Double(outputWeights[c * leading + j]), Double(output[c, j]))
        size += own * own
        moved += step * step
        outputWeights[c * leading + j] -= output[c, j]
      }
      changes[j] = size > 0 ? (moved / size).squareRoot() : 0
    }
  }

  /// sum_i <v_j, I_i> p a_ij x_i into `hidden`, without the term along w_j, and sum_i I_i h_ij into `output`.
  private func accumulate(
    _ rows: Matrix<Scalar>, _ impulses: Matrix<Scalar>, chunk: Int, norms: [Scalar],
    hidden: inout Matrix<Scalar>, output: inout Matrix<Scalar>
  ) {
    let kernel = ActivationKernel<Scalar>(exponent: exponent)
    var features = Matrix<Scalar>(rows: count, columns: chunk)
    var slopes = features
    let total = rows.rows
    rows.withPointer { rows in
      impulses.withPointer { impulses in
        features.withMutablePointer { features in
          slopes.withMutablePointer { slopes in
            for start in stride(from: 0, to: total, by: chunk) {
              let samples = min(chunk, total - start)
              let inputs = rows + start * dimension
              Scalar.gemm(
                transposeA: false, transposeB: true, m: count, n: samples, k: dimension, alpha: 1,
                a: weights, leadingA: dimension, b: inputs, leadingB: dimension, beta: 0,
                c: features, leadingC: samples)
              kernel.apply(
                neurons: count, samples: samples, norms: norms, features: features, slopes: slopes)
              output.withMutablePointer {
                Scalar.gemm(
                  transposeA: false, transposeB: true, m: outputs, n: count, k: samples, alpha: 1,
                  a: impulses + start, leadingA: total, b: features, leadingB: samples, beta: 1,
                  c: $0, leadingC: count)
              }
              Scalar.gemm(
                transposeA: true, transposeB: false, m: count, n: samples, k: outputs,
                alpha: Scalar(exponent), a: outputWeights, leadingA: leading, b: impulses + start,
                leadingB: total, beta: 0, c: features, leadingC: samples)
              for i in 0..<count * samples { features[i] *= slopes[i] }
              hidden.withMutablePointer {
                Scalar.gemm(
                  transposeA: false, transposeB: false, m: count, n: dimension, k: samples,
                  alpha: 1, a: features, leadingA: samples, b: inputs, leadingB: dimension, beta: 1,
                  c: $0, leadingC: dimension)
              }
            }
          }
        }
      }
    }
  }
}
