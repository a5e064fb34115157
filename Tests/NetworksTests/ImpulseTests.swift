import LinearCore
import Networks
import Testing

@Suite struct ImpulseTests {
  /// Impulses of learning rate x derivative of the loss: the mean of two steps of gradient descent, with the
  /// derivatives of the loss held.
  @Test(arguments: [1, 1.5, 2, 3], [(1, false), (3, true)])
  func theStepIsThatOfHeunsMethod(_ exponent: Double, shape: (outputs: Int, normalize: Bool))
    throws
  {
    let stream = RandomStream(seed: 5)
    let inputs = Matrix<Double>.gaussian(rows: 700, columns: 12, stream: stream.child("inputs"))
    let network = try PReLUNetwork<Double>(
      inputDimension: 12, hiddenWidth: 300, outputCount: shape.outputs, exponent: exponent,
      initialization: .gaussian(scale: 0.3), normalizeInput: shape.normalize,
      stream: stream.child("network"))
    let impulses = Matrix<Double>.gaussian(
      rows: shape.outputs, columns: 700, standardDeviation: 1e-3, stream: stream.child("impulses"))
    let prepared = network.prepare(inputs)
    // Not all neurons, and not in order: the others stay.
    let moving = (0..<300).filter { $0 % 7 != 3 }.reversed().map { $0 }
    var moved = network
    let changes = moved.apply(impulses: impulses, to: moving, inputs: prepared)

    let (hidden, output) = Self.gradient(network, impulses, prepared)
    var trial = network
    trial.hiddenWeights.subtract(hidden)
    trial.outputWeights.subtract(output)
    let (secondHidden, secondOutput) = Self.gradient(trial, impulses, prepared)
    for (neuron, change) in zip(moving, changes) {
      var (step, size) = (0.0, 0.0)
      for i in 0..<12 {
        let (old, new) = (network.hiddenWeights[neuron, i], moved.hiddenWeights[neuron, i])
        let slope = (hidden[neuron, i] + secondHidden[neuron, i]) / 2
        #expect(abs(new - (old - slope)) < 1e-12)
        step += (new - old) * (new - old)
        size += old * old
      }
      for c in 0..<shape.outputs {
        let (old, new) = (network.outputWeights[c, neuron], moved.outputWeights[c, neuron])
        let slope = (output[c, neuron] + secondOutput[c, neuron]) / 2
        #expect(abs(new - (old - slope)) < 1e-12)
        step += (new - old) * (new - old)
        size += old * old
      }
      #expect(abs(change - (step / size).squareRoot()) < 1e-10)
    }
    for neuron in 0..<300 where neuron % 7 == 3 {
      #expect(moved.hiddenWeights.row(neuron) == network.hiddenWeights.row(neuron))
      #expect(moved.outputWeights.column(neuron) == network.outputWeights.column(neuron))
    }
  }

  /// The gradient of sum_i <I_i, f(x_i)>, from the definition: impulses act on prepared inputs, where
  /// features are relu(z)^p / ||w||^(p-1).
  private static func gradient(
    _ network: PReLUNetwork<Double>, _ impulses: Matrix<Double>, _ inputs: PreparedInputs<Double>
  ) -> (hidden: Matrix<Double>, output: Matrix<Double>) {
    let (width, dimension) = (network.hiddenWidth, network.inputDimension)
    let p = network.exponent
    var hidden = Matrix<Double>(rows: width, columns: dimension)
    var output = Matrix<Double>(rows: network.outputCount, columns: width)
    for j in 0..<width {
      let w = network.hiddenWeights.row(j)
      let n = w.reduce(0) { $0 + $1 * $1 }.squareRoot()
      for i in 0..<inputs.rows.rows {
        let x = inputs.rows.row(i)
        let z = zip(w, x).reduce(0) { $0 + $1.0 * $1.1 }
        if z <= 0 { continue }
        let back = (0..<network.outputCount).reduce(0) {
          $0 + network.outputWeights[$1, j] * impulses[$1, i]
        }
        let (a, h) = (Double.power(z / n, p - 1), z * Double.power(z / n, p - 1))
        for k in 0..<dimension {
          hidden[j, k] += back * (p * a * x[k] - (p - 1) * h / (n * n) * w[k])
        }
        for c in 0..<network.outputCount { output[c, j] += impulses[c, i] * h }
      }
    }
    return (hidden, output)
  }

  @Test func neuronsWithoutWeightsStay() throws {
    var network = try PReLUNetwork<Float>(
      exponent: 3, hiddenWeights: Matrix([[0, 0], [1, 0]]), outputWeights: Matrix([[0, 1]]))
    let changes = network.apply(
      impulses: Matrix([[1]]), to: [0, 1], inputs: network.prepare(Matrix([[0.5, 0.5]])))
    #expect(changes[0] == 0 && changes[1] > 0)
    #expect(network.hiddenWeights.row(0) == [0, 0])
  }
}
