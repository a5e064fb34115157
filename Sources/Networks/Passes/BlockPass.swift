import LinearCore

/// A block of samples on its way through a network and back. Matrices with neurons have one row a
/// neuron: H and A are (hiddenWidth, count).
final class BlockPass<Scalar: LinearScalar>: InputGradientPass {
  private let network: PReLUNetwork<Scalar>
  private let kernel: ActivationKernel<Scalar>
  private let norms: [Scalar]
  private let capacity: Int
  private let storage: UnsafeMutablePointer<Scalar>
  /// Inputs as the hidden layer sees them: (capacity, columns of the hidden weights).
  private let rows: UnsafeMutablePointer<Scalar>
  /// ||x - center|| of every sample; used with input normalisation only.
  private let scales: UnsafeMutablePointer<Scalar>
  /// H: features after ``forward``; the backward pass writes its coefficients over them.
  let features: UnsafeMutablePointer<Scalar>
  private let slopes: UnsafeMutablePointer<Scalar>
  /// V H, before scales and bias: (count, outputCount).
  private let raw: UnsafeMutablePointer<Scalar>
  /// (count, outputCount).
  private let logits: UnsafeMutablePointer<Scalar>

  /// Buffers for at most `capacity` samples.
  /// - Parameter norms: those of the network's hidden weights, ``PReLUNetwork/hiddenNorms()``.
  init(_ network: PReLUNetwork<Scalar>, norms: [Scalar], capacity: Int) {
    self.network = network
    self.norms = norms
    self.capacity = capacity
    kernel = ActivationKernel(exponent: network.exponent)
    let (dimension, width, outputs) = (
      network.hiddenWeights.columns, network.hiddenWidth, network.outputCount
    )
    storage = .allocate(capacity: capacity * (dimension + 1 + 2 * width + 2 * outputs))
    rows = storage
    scales = rows + capacity * dimension
    features = scales + capacity
    slopes = features + capacity * width
    raw = slopes + capacity * width
    logits = raw + capacity * outputs
  }

  deinit { storage.deallocate() }

  func run(
    count: Int, inputs: UnsafePointer<Scalar>, gradient: UnsafeMutablePointer<Scalar>,
    weigh: (UnsafeMutablePointer<Scalar>) -> Void
  ) {
    let prepared = load(count, inputs)
    let scales = network.normalizeInput ? UnsafePointer(self.scales) : nil
    forward(count, prepared, scales: scales, logits: logits)
    weigh(logits)
    backward(count, prepared, weights: logits, gradient: gradient)
  }

  /// Shifts and scales inputs for the hidden layer; where there is nothing to do, the inputs
  /// themselves.
  private func load(_ count: Int, _ inputs: UnsafePointer<Scalar>) -> UnsafePointer<Scalar> {
    precondition(count <= capacity, "more samples than the pass was made for")
    if network.center == nil && !network.normalizeInput && !network.hasHiddenBias { return inputs }
    prepareRows(
      count, network.inputDimension, inputs, center: network.center, into: rows,
      stride: network.hiddenWeights.columns, scales: network.normalizeInput ? scales : nil)
    return UnsafePointer(rows)
  }

  /// Features and slopes of prepared inputs against all neurons.
  func forwardFeatures(_ count: Int, _ prepared: UnsafePointer<Scalar>) {
    let (width, dimension) = (network.hiddenWidth, network.hiddenWeights.columns)
    network.hiddenWeights.withPointer {
      Scalar.gemm(
        transposeA: false, transposeB: true, m: width, n: count, k: dimension, alpha: 1, a: $0,
        leadingA: dimension, b: prepared, leadingB: dimension, beta: 0, c: features,
        leadingC: count)
    }
    kernel.apply(
      neurons: width, samples: count, norms: norms, features: features, slopes: slopes)
  }

  /// The logits of prepared inputs, (count, outputCount).
  func forward(
    _ count: Int, _ prepared: UnsafePointer<Scalar>, scales: UnsafePointer<Scalar>?,
    logits: UnsafeMutablePointer<Scalar>
  ) {
    precondition(count <= capacity, "more samples than the pass was made for")
    forwardFeatures(count, prepared)
    let (width, outputs) = (network.hiddenWidth, network.outputCount)
    network.outputWeights.withPointer {
      Scalar.gemm(
        transposeA: true, transposeB: true, m: count, n: outputs, k: width, alpha: 1, a: features,
        leadingA: count, b: $0, leadingB: width, beta: 0, c: raw, leadingC: outputs)
    }
    finish(
      count, outputs, raw, scales: scales, bias: network.outputBias, into: logits)
  }

  /// sum_j p a_j (V^T g)_j w_j for each sample of the last ``forward``, g its `weights`.
  ///
  /// With input normalisation d/dx ||x|| f(x/||x||) = grad f(u) - (p-1) f(u) u at u = x/||x||, because
  /// f is homogeneous of degree p in x.
  func backward(
    _ count: Int, _ prepared: UnsafePointer<Scalar>, weights: UnsafePointer<Scalar>,
    gradient: UnsafeMutablePointer<Scalar>
  ) {
    // Of (w, b) the gradient with respect to x takes w.
    let (width, dimension) = (network.hiddenWidth, network.inputDimension)
    let stride = network.hiddenWeights.columns
    let outputs = network.outputCount
    network.outputWeights.withPointer {
      Scalar.gemm(
        transposeA: true, transposeB: true, m: width, n: count, k: outputs,
        alpha: Scalar(network.exponent), a: $0, leadingA: width, b: weights, leadingB: outputs,
        beta: 0, c: features, leadingC: count)
    }
    multiply(width * count, features, by: slopes)
    network.hiddenWeights.withPointer {
      Scalar.gemm(
        transposeA: true, transposeB: false, m: count, n: dimension, k: width, alpha: 1,
        a: features, leadingA: count, b: $0, leadingB: stride, beta: 0, c: gradient,
        leadingC: dimension)
    }
    guard network.normalizeInput, network.exponent != 1 else { return }
    for i in 0..<count {
      let value = Scalar.dot(outputs, weights + i * outputs, raw + i * outputs)
      Scalar.add(
        dimension, (1 - Scalar(network.exponent)) * value, prepared + i * dimension,
        to: gradient + i * dimension)
    }
  }
}

extension PReLUNetwork {
  /// ||w_j|| of every hidden neuron.
  func hiddenNorms() -> [Scalar] {
    var norms = [Scalar](repeating: 0, count: hiddenWidth)
    hiddenWeights.withPointer {
      ActivationKernel.norms(
        neurons: hiddenWidth, dimension: hiddenWeights.columns, weights: $0, into: &norms)
    }
    return norms
  }

  /// A pass over blocks of at most `capacity` samples.
  public func inputGradientPass(capacity: Int) -> any InputGradientPass<Scalar> {
    BlockPass(self, norms: hiddenNorms(), capacity: capacity)
  }
}

/// logits <- scale raw + bias.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func finish<Scalar: LinearScalar>(
  _ count: Int, _ outputs: Int, _ raw: UnsafePointer<Scalar>, scales: UnsafePointer<Scalar>?,
  bias: [Scalar]?, into logits: UnsafeMutablePointer<Scalar>
) {
  for i in 0..<count {
    let scale = scales?[i] ?? 1
    for c in 0..<outputs {
      logits[i * outputs + c] = scale * raw[i * outputs + c] + (bias?[c] ?? 0)
    }
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
