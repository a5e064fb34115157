import LinearCore
import Networks
import Testing

@Suite struct ImpulseTests {
  /// Impulses of learning rate x derivative of the loss make one step of gradient descent.
  @Test(arguments: [1, 1.5, 2, 3], [(1, false), (3, true)])
  func oneStepIsThatOfGradientDescent(_ exponent: Double, shape: (outputs: Int, normalize: Bool))
    throws
  {
    let stream = RandomStream(seed: 5)
    let inputs = Matrix<Double>.gaussian(rows: 700, columns: 12, stream: stream.child("inputs"))
    let labels = (0..<700).map { $0 % max(2, shape.outputs) }
    let network = try PReLUNetwork<Double>(
      inputDimension: 12, hiddenWidth: 300, outputCount: shape.outputs, exponent: exponent,
      initialization: .gaussian(scale: 0.3), normalizeInput: shape.normalize,
      stream: stream.child("network"))
    let loss = shape.outputs == 1 ? Loss.logistic : .crossEntropy
    let gradient = network.parameterGradient(inputs: inputs, labels: labels, loss: loss)
    let prepared = network.prepare(inputs)
    let derivative = loss.valueAndDerivative(network.logits(inputs), labels: labels).derivative
    let rate = 0.1
    var impulses = Matrix<Double>(rows: shape.outputs, columns: 700)
    for i in 0..<700 {
      for c in 0..<shape.outputs {
        impulses[c, i] = rate / 700 * derivative[i, c] * (prepared.outputScales?[i] ?? 1)
      }
    }
    // Not all neurons, and not in order: the others stay.
    let moving = (0..<300).filter { $0 % 7 != 3 }.reversed().map { $0 }
    var moved = network
    let changes = moved.apply(impulses: impulses, to: moving, inputs: prepared)
    for (neuron, change) in zip(moving, changes) {
      var (step, size) = (0.0, 0.0)
      for i in 0..<12 {
        let (old, new) = (network.hiddenWeights[neuron, i], moved.hiddenWeights[neuron, i])
        #expect(abs(new - (old - rate * gradient.hiddenWeights[neuron, i])) < 1e-12)
        step += (new - old) * (new - old)
        size += old * old
      }
      for c in 0..<shape.outputs {
        let (old, new) = (network.outputWeights[c, neuron], moved.outputWeights[c, neuron])
        #expect(abs(new - (old - rate * gradient.outputWeights[c, neuron])) < 1e-12)
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

  @Test func neuronsWithoutWeightsStay() throws {
    var network = try PReLUNetwork<Float>(
      exponent: 3, hiddenWeights: Matrix([[0, 0], [1, 0]]), outputWeights: Matrix([[0, 1]]))
    let changes = network.apply(
      impulses: Matrix([[1]]), to: [0, 1], inputs: network.prepare(Matrix([[0.5, 0.5]])))
    #expect(changes[0] == 0 && changes[1] > 0)
    #expect(network.hiddenWeights.row(0) == [0, 0])
  }
}
