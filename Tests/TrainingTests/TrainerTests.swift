import Formats
import Foundation
import LinearCore
import Networks
import Testing
import Training

/// A small separable problem: two clusters a class around coordinate axes.
struct SmallProblem {
  let inputs: Matrix<Float>
  let labels: [Int]

  init(samples: Int = 96, dimension: Int = 10) {
    var x = Matrix<Float>.gaussian(
      rows: samples, columns: dimension, standardDeviation: 0.05, stream: RandomStream(seed: 1))
    for i in 0..<samples { x[i, i % 4] += 1 }
    inputs = x
    labels = (0..<samples).map { $0 % 4 < 2 ? 1 : 0 }
  }

  func trainer(
    _ optimizer: OptimizerConfiguration = .sgd(learningRate: 0.5), epochs: Int = 6,
    scale: Double = 0.1, exponent: Double = 3, width: Int = 600, loss: Loss = .exponential
  ) throws -> Trainer<Float> {
    let network = try PReLUNetwork<Float>(
      inputDimension: inputs.columns, hiddenWidth: width, outputCount: 1, exponent: exponent,
      initialization: .gaussian(scale: scale), stream: RandomStream(seed: 2))
    return try Trainer(
      network: network, inputs: inputs, labels: labels,
      configuration: TrainingConfiguration(
        loss: loss, optimizer: optimizer, epochs: epochs, batchSize: 20, seed: 3),
      heldOut: (inputs, labels))
  }
}

@Suite(.serialized) struct TrainerTests {
  static let optimizers: [OptimizerConfiguration] = [
    .sgd(learningRate: 0.3), .sgd(learningRate: 0.1, momentum: 0.9),
    .sgd(learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 1e-3),
    .adam(learningRate: 1e-2),
  ]

  @Test(arguments: optimizers, [1, 3]) func resumedRunEndsInTheSameBytes(
    _ optimizer: OptimizerConfiguration, exponent: Double
  ) throws {
    let problem = SmallProblem()
    var whole = try problem.trainer(optimizer, exponent: exponent)
    while !whole.isFinished { try whole.runEpoch() }

    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("resume-\(UUID().uuidString).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    var first = try problem.trainer(optimizer, exponent: exponent)
    for _ in 0..<2 { try first.runEpoch() }
    try first.checkpoint().write(to: path)
    var second = try problem.trainer(optimizer, exponent: exponent)
    try second.resume(from: Checkpoint(path: path))
    while !second.isFinished { try second.runEpoch() }

    #expect(second.network == whole.network)
    #expect(second.checkpoint() == whole.checkpoint())
  }

  @Test(arguments: optimizers, [1, 3]) func oneAndTwoThreadsGiveTheSameBytes(
    _ optimizer: OptimizerConfiguration, exponent: Double
  ) throws {
    defer { Parallel.threadCount = 0 }
    let networks = try [1, 2].map { threads in
      Parallel.threadCount = threads
      var trainer = try SmallProblem().trainer(optimizer, exponent: exponent)
      while !trainer.isFinished { try trainer.runEpoch() }
      return trainer.network
    }
    #expect(networks[0] == networks[1])
  }

  @Test func trainingSeparatesTheClusters() throws {
    var trainer = try SmallProblem().trainer(epochs: 60, scale: 1e-3, width: 50)
    while !trainer.isFinished { try trainer.runEpoch() }
    #expect(trainer.record.epochs.last!.testAccuracy == 1)
    #expect(trainer.record.epochs.last!.loss < 0.2)
    #expect(!trainer.record.isStalled(loss: .exponential, outputCount: 1))
  }

  @Test func gradientDescentConservesBalancedness() throws {
    // ||w_j||^2 - v_j^2 changes by O(learningRate^2) a step: halving the rate, for the same time,
    // halves the drift.
    func drift(_ rate: Double, _ epochs: Int) throws -> Double {
      let problem = SmallProblem(samples: 20)
      let network = try PReLUNetwork<Double>(
        inputDimension: 10, hiddenWidth: 8, outputCount: 1, exponent: 2.5,
        initialization: .gaussian(scale: 0.3), stream: RandomStream(seed: 4))
      var trainer = try Trainer<Double>(
        network: network, inputs: problem.inputs.converted(), labels: problem.labels,
        configuration: TrainingConfiguration(
          loss: .logistic, optimizer: .sgd(learningRate: rate), epochs: epochs, batchSize: 20))
      while !trainer.isFinished { try trainer.runEpoch() }
      func balance(_ n: PReLUNetwork<Double>) -> [Double] {
        zip(n.hiddenWeights.rowNorms(), n.outputWeights.elements).map { $0 * $0 - $1 * $1 }
      }
      return zip(balance(trainer.network), balance(network)).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }
    let coarse = try drift(0.02, 100)
    let fine = try drift(0.01, 200)
    #expect(coarse > 0 && abs(coarse / fine - 2) < 0.1)
  }

  @Test func tinyInitialisationAndLargeDegreeStall() throws {
    var trainer = try SmallProblem().trainer(epochs: 3, scale: 1e-7, exponent: 6, width: 20)
    while !trainer.isFinished { try trainer.runEpoch() }
    let warning = trainer.record.stallWarning(loss: .exponential, outputCount: 1, exponent: 6)
    #expect(warning?.contains("stalled") == true && warning?.contains("smaller p") == true)
  }

  @Test func divergenceNamesTheEpoch() throws {
    var trainer = try SmallProblem().trainer(.sgd(learningRate: 1e30), scale: 1, loss: .squared)
    #expect {
      while !trainer.isFinished { try trainer.runEpoch() }
    } throws: { error in
      guard case TrainingError.diverged(let epoch, let hint) = error else { return false }
      return epoch >= 1 && hint.contains("learning rate")
    }
  }

  @Test func checkpointsOfOtherRunsAreRefused() throws {
    let problem = SmallProblem()
    let other = try problem.trainer(.sgd(learningRate: 0.25)).checkpoint()
    var trainer = try problem.trainer()
    #expect(throws: TrainingError.self) { try trainer.resume(from: other) }
    let wider = try problem.trainer(width: 601).checkpoint()
    #expect(throws: TrainingError.self) { try trainer.resume(from: wider) }
  }

  @Test func settingsOutOfRangeAreNamed() {
    let bad: [(TrainingConfiguration, String)] = [
      (.init(optimizer: .sgd(learningRate: -1)), "learning-rate"),
      (.init(optimizer: .sgd(learningRate: .nan)), "learning-rate"),
      (.init(optimizer: .sgd(learningRate: 1, momentum: 1)), "momentum"),
      (.init(optimizer: .sgd(learningRate: 1, nesterov: true)), "momentum"),
      (.init(optimizer: .adam(beta2: 1)), "beta2"),
      (.init(batchSize: 0), "batch-size"), (.init(epochs: -1), "epochs"),
    ]
    for (configuration, field) in bad {
      #expect { try configuration.validate() } throws: { "\($0)".hasPrefix("\(field) ") }
    }
  }
}
