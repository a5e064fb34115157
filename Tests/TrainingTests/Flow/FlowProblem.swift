import Foundation
import Integration
import LinearCore
import Networks

@testable import Training

/// A small random network with random data.
struct FlowProblem {
  var network: PReLUNetwork<Double>
  var inputs: Matrix<Double>
  var labels: [Int]
  var loss: Loss

  init(
    p: Double, loss: Loss, width: Int = 5, dimension: Int = 6, samples: Int = 9,
    scale: Double = 0.7, bias: Bool = false, center: Bool = false, normalizeInput: Bool = false,
    seed: UInt64 = 1
  ) throws {
    let stream = RandomStream(seed: seed)
    let classes = loss.isBinary ? 1 : 3
    inputs = .gaussian(
      rows: samples, columns: dimension, standardDeviation: 0.5, stream: stream.child("inputs"))
    var draws = stream.child("labels")
    labels = (0..<samples).map { _ in Int.random(in: 0..<max(2, classes), using: &draws) }
    network = try PReLUNetwork(
      inputDimension: dimension, hiddenWidth: width, outputCount: classes, exponent: p,
      initialization: .gaussian(scale: scale), bias: bias,
      center: center ? inputs.columnMeans() : nil, normalizeInput: normalizeInput,
      stream: stream.child("network"))
    self.loss = loss
  }

  /// The flow with some settings.
  func flow(_ configuration: FlowConfiguration, logScale: Double = 0) throws -> GradientFlow {
    try GradientFlow(
      network: network, logScale: logScale, inputs: inputs, labels: labels,
      configuration: configuration)
  }

  /// -dL/dw and -dL/dv by the code path that stochastic training is tested with.
  func velocities() -> (hidden: Matrix<Double>, output: Matrix<Double>, bias: [Double]) {
    let gradient = network.parameterGradient(inputs: inputs, labels: labels, loss: loss)
    func negated(_ matrix: Matrix<Double>) -> Matrix<Double> {
      Matrix(rows: matrix.rows, columns: matrix.columns, elements: matrix.elements.map { -$0 })
    }
    return (
      negated(gradient.hiddenWeights), negated(gradient.outputWeights),
      gradient.outputBias.map { -$0 }
    )
  }
}

/// The slow twin: gradient flow in the weights themselves.
struct PlainFlow: DifferentialSystem {
  let problem: FlowProblem

  var dimension: Int {
    problem.network.hiddenWeights.elements.count + problem.network.outputWeights.elements.count
  }

  var start: [Double] {
    problem.network.hiddenWeights.elements + problem.network.outputWeights.elements
  }

  /// The network with the weights of a state.
  func network(_ state: UnsafeBufferPointer<Double>) -> PReLUNetwork<Double> {
    var network = problem.network
    let hidden = network.hiddenWeights.elements.count
    network.hiddenWeights.elements = Array(state[..<hidden])
    network.outputWeights.elements = Array(state[hidden...])
    return network
  }

  func derivative(
    time: Double, state: UnsafePointer<Double>, into derivative: UnsafeMutablePointer<Double>
  ) {
    var moved = problem
    moved.network = network(UnsafeBufferPointer(start: state, count: dimension))
    let velocities = moved.velocities()
    for (i, value) in (velocities.hidden.elements + velocities.output.elements).enumerated() {
      derivative[i] = value
    }
  }
}

/// The exponential integral Ei(z) for z > 0, by its power series (Abramowitz and Stegun 5.1.10).
func exponentialIntegral(_ z: Double) -> Double {
  var sum = 0.5772156649015328606 + log(z)
  var term = 1.0
  for k in 1...200 {
    term *= z / Double(k)
    sum += term / Double(k)
    if term < 1e-18 * sum.magnitude { break }
  }
  return sum
}
