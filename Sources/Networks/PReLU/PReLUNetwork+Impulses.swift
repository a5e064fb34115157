import LinearCore

extension PReLUNetwork {
  /// Moves some neurons against the gradient of sum_i <I_i, f(x_i)>,
  ///
  ///     dv_j = -sum_i I_i h_j(x_i),   dw_j = -sum_i <v_j, I_i> dh_j/dw (x_i),
  ///
  /// by one step of Heun's method: the mean of the gradients here and where a whole step from here leads.
  ///
  /// With I_i = learning rate x derivative of the loss, summed over many steps of gradient descent, it is what
  /// those steps do to neurons that move little in them: to second order in how far.
  ///
  /// - Parameters:
  ///   - neurons: which ones, each once.
  ///   - impulses: (outputCount, n).
  ///   - inputs: n samples.
  /// - Returns: for each of the neurons how far it moved, ||(w_j, v_j) - before|| / ||before||; 0 for one
  ///   whose weights are 0.
  package mutating func apply(
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
    let first = gradient(rows, impulses, chunk: chunk)
    var size = [Double](repeating: 0, count: count)
    for j in 0..<count { size[j] = squaredSize(j) }
    add(first, factor: -1)
    // Half of the first step back, half of one at its end.
    let second = gradient(rows, impulses, chunk: chunk)
    add(first, factor: 0.5)
    add(second, factor: -0.5)
    for j in 0..<count {
      var moved = 0.0
      for i in 0..<dimension {
        let step = 0.5 * Double(first.hidden[j, i] + second.hidden[j, i])
        moved += step * step
      }
      for c in 0..<outputs {
        let step = 0.5 * Double(first.output[c, j] + second.output[c, j])
        moved += step * step
      }
      changes[j] = size[j] > 0 ? (moved / size[j]).squareRoot() : 0
    }
  }

  /// d/dw_j and d/dv_j of sum_i <I_i, f(x_i)>.
  private struct Gradient {
    /// (count, dimension).
    var hidden: Matrix<Scalar>
    /// (outputs, count).
    var output: Matrix<Scalar>
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func squaredSize(_ j: Int) -> Double {
    let row = weights + j * dimension
    var sum = Double(Scalar.dot(dimension, row, row))
    for c in 0..<outputs {
      let own = Double(outputWeights[c * leading + j])
      sum += own * own
    }
    return sum
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func add(_ gradient: Gradient, factor: Scalar) {
    gradient.hidden.withPointer { Scalar.add(count * dimension, factor, $0, to: weights) }
    for c in 0..<outputs {
      for j in 0..<count { outputWeights[c * leading + j] += factor * gradient.output[c, j] }
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func gradient(_ rows: Matrix<Scalar>, _ impulses: Matrix<Scalar>, chunk: Int) -> Gradient
  {
    var norms = [Scalar](repeating: 1, count: count)
    if exponent != 1 {
      norms.withUnsafeMutableBufferPointer {
        ActivationKernel.norms(
          neurons: count, dimension: dimension, weights: weights, into: $0.baseAddress!)
      }
    }
    var result = Gradient(
      hidden: Matrix(rows: count, columns: dimension), output: Matrix(rows: outputs, columns: count)
    )
    accumulate(
      rows, impulses, chunk: chunk, norms: norms, hidden: &result.hidden, output: &result.output)
    for j in 0..<count where norms[j] >= Scalar.leastNormalMagnitude {
      var inner: Scalar = 0
      for c in 0..<outputs {
        inner += outputWeights[c * leading + j] * (result.output[c, j] / norms[j])
      }
      inner *= -Scalar(exponent - 1) / norms[j]
      if inner == 0 { continue }
      result.hidden.withMutablePointer {
        Scalar.add(dimension, inner, weights + j * dimension, to: $0 + j * dimension)
      }
    }
    return result
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
