import LinearCore
import Networks

/// A network in the coordinates in which gradient flow is integrated.
///
/// Every neuron is kept as its direction u = w/||w||, the ratio r = v/||w|| of its output weights (a
/// vector, one number an output) to its norm, and the logarithm l = log ||w||. With the cotangents
/// g_i = -(1/n) dL/df_i, phi(c) = relu(c)^p, and for each neuron
///
///     G_c = sum_i g_ic phi(<u, x_i>)             (one number an output)
///     X   = sum_i <r, g_i> phi'(<u, x_i>) x_i    (so that <u, X> = p <r, G>),
///
/// gradient flow dw/dt = -dL/dw, dv/dt = -dL/dv becomes
///
///     du/dt = X - p <r, G> u,      dr/dt = G - <r, G> r,      dl/dt = <r, G>,
///
/// since h(x) = ||w|| phi(<u, x>) is 1-homogeneous in w. The initial scale has dropped out: it enters
/// only through the outputs f = sum_j r_j e^(2 l_j) phi(<u_j, x>), which are zero to all digits while the
/// weights are tiny. So weights of size 1e-80, which no Float or Double network can hold, are ordinary
/// numbers here.
///
/// ||w||^2 - ||v||^2 = e^(2 l) (1 - ||r||^2) is conserved; nothing in these coordinates enforces it, so
/// it measures the error of the integration. A single output weight keeps its sign where ||r|| >= 1 at
/// the start (log |v| would do as a coordinate); where |v| < ||w||, which is the rule for Gaussian weights
/// in many dimensions, it may change its sign, which is an ordinary point for r.
///
/// With hidden biases w is (w, b), and x_i is (x_i, 1). Where the output layer is frozen dv/dt = 0, which is
/// dr/dt = -<r, G> r, and ||v|| is conserved instead.
///
/// With input normalisation x_i is the unit vector and the length belongs to g_i; a center is subtracted
/// first. An output bias is a coordinate of its own: d(bias)/dt = sum_i g_i.
package struct FlowState: Sendable, Equatable {
  /// Where the coordinates lie in ``values``.
  package let layout: FlowLayout
  /// All coordinates.
  package var values: [Double]
  /// The degree of the network.
  package let exponent: Double
  /// Whether features are divided by ||x - center||^(p-1).
  package let normalizeInput: Bool
  /// Subtracted from every input.
  package let center: [Double]?
  /// Whether the last coordinate of every direction is a hidden bias.
  package let hasHiddenBias: Bool
  /// Whether output weights and biases stay as they are.
  package let freezesOutput: Bool

  /// The coordinates of a network.
  ///
  /// - Parameter logScale: added to every log ||w||: the weights (w and v, not a bias) are those of the
  ///   network times e^logScale.
  ///   - freezesOutput: whether output weights and biases stay as they are.
  /// - Throws: ``TrainingError`` for a neuron with w = 0, which gradient flow never moves.
  package init(
    _ network: PReLUNetwork<Double>, logScale: Double = 0, freezesOutput: Bool = false
  ) throws(TrainingError) {
    layout = FlowLayout(network)
    exponent = network.exponent
    normalizeInput = network.normalizeInput
    center = network.center
    hasHiddenBias = network.hasHiddenBias
    self.freezesOutput = freezesOutput
    values = [Double](repeating: 0, count: layout.count)
    let (dimension, outputs) = (layout.neuronDimension, layout.outputCount)
    let norms = network.hiddenWeights.rowNorms()
    for j in 0..<layout.hiddenWidth {
      let norm = norms[j]
      guard norm > 0 else {
        throw .invalid(
          field: "network", found: "neuron \(j) with hidden weights 0",
          expected: "hidden weights that are not 0, since gradient flow does not move others")
      }
      for i in 0..<dimension {
        values[j * dimension + i] = network.hiddenWeights[j, i] / norm
      }
      for c in 0..<outputs {
        values[layout.ratios.lowerBound + j * outputs + c] = network.outputWeights[c, j] / norm
      }
      values[layout.logNorms.lowerBound + j] = Double.logarithm(norm) + logScale
    }
    for (c, bias) in (network.outputBias ?? []).enumerated() {
      values[layout.bias.lowerBound + c] = bias
    }
  }

  /// The largest log ||w_j||.
  package var largestLogNorm: Double { values[layout.logNorms].max() ?? 0 }

  /// The directions u_j as rows of length 1, hidden biases included: (hiddenWidth, neuronDimension).
  package var directions: Matrix<Double> {
    Matrix(
      rows: layout.hiddenWidth, columns: layout.neuronDimension,
      elements: Array(values[layout.directions])
    ).rowsNormalized()
  }

  /// The directions of w_j in the space of inputs, as rows of length 1: (hiddenWidth, inputDimension).
  package var inputDirections: Matrix<Double> {
    hasHiddenBias
      ? directions.columns(in: 0..<layout.neuronDimension - 1).rowsNormalized() : directions
  }

  /// log(||v_j|| ||w_j||), minus infinity where v_j is 0.
  package var logContributions: [Double] {
    (0..<layout.hiddenWidth).map { j in
      2 * values[layout.logNorms.lowerBound + j] + Double.logarithm(square(ofRatio: j)) / 2
    }
  }

  /// The network, with its weights w and v multiplied by e^logScale (not a bias).
  ///
  /// Weights below the range of `Double` become 0. With `logScale` = -``largestLogNorm`` the largest
  /// neuron has length 1, and everything that does not depend on scale (directions, shares of
  /// contributions, stable ranks) can be read off, however small the weights are.
  package func network(logScale: Double = 0) -> PReLUNetwork<Double> {
    let (dimension, outputs) = (layout.neuronDimension, layout.outputCount)
    var hidden = Matrix<Double>(rows: layout.hiddenWidth, columns: dimension)
    var output = Matrix<Double>(rows: outputs, columns: layout.hiddenWidth)
    for j in 0..<layout.hiddenWidth {
      let direction = values[j * dimension..<(j + 1) * dimension]
      let length = direction.withUnsafeBufferPointer {
        Double.euclideanNorm(dimension, $0.baseAddress!)
      }
      let norm = Double.exponential(values[layout.logNorms.lowerBound + j] + logScale)
      for (i, value) in direction.enumerated() { hidden[j, i] = value / length * norm }
      for c in 0..<outputs {
        output[c, j] = values[layout.ratios.lowerBound + j * outputs + c] * norm
      }
    }
    // The coordinates are finite, and a solution that is not never gets here.
    return PReLUNetwork(
      fitting: exponent, hiddenWeights: hidden, outputWeights: output,
      outputBias: layout.hasBias ? Array(values[layout.bias]) : nil, center: center,
      normalizeInput: normalizeInput, hasHiddenBias: hasHiddenBias)
  }

  /// The largest change of ||w_j||^2 - ||v_j||^2 since an earlier state, over the neurons, each relative
  /// to its present ||w_j||^2 + ||v_j||^2; with a frozen output layer that of ||v_j||^2, relative to itself. Exact
  /// gradient flow has 0.
  package func balancednessDrift(since start: FlowState) -> Double {
    var largest = 0.0
    for j in 0..<layout.hiddenWidth {
      let (now, before) = (square(ofRatio: j), start.square(ofRatio: j))
      let growth =
        2
        * (start.values[layout.logNorms.lowerBound + j] - values[layout.logNorms.lowerBound + j])
      if freezesOutput {
        let before = Double.exponential(growth) * before
        if now > 0 { largest = max(largest, (now - before).magnitude / now) }
        continue
      }
      let drift = (1 - now) - Double.exponential(growth) * (1 - before)
      largest = max(largest, drift.magnitude / (1 + now))
    }
    return largest
  }

  /// ||r_j||^2.
  private func square(ofRatio j: Int) -> Double {
    let first = layout.ratios.lowerBound + j * layout.outputCount
    return values[first..<first + layout.outputCount].reduce(0) { $0 + $1 * $1 }
  }
}

/// Where the coordinates of ``FlowState`` lie.
package struct FlowLayout: Sendable, Equatable, Codable {
  package let hiddenWidth: Int
  /// Weights of a neuron: one a coordinate of an input, and a hidden bias where there is one.
  package let neuronDimension: Int
  package let outputCount: Int
  /// Whether outputs have a bias.
  package let hasBias: Bool

  init(_ network: PReLUNetwork<Double>) {
    hiddenWidth = network.hiddenWidth
    neuronDimension = network.hiddenWeights.columns
    outputCount = network.outputCount
    hasBias = network.outputBias != nil
  }

  /// The directions, neuron after neuron: (hiddenWidth, neuronDimension).
  package var directions: Range<Int> { 0..<hiddenWidth * neuronDimension }
  /// The ratios v/||w||, neuron after neuron: (hiddenWidth, outputCount).
  package var ratios: Range<Int> {
    directions.upperBound..<directions.upperBound + hiddenWidth * outputCount
  }
  /// log ||w_j||.
  package var logNorms: Range<Int> { ratios.upperBound..<ratios.upperBound + hiddenWidth }
  package var bias: Range<Int> {
    logNorms.upperBound..<logNorms.upperBound + (hasBias ? outputCount : 0)
  }
  /// All coordinates.
  package var count: Int { bias.upperBound }
}
