import Integration
import LinearCore
import Networks

/// The right-hand side of gradient flow in the coordinates of ``FlowState``: the full-batch loss, its
/// products in `Float` or `Double`.
///
/// A direction whose length has drifted from 1 by the integration error is taken as its unit vector, and
/// its velocity is multiplied by its length: the flow of unit vectors is the exact one at any length.
final class FlowEquations<Scalar: LinearScalar>: FlowSystem {
  let layout: FlowLayout
  private(set) var observation = FlowObservation()

  private let freezesOutput: Bool
  private let loss: Loss
  private let inputs: PreparedInputs<Scalar>
  private let labels: [Int]
  private let pass: BatchPass<Scalar>
  /// Directions u, and output weights r e^(2 l).
  private var network: PReLUNetwork<Scalar>
  /// r: (outputCount, hiddenWidth).
  private var ratios: Matrix<Scalar>
  /// ||u_j||, and in the end the sine of the angle between u_j and X_j.
  private var lengths: [Double]
  private var turning: [Double]

  /// Neurons of one piece of work.
  private static var blockSize: Int { 64 }

  /// - Parameter inputs: (n, inputDimension), as the network takes them.
  init(_ state: FlowState, inputs: Matrix<Double>, labels: [Int], loss: Loss) {
    layout = state.layout
    freezesOutput = state.freezesOutput
    self.loss = loss
    self.labels = labels
    let doubles = state.network(logScale: -state.largestLogNorm)
    network = doubles.converted(to: Scalar.self)
    // Prepared in double precision, then rounded once.
    self.inputs = doubles.prepare(inputs).converted()
    ratios = Matrix(rows: layout.outputCount, columns: layout.hiddenWidth)
    lengths = [Double](repeating: 1, count: layout.hiddenWidth)
    turning = lengths
    pass = BatchPass(
      hiddenWidth: layout.hiddenWidth, capacity: labels.count, blockSize: Self.blockSize)
  }

  func derivative(
    time: Double, state: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>
  ) {
    load(state)
    let (dimension, outputs, exponent) =
      (layout.neuronDimension, layout.outputCount, network.exponent)
    let result = lengths.withUnsafeBufferPointer { lengths in
      turning.withUnsafeMutableBufferPointer { turning in
        nonisolated(unsafe) let turning = turning.baseAddress!
        nonisolated(unsafe) let lengths = lengths.baseAddress!
        nonisolated(unsafe) let derivative = derivative
        return pass.run(
          &network, inputs: inputs, labels: labels, loss: loss, feedback: ratios
        ) { gradient in
          let count = gradient.neurons.count * dimension
          withUnsafeTemporaryAllocation(of: Scalar.self, capacity: count) { scratch in
            // X - (p - 1) <r, G> u, whose part along u is <r, G> u.
            gradient.accumulate(into: scratch.baseAddress!, alpha: -1, beta: 0)
            for (row, j) in gradient.neurons.enumerated() {
              turning[j] = projectOnTangent(
                dimension, scratch.baseAddress! + row * dimension,
                direction: UnsafePointer(gradient.weights) + row * dimension, length: lengths[j],
                exponent: exponent, into: derivative + j * dimension)
            }
          }
        }
      }
    }
    for j in 0..<layout.hiddenWidth {
      let r = state + layout.ratios.lowerBound + j * outputs
      let target = derivative + layout.ratios.lowerBound + j * outputs
      var growth = 0.0
      for c in 0..<outputs { growth -= r[c] * Double(result.outputGradient[c, j]) }
      for c in 0..<outputs {
        target[c] =
          freezesOutput ? -growth * r[c] : -Double(result.outputGradient[c, j]) - growth * r[c]
      }
      derivative[layout.logNorms.lowerBound + j] = growth
    }
    for c in 0..<layout.bias.count {
      derivative[layout.bias.lowerBound + c] =
        freezesOutput ? 0 : -Double(result.biasGradient[c])
    }
    observation = FlowObservation(
      time: time, loss: result.lossSum / Double(labels.count), correct: result.correct,
      logits: result.logits, labels: labels, turning: turning)
  }

  /// Fills the network with the unit directions and the output weights of a state.
  private func load(_ state: UnsafePointer<Double>) {
    let (dimension, outputs) = (layout.neuronDimension, layout.outputCount)
    network.hiddenWeights.withMutablePointer { weights in
      lengths.withUnsafeMutableBufferPointer { lengths in
        nonisolated(unsafe) let (weights, lengths, state) = (weights, lengths.baseAddress!, state)
        Parallel.forEachBlock(of: layout.hiddenWidth, size: Self.blockSize) { _, range in
          for j in range {
            lengths[j] = normalize(
              dimension, state + j * dimension, into: weights + j * dimension)
          }
        }
      }
    }
    for j in 0..<layout.hiddenWidth {
      let square = Double.exponential(2 * state[layout.logNorms.lowerBound + j])
      for c in 0..<outputs {
        let r = state[layout.ratios.lowerBound + j * outputs + c]
        ratios[c, j] = Scalar(r)
        network.outputWeights[c, j] = Scalar(r * square)
      }
    }
    for c in 0..<layout.bias.count {
      network.outputBias![c] = Scalar(state[layout.bias.lowerBound + c])
    }
  }
}

/// target <- x / ||x||; returns ||x||.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func normalize<Scalar: LinearScalar>(
  _ count: Int, _ x: UnsafePointer<Double>, into target: UnsafeMutablePointer<Scalar>
) -> Double {
  let length = RowKernels.norm(count, x)
  let inverse = 1 / length
  for i in 0..<count { target[i] = Scalar(x[i] * inverse) }
  return length
}

/// The velocity of a direction: `length` times the part of `force` orthogonal to it.
///
/// - Parameter force: X - (p - 1) <r, G> u.
/// - Returns: the sine of the angle between X and u; 0 for a neuron without force.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func projectOnTangent<Scalar: LinearScalar>(
  _ count: Int, _ force: UnsafePointer<Scalar>, direction: UnsafePointer<Scalar>, length: Double,
  exponent: Double, into velocity: UnsafeMutablePointer<Double>
) -> Double {
  let along = Scalar.dot(count, force, direction)
  for i in 0..<count { velocity[i] = length * Double(force[i] - along * direction[i]) }
  let across = RowKernels.norm(count, velocity) / length
  let radial = exponent * Double(along)
  let total = (across * across + radial * radial).squareRoot()
  return total > 0 ? across / total : 0
}
