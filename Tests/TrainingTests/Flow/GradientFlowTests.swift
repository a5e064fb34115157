import Foundation
import Integration
import LinearCore
import Networks
import Testing

@testable import Training

@Suite("Gradient flow", .serialized)
struct GradientFlowTests {
  private func configuration(
    _ loss: Loss, tolerance: Double, endTime: Double
  ) -> FlowConfiguration {
    var result = FlowConfiguration(loss: loss, tolerance: tolerance, endTime: endTime)
    result.stopLoss = nil
    return result
  }

  @Test(
    "The same network as in plain coordinates", arguments: [1, 2, 3],
    [Loss.exponential, .squared, .crossEntropy])
  func plainCoordinates(p: Double, loss: Loss) throws {
    // Long enough for the outputs to leave 0 by far; p = 1 takes many small steps.
    let problem = try FlowProblem(p: p, loss: loss, scale: p == 1 ? 1e-2 : 1e-7)
    let end = p == 1 ? 20 : 120.0
    var settings = configuration(loss, tolerance: 1e-9, endTime: end)
    // At p = 1 solutions slide along the border of a sample's half space, where steps cannot be exact.
    settings.smallestStep = p == 1 ? 1e-2 : 0
    let flow = try problem.flow(settings)
    while flow.advance() == nil {}
    let plain = PlainFlow(problem: problem)
    let integrator = try Integrator(
      plain, method: .dormandPrince54,
      tolerances: [.init(range: 0..<plain.dimension, relative: 1e-10, absolute: 1e-18)],
      state: plain.start, minimumStep: settings.smallestStep!)
    let solution = integrator.integrate(to: end)
    #expect(solution.ending == .reached)
    let reference = solution.state.withUnsafeBufferPointer { plain.network($0) }
    let found = flow.state.network()
    let size = Double(reference.hiddenWeights.frobeniusNorm)
    #expect(size > 0.1, "the weights have grown")
    // A sliding step errs by h times a jump of 1/9, one sample of nine.
    let allowed = (p == 1 ? 1e-2 / 9 : 1e-6) * size
    for (a, b) in zip(found.hiddenWeights.elements, reference.hiddenWeights.elements) {
      #expect(abs(a - b) < allowed)
    }
    for (a, b) in zip(found.outputWeights.elements, reference.outputWeights.elements) {
      #expect(abs(a - b) < allowed)
    }
  }

  @Test("||w||^2 - ||v||^2 stays", arguments: [1, 1.5, 3], [Loss.exponential, .crossEntropy])
  func balancedness(p: Double, loss: Loss) throws {
    let problem = try FlowProblem(p: p, loss: loss, scale: 1e-3, normalizeInput: true)
    var settings = configuration(loss, tolerance: 1e-10, endTime: 60)
    // Where p < 2 makes the solution slide, the drift is of the second order of this step.
    settings.smallestStep = p < 2 ? 0.005 : 0
    let flow = try problem.flow(settings)
    while flow.advance() == nil {}
    let growth = flow.state.largestLogNorm - flow.initialState.largestLogNorm
    #expect(growth > 3, "the weights have grown by e^\(growth)")
    let drift = flow.state.balancednessDrift(since: flow.initialState)
    #expect(drift < 1e-9)
    // A coarser integration drifts more: the number does measure something.
    let coarse = try problem.flow(configuration(loss, tolerance: 1e-3, endTime: 60))
    while coarse.advance() == nil {}
    #expect(coarse.state.balancednessDrift(since: coarse.initialState) > 10 * drift)
  }

  @Test("Directions do not depend on the initial scale while outputs are tiny")
  func scaleDropsOut() throws {
    let problem = try FlowProblem(p: 3, loss: .logistic, scale: 1)
    let settings = configuration(.logistic, tolerance: 1e-9, endTime: 5)
    let states = try [1e-80, 1e-60].map { scale in
      let flow = try problem.flow(settings, logScale: log(scale))
      while flow.advance() == nil {}
      return flow.state
    }
    for i in states[0].layout.directions {
      #expect(states[0].values[i] == states[1].values[i])
    }
  }

  @Test("A single output weight may change its sign")
  func signChange() throws {
    // v < 0 and small, and a sample of class 1 that the neuron sees.
    let network = try PReLUNetwork<Double>(
      exponent: 3, hiddenWeights: Matrix([[1, 0]]), outputWeights: Matrix([[-0.1]]))
    let flow = try GradientFlow(
      network: network, logScale: log(1e-4), inputs: Matrix([[1, 0]]), labels: [1],
      configuration: configuration(.exponential, tolerance: 1e-9, endTime: 3))
    while flow.advance() == nil {}
    // While f is 0: r' = 1 - r^2, r = tanh(t + atanh r0).
    let ratio = flow.state.values[flow.state.layout.ratios.lowerBound]
    #expect(abs(ratio - tanh(3 + atanh(-0.1))) < 1e-6)
  }

  @Test("Same bytes on any number of threads, and after a resumption", arguments: [1e-4, 1e-7])
  func sameBytes(tolerance: Double) throws {
    let problem = try FlowProblem(
      p: 3, loss: .exponential, width: 150, dimension: 20, samples: 60, scale: 1e-2)
    let settings = configuration(.exponential, tolerance: tolerance, endTime: 30)
    let threads = Parallel.threadCount
    defer { Parallel.threadCount = threads }
    let results = try [1, 2].map { count in
      Parallel.threadCount = count
      let flow = try problem.flow(settings)
      while flow.advance() == nil {}
      return flow.state.values
    }
    #expect(results[0] == results[1])
    let first = try problem.flow(settings)
    for _ in 0..<7 { first.advance() }
    let text = try JSONEncoder().encode(first.checkpoint)
    let second = try problem.flow(settings)
    try second.resume(from: JSONDecoder().decode(GradientFlow.Checkpoint.self, from: text))
    while second.advance() == nil {}
    #expect(second.state.values == results[0])
  }

  @Test("Products in Float end where those in Double do, to the tolerance")
  func floatProducts() throws {
    let problem = try FlowProblem(
      p: 3, loss: .exponential, width: 20, dimension: 20, samples: 60, scale: 1e-2)
    var settings = configuration(.exponential, tolerance: 1e-5, endTime: 40)
    let states = try [FlowConfiguration.Precision.float, .double].map { precision in
      settings.precision = precision
      let flow = try problem.flow(settings)
      while flow.advance() == nil {}
      #expect(flow.roundingShare < 1)
      return flow.state
    }
    for i in states[0].layout.directions {
      #expect(abs(states[0].values[i] - states[1].values[i]) < 1e-4)
    }
  }

  @Test("Settings out of range are named")
  func refusals() throws {
    let problem = try FlowProblem(p: 3, loss: .exponential)
    func message(_ change: (inout FlowConfiguration) -> Void) -> String {
      var settings = FlowConfiguration(loss: .exponential)
      change(&settings)
      do {
        _ = try problem.flow(settings)
        return ""
      } catch { return "\(error)" }
    }
    #expect(message { $0.tolerance = 0 }.hasPrefix("tolerance is 0.0, expected"))
    #expect(message { $0.endTime = -1 }.hasPrefix("time is -1.0, expected"))
    #expect(message { $0.stopLoss = 1 }.hasPrefix("stop-loss is 1.0, expected"))
    #expect(
      message { $0.method = "euler" }.hasPrefix("integrator is euler, expected one of bogacki"))
    #expect(message { $0.loss = .crossEntropy }.hasPrefix("loss is cross-entropy with 1 outputs"))
  }
}
