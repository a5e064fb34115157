import LinearCore
import Networks
import Testing

@Suite struct InitializationTests {
  private func network<Scalar: LinearScalar>(
    _: Scalar.Type, _ initialization: Initialization, width: Int = 200, outputs: Int = 10,
    bias: Bool = true, seed: UInt64 = 1
  ) throws -> PReLUNetwork<Scalar> {
    try PReLUNetwork(
      inputDimension: 300, hiddenWidth: width, outputCount: outputs, exponent: 2,
      initialization: initialization, bias: bias, stream: RandomStream(seed: seed))
  }

  @Test func kaimingIsUniformWithinItsBounds() throws {
    let network = try network(Float.self, .kaiming)
    let hidden = network.hiddenWeights.elements
    let output = network.outputWeights.elements
    for (values, bound) in [
      (hidden, (6.0 / 200).squareRoot()), (output, 1 / 200.0.squareRoot()),
      (network.outputBias ?? [], 1 / 200.0.squareRoot()),
    ] {
      #expect(values.allSatisfy { abs($0) <= Float(bound) })
      expectMoments(values, variance: bound * bound / 3, kurtosis: 1.8)
    }
    // All of the interval is used: the largest of n is short of the bound by bound / n on average.
    let bound = (6.0 / 200).squareRoot()
    let largest = Double(hidden.reduce(0) { max($0, abs($1)) })
    #expect(largest > bound * (1 - 20.0 / 60_000))
  }

  @Test(arguments: [1e-7, 1, 30]) func gaussianHasItsScale(scale: Double) throws {
    let network = try network(Float.self, .gaussian(scale: scale))
    for values in [network.hiddenWeights.elements, network.outputWeights.elements] {
      expectMoments(values, variance: scale * scale, kurtosis: 3)
    }
    #expect(network.outputBias == [Float](repeating: 0, count: 10))
  }

  /// Mean 0 and the variance, each to 5 standard errors.
  private func expectMoments(_ values: [Float], variance: Double, kurtosis: Double) {
    let n = Double(values.count)
    let mean = values.reduce(0) { $0 + Double($1) } / n
    let second = values.reduce(0) { $0 + Double($1) * Double($1) } / n
    #expect(abs(mean) <= 5 * (variance / n).squareRoot())
    #expect(abs(second - variance) <= 5 * variance * ((kurtosis - 1) / n).squareRoot())
  }

  @Test(arguments: [Initialization.kaiming, .gaussian(scale: 0.1)])
  func partsAreDrawnIndependently(_ initialization: Initialization) throws {
    let base = try network(Double.self, initialization)
    let withoutBias = try network(Double.self, initialization, bias: false)
    #expect(withoutBias.outputBias == nil)
    #expect(withoutBias.hiddenWeights == base.hiddenWeights)
    #expect(withoutBias.outputWeights == base.outputWeights)
    let fewerOutputs = try network(Double.self, initialization, outputs: 3)
    #expect(fewerOutputs.hiddenWeights == base.hiddenWeights)
    let other = try network(Double.self, initialization, seed: 2)
    #expect(zip(other.hiddenWeights.elements, base.hiddenWeights.elements).allSatisfy { $0 != $1 })
    // Hidden and output weights share no numbers: up to their scale they would be equal.
    let ratio = base.outputWeights[0, 0] / base.hiddenWeights[0, 0]
    #expect(base.outputWeights[0, 1] / base.hiddenWeights[0, 1] != ratio)
  }

  /// Both types hold the same numbers, each rounded once.
  @Test(arguments: [Initialization.kaiming, .gaussian(scale: 0.1)])
  func typesAgree(_ initialization: Initialization) throws {
    let wide = try network(Double.self, initialization)
    #expect(try network(Float.self, initialization) == wide.converted(to: Float.self))
  }

  @Test(arguments: [0, -1, Double.nan, .infinity, 1e-30, 1e39]) func refusesScales(scale: Double) {
    #expect(throws: NetworkError.self) { try network(Float.self, .gaussian(scale: scale)) }
  }

  @Test func refusesSizes() {
    for (dimension, width, outputs) in [(0, 1, 1), (1, 0, 1), (1, 1, 0), (-1, 2, 2)] {
      #expect(throws: NetworkError.self) {
        try PReLUNetwork<Float>(
          inputDimension: dimension, hiddenWidth: width, outputCount: outputs, exponent: 1,
          initialization: .kaiming, stream: RandomStream(seed: 0))
      }
    }
  }
}
