import Datasets
import Formats
import Foundation
import LinearCore
import Networks
import Testing

@testable import Training

/// The mixture experiment in small: clusters in 60 dimensions, weights of size 1e-7.
private struct SmallMixture {
  let train: Dataset
  let test: Dataset

  init(alpha: Double) throws {
    let mixture = OrthonormalMixture(
      dimension: 60, subclasses: 6, positive: 4, alpha: alpha, samples: 600)
    train = try mixture.generate(stream: RandomStream(seed: 1))
    test = try mixture.generate(stream: RandomStream(seed: 1), part: "test")
  }

  func trainer<Scalar: LinearScalar>(
    _ exponent: Double, epochs: Int, thinning: Thinning?, width: Int = 120, scalar: Scalar.Type
  ) throws -> Trainer<Scalar> {
    let network = try PReLUNetwork<Double>(
      inputDimension: 60, hiddenWidth: width, outputCount: 1, exponent: exponent,
      initialization: .gaussian(scale: 1e-7), stream: RandomStream(seed: 2))
    return try Trainer(
      network: network.converted(to: Scalar.self), inputs: train.inputs.converted(),
      labels: train.labels,
      configuration: TrainingConfiguration(
        loss: .exponential, optimizer: .sgd(learningRate: 0.2), epochs: epochs, batchSize: 10,
        seed: 3, thinning: thinning))
  }
}

@Suite(.serialized) struct ThinningTests {
  /// The slow twin moves every neuron in every step.
  @Test(arguments: [1, 2, 2.5, 3], [0.05, 0.3])
  func outputsAgreeWithEveryNeuronInEveryStep(_ exponent: Double, alpha: Double) throws {
    let mixture = try SmallMixture(alpha: alpha)
    let epochs = 40
    var whole = try mixture.trainer(exponent, epochs: epochs, thinning: nil, scalar: Double.self)
    var thinned = try mixture.trainer(
      exponent, epochs: epochs, thinning: Thinning(), scalar: Double.self)
    try whole.train()
    try thinned.train()
    #expect(whole.record.thinning == nil)
    let record = try #require(thinned.record.thinning)
    // At p = 2 directions turn slowly and neurons stay different.
    #expect(record.epochsOfWork < (exponent == 2 ? 0.8 : 0.6) * Double(epochs))
    #expect(record.largestWaitingMargin <= 2e-6)
    let inputs: Matrix<Double> = mixture.test.inputs.converted()
    let (expected, found) = (whole.network.logits(inputs), thinned.network.logits(inputs))
    let scale = expected.elements.reduce(0) { max($0, abs($1)) }
    #expect(scale > 1, "the network has learned something")
    #expect(Double(expected.largestDifference(from: found)) < 1e-4 * scale)
    for (a, b) in zip(whole.record.epochs, thinned.record.epochs) {
      #expect(abs(a.loss / b.loss - 1) < 1e-3)
    }
  }

  /// Neurons c_j (w, v) of the same (w, v) move as one: exactly, not to first order.
  @Test(arguments: [1, 1.5, 3]) func proportionalNeuronsMoveAsOne(_ exponent: Double) throws {
    let mixture = try SmallMixture(alpha: 0.1)
    let base = try PReLUNetwork<Double>(
      inputDimension: 60, hiddenWidth: 3, outputCount: 1, exponent: exponent,
      initialization: .gaussian(scale: 0.3), stream: RandomStream(seed: 8))
    let multiples: [(Int, Double)] = [(0, 1), (1, 1), (0, 0.5), (2, 1), (1, 2), (0, 0.01)]
    var network = try PReLUNetwork(
      exponent: exponent, hiddenWeights: base.hiddenWeights.rows(at: multiples.map(\.0)),
      outputWeights: Matrix([multiples.map { base.outputWeights[0, $0.0] * $0.1 }]))
    for (j, multiple) in multiples.enumerated() {
      network.hiddenWeights.scaleRow(j, by: multiple.1)
    }
    let groups = ProportionalNeurons(network: network, tolerance: 1e-9)
      .groups(of: Array(0..<6), mergeable: { _ in true })
    #expect(
      groups.map { $0.members.sorted() }.sorted { $0[0] < $1[0] } == [[0, 2, 5], [1, 4], [3]])

    let configuration = TrainingConfiguration(
      loss: .logistic, optimizer: .sgd(learningRate: 0.2), thinning: nil)
    var plain = try Trainer(
      network: network, inputs: mixture.train.inputs.converted(), labels: mixture.train.labels,
      configuration: configuration)
    let optimizer = configuration.optimizer.makeOptimizer(for: network)
    var merged = MergedNetwork(network, groups: groups, batchSize: 10)
    let inputs = network.prepare(mixture.train.inputs.converted())
    for start in stride(from: 0, to: 300, by: 10) {
      let batch = Array(start..<start + 10)
      let expected = plain.step(batch)
      let found = merged.step(
        inputs: inputs.subset(batch), labels: batch.map { mixture.train.labels[$0] },
        loss: .logistic, optimizer: optimizer)
      #expect(abs(expected.lossSum - found.lossSum) < 1e-11)
    }
    _ = merged.carryOver(to: &network)
    #expect(network.hiddenWeights.largestDifference(from: plain.network.hiddenWeights) < 1e-12)
    #expect(network.outputWeights.largestDifference(from: plain.network.outputWeights) < 1e-12)
  }

  /// Stopped while neurons wait for their update.
  @Test(arguments: [1, 3]) func resumedRunEndsInTheSameBytes(_ exponent: Double) throws {
    let mixture = try SmallMixture(alpha: 0.1)
    var whole = try mixture.trainer(
      exponent, epochs: 40, thinning: Thinning(), scalar: Float.self)
    var first = try mixture.trainer(
      exponent, epochs: 40, thinning: Thinning(), scalar: Float.self)
    while first.record.epochs.count < 40 {
      try first.runEpoch()
      if let waiting = first.checkpoint().thinning?.waiting, waiting.schedule.elapsed > 0 { break }
    }
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("thinned-\(UUID().uuidString).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(first.checkpoint().thinning?.waiting != nil)
    try first.checkpoint().write(to: path)
    let stored = try Checkpoint<Float>(path: path)
    #expect(stored == first.checkpoint())
    var second = try mixture.trainer(
      exponent, epochs: 40, thinning: Thinning(), scalar: Float.self)
    try second.resume(from: stored)
    try second.train()
    try whole.train()
    #expect(second.checkpoint() == whole.checkpoint())
  }

  /// A damaged file must not crash the run.
  @Test func statesOfOtherRunsAreRefused() throws {
    let mixture = try SmallMixture(alpha: 0.1)
    var trainer = try mixture.trainer(3, epochs: 40, thinning: Thinning(), scalar: Float.self)
    while trainer.checkpoint().thinning?.waiting == nil { try trainer.runEpoch() }
    let good = trainer.checkpoint()
    func refuses(_ damage: (inout ThinningState<Float>) -> Void) -> Bool {
      var bad = good
      damage(&bad.thinning!)
      do {
        try trainer.resume(from: bad)
        return false
      } catch { return "\(error)".contains("another network") }
    }
    #expect(!refuses { _ in })
    #expect(refuses { $0.motion.removeLast() })
    #expect(refuses { $0.waiting!.impulses = Matrix(rows: 1, columns: 7) })
    let schedule = good.thinning!.waiting!.schedule
    #expect(
      refuses {
        $0.waiting!.schedule = .init(neurons: [120], interval: schedule.interval)
      })
    #expect(
      refuses { $0.waiting!.schedule = .init(neurons: [3, 3], interval: schedule.interval) })
  }

  @Test(arguments: [1, 3]) func oneAndTwoThreadsGiveTheSameBytes(_ exponent: Double) throws {
    defer { Parallel.threadCount = 0 }
    let mixture = try SmallMixture(alpha: 0.1)
    let networks = try [1, 2].map { threads in
      Parallel.threadCount = threads
      var trainer = try mixture.trainer(
        exponent, epochs: 25, thinning: Thinning(), width: 600, scalar: Float.self)
      try trainer.train()
      return trainer.network
    }
    #expect(networks[0] == networks[1])
  }

  /// cos' = cos^2: slow for long, then at once. Its rate never exceeds 1% an epoch before it is on its way.
  @Test func aNeuronThatGetsFasterIsNotSlow() {
    var motion = NeuronMotion()
    #expect(!motion.isSlow(from: 0, for: 2, change: 0.05), "nothing is known yet")
    let cosine = { (epoch: Double) in 1 / (20 - epoch) }
    for epoch in 0...10 {
      let rate = cosine(Double(epoch)) * cosine(Double(epoch))
      motion.observe(rate: rate, at: Double(epoch))
    }
    // At epoch 10 the rate is 0.01 and grows by 20% an epoch.
    #expect(motion.isSlow(from: 10, for: 1, change: 0.03))
    #expect(!motion.isSlow(from: 10, for: 1, change: 0.02))
    #expect(!motion.isSlow(from: 10, for: 8, change: 1))
    motion.observe(rate: 0, at: 11)
    motion.observe(rate: 0, at: 12)
    #expect(motion.isSlow(from: 12, for: 128, change: 0.05), "at rest")
  }

  @Test func onlyPlainGradientDescentIsThinned() throws {
    let problem = SmallProblem()
    for optimizer in TrainerTests.optimizers.dropFirst() {
      var trainer = try problem.trainer(optimizer, epochs: 1)
      try trainer.train()
      #expect(trainer.record.thinning == nil)
    }
    var trainer = try problem.trainer(epochs: 1)
    try trainer.train()
    #expect(trainer.record.thinning?.epochsOfWork == 1)
  }

  @Test func tolerancesOutOfRangeAreNamed() {
    #expect {
      try TrainingConfiguration(thinning: Thinning(waitingChange: 0.5)).validate()
    } throws: { "\($0)".contains("thinning.waitingChange") && "\($0)".contains("[0, 0.1]") }
  }
}
