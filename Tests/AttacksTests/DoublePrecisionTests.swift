import Attacks
import LinearCore
import Networks
import Testing

/// Where single precision has no gradient to follow, an evaluation moves to double precision.
@Suite struct DoublePrecisionTests {
  private func result(_ network: PReLUNetwork<Float>) throws -> RobustnessResult<Float> {
    let problem = NoisyProblem(alpha: 0.1)
    return try problem.evaluation(network)
      .run(network, inputs: problem.inputs, labels: problem.labels)
  }

  private func network(_ exponent: Double, hidden: Float, output: Float) -> PReLUNetwork<Float> {
    var network = NoisyProblem(alpha: 0.1).ideal(exponent).scaled(by: output)
    network.hiddenWeights.elements = network.hiddenWeights.elements.map { $0 * hidden }
    return network
  }

  /// Logits of 1e-39 and of 1e-50: below the normal numbers of single precision, and below all of them.
  @Test(arguments: [(6.0, 1e-9 as Float, 1e-30 as Float), (3, 1e-20, 1e-30), (1, 1e-30, 1e-25)])
  func radiiAreThoseOfTheRescaledTwin(_ exponent: Double, _ hidden: Float, _ output: Float) throws {
    let tiny = try result(network(exponent, hidden: hidden, output: output))
    let twin = try result(network(exponent, hidden: 1, output: 1))
    #expect(tiny.usedDoublePrecision && !twin.usedDoublePrecision)
    #expect(tiny.cleanAccuracy == 1 && twin.cleanAccuracy == 1)
    for (a, b) in zip(tiny.samples, twin.samples) {
      // Weights were rounded once more, each by 6e-8 of itself at most.
      #expect(abs(a.radius - b.radius) <= 1e-5 * b.radius, "\(exponent): sample \(a.index)")
    }
  }

  @Test(arguments: [1, 3, 6]) func largeLogitsThatOverflowAreNoObstacle(_ exponent: Double) throws {
    let large = try result(network(exponent, hidden: 1e20, output: 1e25))
    let twin = try result(network(exponent, hidden: 1, output: 1))
    #expect(large.usedDoublePrecision)
    for (a, b) in zip(large.samples, twin.samples) {
      #expect(abs(a.radius - b.radius) <= 1e-5 * b.radius, "\(exponent): sample \(a.index)")
    }
  }

  /// Chunks in memory.
  private final class Store: EvaluationStore {
    var chunks: [Int: EvaluationChunk<Float>] = [:]
    func chunk(_ number: Int) -> EvaluationChunk<Float>? { chunks[number] }
    func keep(_ chunk: EvaluationChunk<Float>, number: Int) { chunks[number] = chunk }
  }

  @Test func workInDoublePrecisionCanBeResumed() throws {
    let problem = NoisyProblem(alpha: 0.1)
    let network = network(3, hidden: 1e-20, output: 1e-30)
    var evaluation = try problem.evaluation(network)
    evaluation.batchSize = problem.labels.count / 2
    func run(_ store: Store) throws -> (result: RobustnessResult<Float>, attacks: Int) {
      var attacks = 0
      let result = try evaluation.run(
        network, inputs: problem.inputs, labels: problem.labels, store: store
      ) { _ in attacks += 1 }
      return (result, attacks)
    }
    let store = Store()
    let whole = try run(store)
    #expect(whole.result.usedDoublePrecision && store.chunks.count == 2)
    let cutOff = Store()
    cutOff.chunks[0] = store.chunks[0]
    let resumed = try run(cutOff)
    #expect(2 * resumed.attacks == whole.attacks)
    #expect(resumed.result.samples == whole.result.samples)
    #expect(resumed.result.perturbations == whole.result.perturbations)
  }

  @Test(arguments: [1, 1.5, 3, 6]) func ordinaryNetworksStayInSinglePrecision(_ exponent: Double)
    throws
  {
    for scale: Float in [1e-6, 1, 1e6] {
      #expect(try !result(network(exponent, hidden: 1, output: scale)).usedDoublePrecision)
    }
  }
}
