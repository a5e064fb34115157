import Foundation
import LinearCore
import Networks
import Testing

@testable import Training

@Suite("Equations of gradient flow")
struct FlowEquationTests {
  static let options: [(bias: Bool, center: Bool, normalizeInput: Bool)] = [
    (false, false, false), (true, false, false), (false, true, true), (true, true, true),
  ]

  /// u' = (w' - <u, w'> u)/||w||, (v/||w||)' = v'/||w|| - (v/||w||) l', l' = <u, w'>/||w||, with w' and v'
  /// from the gradient of the weights.
  @Test(
    "Velocities of the coordinates are those of the weights, transformed",
    arguments: [1, 1.5, 2, 3, 4.7], Loss.allCases)
  func chainRule(p: Double, loss: Loss) throws {
    for option in Self.options {
      let problem = try FlowProblem(
        p: p, loss: loss, bias: option.bias, center: option.center,
        normalizeInput: option.normalizeInput)
      let state = try FlowState(problem.network)
      let system = FlowRightHandSide(
        state, inputs: problem.inputs, labels: problem.labels, loss: loss, usesFloat: false)
      var found = [Double](repeating: .nan, count: state.layout.count)
      system.derivative(time: 0, state: state.values, into: &found)
      let velocities = problem.velocities()
      var expected = found
      let dimension = state.layout.neuronDimension
      for j in 0..<state.layout.hiddenWidth {
        let w = problem.network.hiddenWeights.row(j)
        let velocity = velocities.hidden.row(j)
        let norm = zip(w, w).reduce(0) { $0 + $1.0 * $1.1 }.squareRoot()
        let radial = zip(w, velocity).reduce(0) { $0 + $1.0 * $1.1 } / norm
        for i in 0..<dimension {
          expected[j * dimension + i] = (velocity[i] - radial * w[i] / norm) / norm
        }
        expected[state.layout.logNorms.lowerBound + j] = radial / norm
        for c in 0..<state.layout.outputCount {
          let ratio = problem.network.outputWeights[c, j] / norm
          expected[state.layout.ratios.lowerBound + j * state.layout.outputCount + c] =
            velocities.output[c, j] / norm - ratio * radial / norm
        }
      }
      for c in 0..<state.layout.bias.count {
        expected[state.layout.bias.lowerBound + c] = velocities.bias[c]
      }
      // Sums of about a hundred terms of order 1.
      for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-13 * (1 + abs(b))) }
    }
  }

  @Test("Coordinates and network are each other's inverse, at any scale", arguments: [1.0, 1e-80])
  func roundTrip(scale: Double) throws {
    let problem = try FlowProblem(p: 3, loss: .crossEntropy, bias: true)
    let state = try FlowState(problem.network, logScale: log(scale))
    let back = state.network(logScale: -log(scale))
    for (a, b) in zip(back.hiddenWeights.elements, problem.network.hiddenWeights.elements) {
      // exp(l) has the absolute error of l, which is up to 184.
      #expect(abs(a - b) < 1e-13)
    }
    for (a, b) in zip(back.outputWeights.elements, problem.network.outputWeights.elements) {
      #expect(abs(a - b) < 1e-13)
    }
    #expect(back.outputBias == problem.network.outputBias)
  }

  @Test("A direction that is not of length 1 moves as its unit vector does")
  func lengthDoesNotMatter() throws {
    let problem = try FlowProblem(p: 2.5, loss: .logistic)
    let state = try FlowState(problem.network)
    var stretched = state
    for i in state.layout.directions { stretched.values[i] *= 1.25 }
    let system = FlowRightHandSide(
      state, inputs: problem.inputs, labels: problem.labels, loss: .logistic, usesFloat: false)
    var a = [Double](repeating: 0, count: state.layout.count)
    var b = a
    system.derivative(time: 0, state: state.values, into: &a)
    system.derivative(time: 1, state: stretched.values, into: &b)
    for i in state.layout.directions { #expect(abs(1.25 * a[i] - b[i]) < 1e-14) }
    for i in state.layout.ratios.lowerBound..<state.layout.count {
      #expect(abs(a[i] - b[i]) < 1e-14)
    }
  }

  @Test("A neuron without weights is refused by name")
  func emptyNeuron() throws {
    var problem = try FlowProblem(p: 3, loss: .logistic)
    problem.network.hiddenWeights.setRow(2, [Double](repeating: 0, count: 6))
    #expect {
      try FlowState(problem.network)
    } throws: {
      "\($0)".contains("neuron 2 with hidden weights 0")
    }
  }
}
