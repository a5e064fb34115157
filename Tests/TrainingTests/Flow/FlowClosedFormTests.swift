import Foundation
import LinearCore
import Networks
import Testing

@testable import Training

/// One neuron with v = ||w||, pointing at the one sample, which has length 1: z = v ||w|| is the output, and
/// dz/dt = -2 z L'(z).
@Suite("Gradient flow against closed forms")
struct FlowClosedFormTests {
  /// The closed form as H(z(t)) - H(z(0)) = 2 t.
  static func integral(_ loss: Loss, _ z: Double) -> Double {
    switch loss {
    case .exponential: exponentialIntegral(z)
    case .logistic: log(z) + exponentialIntegral(z)
    case .squared: log(z) - log1p(-z)
    case .crossEntropy: .nan
    }
  }

  func flow(
    _ loss: Loss, p: Double, logScale: Double, _ configuration: FlowConfiguration
  ) throws -> GradientFlow {
    let x = [0.6, 0, -0.8]
    let network = try PReLUNetwork<Double>(
      exponent: p, hiddenWeights: Matrix([x]), outputWeights: Matrix([[1]]))
    return try GradientFlow(
      network: network, logScale: logScale, inputs: Matrix([x]), labels: [1],
      configuration: configuration)
  }

  @Test(
    "One neuron and one sample", arguments: [Loss.exponential, .logistic, .squared],
    [1.0, 2.5, 3])
  func oneNeuron(loss: Loss, p: Double) throws {
    for scale in [1e-3, 1e-7, 1e-80] {
      let start = 2 * log(scale)
      // Until the output is of order 1, and beyond; the logistic loss starts at half the speed.
      let end = -start / (loss == .logistic ? 1 : 2) + 3
      var configuration = FlowConfiguration(loss: loss, tolerance: 1e-10, endTime: end)
      configuration.stopLoss = nil
      let flow = try flow(loss, p: p, logScale: log(scale), configuration)
      while flow.advance() == nil {}
      #expect(flow.ending == .endTime && flow.time == end)
      let state = flow.state
      let z =
        exp(2 * state.values[state.layout.logNorms.lowerBound])
        * state.values[state.layout.ratios.lowerBound]
      // H(z0) = its leading terms for a z0 that is 0 beside 1.
      let first =
        start + (loss == .exponential ? 0.5772156649015328606 + exp(start) : 0)
        + (loss == .logistic ? 0.5772156649015328606 + start + exp(start) : 0)
        + (loss == .squared ? exp(start) : 0)
      let reference = Self.solve(loss, first + 2 * end)
      #expect(abs(z / reference - 1) < 1e-8, "scale \(scale): \(z) against \(reference)")
    }
  }

  /// z with H(z) = value, by bisection.
  static func solve(_ loss: Loss, _ value: Double) -> Double {
    var (low, high) = (1e-12, loss == .squared ? 1 - 1e-16 : 40.0)
    for _ in 0..<200 {
      let middle = (low + high) / 2
      if integral(loss, middle) < value { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  @Test("Phases end when the closed form says so")
  func phases() throws {
    let scale = 1e-5
    var configuration = FlowConfiguration(loss: .squared, tolerance: 1e-8, endTime: 100)
    configuration.stopLoss = 0.01
    let flow = try flow(.squared, p: 3, logScale: log(scale), configuration)
    while flow.advance() == nil {}
    func time(_ z: Double) -> Double {
      (Self.integral(.squared, z) - Self.integral(.squared, scale * scale)) / 2
    }
    // The neuron points at its sample from the start, so its direction has settled at once.
    #expect(flow.phases.alignmentTime == 0 && flow.phases.alignmentEnd == .directions)
    // (1 - z)^2 / 2 is a tenth, a hundredth of 1/2.
    let fitting = try #require(flow.phases.fittingTime)
    #expect(abs(fitting - time(1 - 0.1.squareRoot())) < 1e-6)
    #expect(flow.ending == .stopLoss && abs(flow.time - time(0.9)) < 1e-6)
    #expect(flow.phases.name(at: fitting / 2) == "fitting")
    #expect(flow.phases.current == "convergence")
  }
}
