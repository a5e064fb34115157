import Datasets
import DeepNetworks
import Formats
import Foundation
import LinearCore
import Networks
import Synchronization
import Testing
import Training

@testable import Experiments
@testable import Runs
@testable import Studies

/// A directory that is removed in the end.
private func withDirectory(_ body: (RunDirectory) throws -> Void) throws {
  let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("deep-run-\(UUID().uuidString)").path
  defer { try? FileManager.default.removeItem(atPath: path) }
  try body(RunDirectory(path, configuration: ["test": 1], resume: false))
}

private func digitsRun(_ directory: RunDirectory, epochs: Int = 4, rate: Double = 3e-3) throws
  -> DeepRun
{
  DeepRun(
    directory: directory, name: "digits",
    architecture: try Architecture(
      inputShape: FeatureShape(rows: 8, columns: 8, channels: 1),
      layers: [
        DensePReLU(units: 24, exponent: 2), LayerNormalization(), LinearHead(outputs: 10),
      ]),
    training: DeepTrainingConfiguration(
      optimizer: .adamW(learningRate: rate), epochs: epochs, batchSize: 64, seed: 7))
}

@Suite struct DeepRunTests {
  private let train: Dataset
  private let test: Dataset

  init() throws {
    train = try Digits.load(split: .train)
    test = try Digits.load(split: .test)
  }

  /// A finished network whose files were cut, changed or swapped is trained again, to the same bytes.
  @Test func damagedNetworksAreTrainedAgain() throws {
    try withDirectory { directory in
      let run = try digitsRun(directory, epochs: 1)
      let expected = try run.run(train: train, validation: nil)
      let path = directory.path("networks/digits.safetensors")
      let record = directory.path("networks/digits.json")
      let bytes = [UInt8](try #require(FileManager.default.contents(atPath: path)))
      var notFinite = bytes
      notFinite.replaceSubrange((bytes.count - 4)..., with: [0, 0, 0xc0, 0x7f])
      let other = Safetensors(
        tensors: ["x": Tensor(shape: [1], elements: .float32([1]))], metadata: [:]
      ).encoded()
      for damaged in [[], Array(bytes.prefix(bytes.count / 2)), notFinite, other] {
        try Data(damaged).write(to: URL(fileURLWithPath: path))
        #expect(try run.finished() == nil)
        let again = try run.run(train: train, validation: nil)
        #expect(again.network == expected.network)
        #expect(FileManager.default.contents(atPath: path) == Data(bytes))
      }
      try Data("{".utf8).write(to: URL(fileURLWithPath: record))
      #expect(try run.run(train: train, validation: nil).network == expected.network)
    }
  }

  /// A run that goes on from any checkpoint ends in the same files, and a finished one trains no more.
  @Test func goesOnToTheSameBytes() throws {
    try withDirectory { whole in
      var run = try digitsRun(whole)
      run.trialsPerEpoch = 3
      let expected = try run.run(train: train, validation: test)
      try withDirectory { part in
        var second = try digitsRun(part)
        second.trialsPerEpoch = 3
        var trainer = try DeepTrainer<Float>(
          network: DeepNetwork(
            architecture: second.architecture,
            stream: RandomStream(seed: 7).child("initialisation")),
          inputs: train.inputs, labels: train.labels, configuration: second.training,
          heldOut: (test.inputs, test.labels))
        try trainer.runEpoch()
        _ = try part.folder("checkpoints")
        try trainer.checkpoint().write(to: part.path("checkpoints/digits.safetensors"))
        var epochs: [Int] = []
        let found = try second.run(train: train, validation: test) { epochs.append($1.epoch) }
        #expect(epochs == [2, 3, 4])
        #expect(found.network == expected.network && found.record == expected.record)
        for name in ["networks/digits.safetensors", "networks/digits.json"] {
          #expect(
            FileManager.default.contents(atPath: whole.path(name))
              == FileManager.default.contents(atPath: part.path(name)))
        }
        #expect(second.levels.highest == run.levels.highest)
      }
      var called = false
      let again = try run.run(train: train, validation: test) { _, _ in called = true }
      #expect(!called && again.network == expected.network && again.record == expected.record)
    }
  }

  /// The networks kept for levels have the accuracy they are kept for, in the order of training; a second
  /// look at the same training changes nothing.
  @Test func keepsTheFirstNetworkOfEachLevel() throws {
    try withDirectory { directory in
      var run = try digitsRun(directory)
      run.trialsPerEpoch = 6
      let outcome = try run.run(train: train, validation: test)
      let highest = try #require(run.levels.highest)
      let best = try #require(outcome.record.epochs.compactMap(\.testAccuracy).max())
      #expect(Double(highest) >= (100 * best).rounded(.down) && highest <= 100)
      #expect(try run.firstNetwork(reaching: highest + 1) == nil)
      var last = 0.0
      for percent in stride(from: 10, through: highest, by: 5) {
        let reached = try #require(try run.firstNetwork(reaching: percent))
        #expect(reached.accuracy == reached.network.accuracy(test.inputs, labels: test.labels))
        #expect(100 * reached.accuracy >= Double(percent) - 1e-6)
        #expect(reached.epoch >= last && reached.epoch <= 4)
        last = reached.epoch
      }
      let before = try #require(try run.firstNetwork(reaching: 40))
      try run.levels.offer(outcome.network, accuracy: before.accuracy, epoch: 4)
      #expect(try #require(try run.firstNetwork(reaching: 40)).epoch == before.epoch)
    }
  }

  @Test func divergenceIsAFailureAndNotAMistake() throws {
    try withDirectory { directory in
      var run = try digitsRun(directory)
      run = DeepRun(
        directory: directory, name: "wild", architecture: run.architecture,
        training: DeepTrainingConfiguration(
          optimizer: .sgd(learningRate: 1e30), schedule: .constant, epochs: 2, batchSize: 64))
      #expect {
        _ = try run.run(train: train, validation: nil)
      } throws: { error in
        guard case .failed(let text) = error as? ExperimentError else { return false }
        return text.hasPrefix("training diverged in epoch 1")
      }
      #expect(try run.finished() == nil)
    }
  }

  /// Robust accuracy falls with the radius from the clean accuracy, radii are those of a second call, and
  /// misclassified samples have none.
  @Test func robustnessIsMonotoneAndKept() throws {
    try withDirectory { directory in
      let network = try digitsRun(directory).run(train: train, validation: nil).network
      let data = test.prefix(25)
      var study = RobustnessStudy(epsilons: [0.2, 0.5, 1], norm: .l2, attack: "quick")
      study.isChecked = false
      func measure(_ report: @escaping @Sendable (Double) -> Void = { _ in }) throws
        -> DeepRobustness
      {
        try DeepRobustness.measured(
          in: directory, name: "digits-l2", study: study, network: network, data: data,
          reference: train, report: report)
      }
      let shares = Mutex<[Double]>([])
      let found = try measure { share in shares.withLock { $0.append(share) } }
      let seen = shares.withLock { $0 }
      #expect(!seen.isEmpty && seen.allSatisfy { (0...1).contains($0) })
      #expect(found.cleanAccuracy == network.accuracy(data.inputs, labels: data.labels))
      let curve = (0...40).map { found.robustAccuracy(epsilon: Double($0) / 20) }
      #expect(curve[0] == found.cleanAccuracy && zip(curve, curve.dropFirst()).allSatisfy(>=))
      #expect(found.medianRadius <= found.medianRadiusOfCorrect && found.medianRadius > 0)
      #expect(found.gradientPasses > 0)
      let called = Mutex(false)
      #expect(try measure { _ in called.withLock { $0 = true } } == found)
      #expect(!called.withLock { $0 })
    }
  }
}
