import DeepNetworks
import LinearCore
import Networks
import Testing

/// Central differences of this step in double precision: truncation of the order step^2, also where the
/// third derivative of a fractional power is large, and rounding of the order ulp / step = 2e-10.
let differenceStep = 1e-6

/// The weighted sum of a layer's outputs, whose derivatives the tests take.
func weightedSum(_ outputs: Matrix<Double>, _ weights: Matrix<Double>) -> Double {
  zip(outputs.elements, weights.elements).reduce(0) { $0 + $1.0 * $1.1 }
}

/// Compares a layer's way back with differences of its way forth, for the inputs and every trained
/// number.
func expectGradientsMatchDifferences(
  of layer: some Layer, input: FeatureShape, inputs: Matrix<Double>,
  parameters: [Matrix<Double>], mode: PassMode = .evaluation,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let output = try layer.outputShape(for: input)
  let weights = Matrix<Double>.gaussian(
    rows: inputs.rows, columns: output.count, stream: RandomStream(seed: 77))
  func value(_ inputs: Matrix<Double>, _ parameters: [Matrix<Double>]) -> Double {
    weightedSum(
      layer.forward(inputs, shape: input, parameters: parameters, mode: mode).outputs, weights)
  }
  let pass = layer.forward(inputs, shape: input, parameters: parameters, mode: mode)
  #expect(pass.outputs.rows == inputs.rows && pass.outputs.columns == output.count)
  let gradient = pass.backward(weights, [.inputs, .parameters])
  let inputGradient = try #require(gradient.inputs, sourceLocation: sourceLocation)
  var worst = 0.0
  for i in inputs.elements.indices {
    let values = [differenceStep, -differenceStep].map { distance in
      var moved = inputs
      moved.elements[i] += distance
      return value(moved, parameters)
    }
    let expected = (values[0] - values[1]) / (2 * differenceStep)
    worst = max(worst, abs(inputGradient.elements[i] - expected))
  }
  #expect(worst < 1e-6, "inputs", sourceLocation: sourceLocation)
  #expect(gradient.parameters.count == parameters.count, sourceLocation: sourceLocation)
  for (number, tensor) in parameters.enumerated() {
    var worst = 0.0
    for i in tensor.elements.indices {
      let values = [differenceStep, -differenceStep].map { distance in
        var moved = parameters
        moved[number].elements[i] += distance
        return value(inputs, moved)
      }
      let expected = (values[0] - values[1]) / (2 * differenceStep)
      worst = max(worst, abs(gradient.parameters[number].elements[i] - expected))
    }
    #expect(worst < 1e-6, "parameter \(number)", sourceLocation: sourceLocation)
  }
  // What is asked for alone is the same.
  #expect(pass.backward(weights, .inputs).inputs == inputGradient, sourceLocation: sourceLocation)
  #expect(
    pass.backward(weights, .parameters).parameters == gradient.parameters,
    sourceLocation: sourceLocation)
}

/// Random tensors in the shapes of a layer.
func randomParameters(
  of layer: some Layer, input: FeatureShape, scale: Double = 1, seed: UInt64 = 5
) -> [Matrix<Double>] {
  layer.parameters(for: input).map {
    .gaussian(
      rows: $0.rows, columns: $0.columns, standardDeviation: scale,
      stream: RandomStream(seed: seed).child($0.name))
  }
}

/// A batch of random samples.
func randomInputs(_ count: Int, _ shape: FeatureShape, seed: UInt64 = 3) -> Matrix<Double> {
  .gaussian(rows: count, columns: shape.count, stream: RandomStream(seed: seed))
}
