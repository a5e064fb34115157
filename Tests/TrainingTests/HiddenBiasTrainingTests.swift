import Foundation
import LinearCore
import Networks
import Testing

@testable import Training

/// Training with hidden biases is training on inputs with one more coordinate; a frozen output layer stays.
@Suite struct HiddenBiasTrainingTests {
  static let problem = SmallProblem(samples: 40, dimension: 6)

  static func network(hasHiddenBias: Bool, p: Double) throws -> PReLUNetwork<Float> {
    try PReLUNetwork<Float>(
      inputDimension: 6, hiddenWidth: 12, outputCount: 1, exponent: p,
      initialization: .gaussian(scale: 0.2), bias: true, hasHiddenBias: hasHiddenBias,
      stream: RandomStream(seed: 2))
  }

  static func trained(
    _ network: PReLUNetwork<Float>, _ inputs: Matrix<Float>, _ optimizer: OptimizerConfiguration,
    freezesOutput: Bool = false
  ) throws -> PReLUNetwork<Float> {
    var trainer = try Trainer(
      network: network, inputs: inputs, labels: problem.labels,
      configuration: TrainingConfiguration(
        loss: .logistic, optimizer: optimizer, epochs: 5, batchSize: 8, seed: 3,
        freezesOutput: freezesOutput))
    try trainer.train()
    return trainer.network
  }

  @Test(arguments: TrainerTests.optimizers, [1, 3.0])
  func stepsAreThoseOfOneMoreCoordinate(optimizer: OptimizerConfiguration, p: Double) throws {
    let start = try Self.network(hasHiddenBias: true, p: p)
    let biased = try Self.trained(start, Self.problem.inputs, optimizer)
    let plain = try Self.trained(start.augmented, Self.problem.inputs.appendingOnes(), optimizer)
    #expect(biased.hiddenWeights == plain.hiddenWeights)
    #expect(biased.outputWeights == plain.outputWeights && biased.outputBias == plain.outputBias)
    #expect(biased.hasHiddenBias && biased.hiddenBias != start.hiddenBias)
  }

  @Test(arguments: TrainerTests.optimizers, [true, false])
  func frozenOutputsStay(optimizer: OptimizerConfiguration, hasHiddenBias: Bool) throws {
    let start = try Self.network(hasHiddenBias: hasHiddenBias, p: 1)
    let end = try Self.trained(start, Self.problem.inputs, optimizer, freezesOutput: true)
    #expect(end.outputWeights == start.outputWeights && end.outputBias == start.outputBias)
    #expect(end.hiddenWeights != start.hiddenWeights)
  }

  /// One step of gradient descent by hand: w <- w - rate dL/dw with the output layer untouched.
  @Test func oneFrozenStep() throws {
    let network = try PReLUNetwork<Float>(
      exponent: 1, hiddenWeights: Matrix([[1, 0]]), hiddenBias: [0.5],
      outputWeights: Matrix([[0.25]]))
    var trainer = try Trainer(
      network: network, inputs: Matrix([[1, 2]]), labels: [1],
      configuration: TrainingConfiguration(
        loss: .exponential, optimizer: .sgd(learningRate: 0.1), epochs: 1, batchSize: 1,
        freezesOutput: true))
    try trainer.train()
    let pull = 0.1 * 0.25 * exp(Float(-0.25 * 1.5))
    for (found, expected) in zip(
      trainer.network.hiddenWeights.elements, [1 + pull, 2 * pull, 0.5 + pull])
    { #expect(abs(found - expected) < 1e-6) }
    #expect(trainer.network.outputWeights == network.outputWeights)
  }

  @Test func configurationsOfOtherRunsStayAsTheyWere() throws {
    let encoder = JSONEncoder()
    let text = String(decoding: try encoder.encode(TrainingConfiguration()), as: UTF8.self)
    #expect(!text.contains("freezesOutput"))
    let frozen = TrainingConfiguration(freezesOutput: true)
    let read = try JSONDecoder().decode(
      TrainingConfiguration.self, from: encoder.encode(frozen))
    #expect(read == frozen && read.freezesOutput)
    let flow = try JSONDecoder().decode(
      FlowConfiguration.self, from: encoder.encode(FlowConfiguration(freezesOutput: true)))
    #expect(flow.freezesOutput)
  }

  @Test(arguments: [1.0, 3]) func flowIsThatOfOneMoreCoordinate(p: Double) throws {
    let network = try Self.network(hasHiddenBias: true, p: p).converted(to: Double.self)
    let inputs: Matrix<Double> = Self.problem.inputs.converted()
    func end(_ network: PReLUNetwork<Double>, _ inputs: Matrix<Double>) throws -> FlowState {
      let flow = try GradientFlow(
        network: network, inputs: inputs, labels: Self.problem.labels,
        configuration: FlowConfiguration(
          loss: .logistic, tolerance: 1e-6, endTime: 3, stopLoss: nil))
      while flow.advance() == nil {}
      return flow.state
    }
    let biased = try end(network, inputs)
    let plain = try end(network.augmented, inputs.appendingOnes())
    #expect(biased.values == plain.values)
    #expect(biased.network().hasHiddenBias && biased.inputDirections.columns == 6)
  }

  /// With a frozen output the flow is dw/dt = -dL/dw: steps of gradient descent of a small rate follow it.
  @Test(arguments: [1.0, 2]) func frozenFlowIsTheLimitOfSmallSteps(p: Double) throws {
    let network = try Self.network(hasHiddenBias: true, p: p).converted(to: Double.self)
    let inputs: Matrix<Double> = Self.problem.inputs.converted()
    let flow = try GradientFlow(
      network: network, inputs: inputs, labels: Self.problem.labels,
      configuration: FlowConfiguration(
        loss: .logistic, tolerance: 1e-8, endTime: 2, stopLoss: nil, freezesOutput: true))
    while flow.advance() == nil {}
    let found = flow.state.network()
    // At p = 1 steps are forced where samples become active.
    let allowance = p == 1 ? 1e-4 : 1e-6
    for (a, b) in zip(found.outputWeights.elements, network.outputWeights.elements) {
      #expect(abs(a - b) <= allowance * abs(b))
    }
    #expect(flow.state.balancednessDrift(since: flow.initialState) < allowance)
    var steps = network
    let rate = 1e-3
    for _ in 0..<2000 {
      let gradient = steps.parameterGradient(
        inputs: inputs, labels: Self.problem.labels, loss: .logistic)
      for i in steps.hiddenWeights.elements.indices {
        steps.hiddenWeights.elements[i] -= rate * gradient.hiddenWeights.elements[i]
      }
    }
    for (a, b) in zip(found.hiddenWeights.elements, steps.hiddenWeights.elements) {
      #expect(abs(a - b) < 2e-3)
    }
  }
}
