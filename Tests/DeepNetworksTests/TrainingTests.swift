import Datasets
import DeepNetworks
import Formats
import Foundation
import LinearCore
import Networks
import Testing
import Training

@Suite struct LearningRateScheduleTests {
  @Test func factors() {
    func factor(_ schedule: LearningRateSchedule, _ step: Int) -> Double {
      schedule.factor(step: step, stepsPerEpoch: 10, epochs: 4)
    }
    #expect([0, 17, 39].map { factor(.constant, $0) } == [1, 1, 1])
    #expect(factor(.cosine(), 0) == 1 && abs(factor(.cosine(), 20) - 0.5) < 1e-15)
    #expect(abs(factor(.cosine(), 10) - (1 + 0.5.squareRoot()) / 2) < 1e-15)
    #expect(factor(.cosine(), 39) > 0 && factor(.cosine(), 40) < 1e-15)
    #expect([0, 4, 9, 10].map { factor(.cosine(warmupEpochs: 1), $0) } == [0.1, 0.5, 1, 1])
    #expect(
      [0, 19, 20, 39].map { factor(.step(epochs: 2, factor: 0.5), $0) } == [1, 1, 0.5, 0.5])
  }
}

@Suite struct ImageAugmentationTests {
  private let shape = FeatureShape(rows: 3, columns: 4, channels: 2)

  /// Every image is a window of the image in its border, mirrored or not, and all of them occur.
  @Test func showsWindows() {
    let image = (1...24).map { Float($0) }
    let augmentation = ImageAugmentation(padding: 1)
    func window(_ down: Int, _ right: Int, _ mirrors: Bool) -> [Float] {
      (0..<3).flatMap { row in
        (0..<4).flatMap { column in
          (0..<2).map { channel in
            let shown = mirrors ? 3 - column : column
            let (y, x) = (row - down, shown - right)
            guard (0..<3).contains(y), (0..<4).contains(x) else { return 0 }
            return image[(y * 4 + x) * 2 + channel]
          }
        }
      }
    }
    let windows = Set(
      [-1, 0, 1].flatMap { down in
        [-1, 0, 1].flatMap { right in [false, true].map { window(down, right, $0) } }
      })
    let images = Matrix<Float>([[Float]](repeating: image, count: 400))
    let changed = augmentation.apply(
      to: images, shape: shape, stream: RandomStream(seed: 1), numbers: Array(0..<400))
    // The chance that one of 18 is missing among 400: 18 (17/18)^400 < 1e-8.
    #expect(Set((0..<400).map { changed.row($0) }) == windows)
    // What happens to a sample does not depend on its place.
    let alone = augmentation.apply(
      to: images.rows(in: 0..<1), shape: shape, stream: RandomStream(seed: 1), numbers: [7])
    #expect(alone.row(0) == changed.row(7))
    let nothing = ImageAugmentation(padding: 0, flips: false)
    #expect(
      nothing.apply(
        to: images, shape: shape, stream: RandomStream(seed: 1), numbers: Array(0..<400)) == images)
  }
}

@Suite struct DeepTrainerTests {
  private func digitsNetwork<Scalar: LinearScalar>(as _: Scalar.Type = Scalar.self) throws
    -> DeepNetwork<Scalar>
  {
    try DeepNetwork(
      architecture: Architecture(
        inputShape: FeatureShape(rows: 8, columns: 8, channels: 1),
        layers: [
          DensePReLU(units: 48, exponent: 2), LayerNormalization(), Dropout(rate: 0.1),
          DensePReLU(units: 32, exponent: 2), LayerNormalization(), LinearHead(outputs: 10),
        ]), stream: RandomStream(seed: 3))
  }

  private func trainer(_ data: Dataset, epochs: Int, batch: Int = 64) throws -> DeepTrainer<Float> {
    try DeepTrainer(
      network: digitsNetwork(), inputs: data.inputs, labels: data.labels,
      configuration: DeepTrainingConfiguration(
        optimizer: .adamW(learningRate: 5e-3), schedule: .cosine(warmupEpochs: 1), epochs: epochs,
        batchSize: batch, augmentation: ImageAugmentation(padding: 1, flips: false)))
  }

  /// Three layers of trained weights learn the digits: nine of ten held-out ones.
  @Test func fitsTheDigits() throws {
    let train = try Digits.load(split: .train)
    let test = try Digits.load(split: .test)
    var trainer = try DeepTrainer<Float>(
      network: digitsNetwork(), inputs: train.inputs, labels: train.labels,
      configuration: DeepTrainingConfiguration(
        optimizer: .adamW(learningRate: 5e-3), epochs: 15, batchSize: 64),
      heldOut: (test.inputs, test.labels))
    try trainer.train()
    let last = try #require(trainer.record.epochs.last)
    #expect(last.trainAccuracy > 0.97)
    #expect(try #require(last.testAccuracy) > 0.93)
    #expect(last.testAccuracy == trainer.network.accuracy(test.inputs, labels: test.labels))
  }

  @Test func theSameBytesOnAnyNumberOfThreads() throws {
    let data = try Digits.load(split: .test)
    defer { Parallel.threadCount = 0 }
    let networks = try [1, 2].map { threads in
      Parallel.threadCount = threads
      var trainer = try trainer(data, epochs: 2)
      try trainer.train()
      return trainer.network
    }
    #expect(networks[0] == networks[1])
  }

  @Test func resumedRunsEndInTheSameBytes() throws {
    let data = try Digits.load(split: .test)
    var whole = try trainer(data, epochs: 4)
    try whole.train()
    var first = try trainer(data, epochs: 4)
    try first.runEpoch()
    try first.runEpoch()
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("checkpoint-\(UUID().uuidString).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try first.checkpoint().write(to: path)
    let checkpoint = try DeepCheckpoint<Float>(path: path)
    #expect(checkpoint == first.checkpoint())
    #expect(try DeepModelFile.read(path) == first.network)
    var second = try trainer(data, epochs: 4)
    try second.resume(from: checkpoint)
    try second.train()
    #expect(second.network == whole.network && second.record == whole.record)
    var other = try trainer(data, epochs: 4, batch: 32)
    #expect(throws: TrainingError.self) { try other.resume(from: checkpoint) }
  }

  /// One step of AdamW is a step of Adam from weights that have shrunk.
  @Test func decoupledDecayShrinksWeights() throws {
    let data = try Digits.load(split: .test)
    func step(_ optimizer: OptimizerConfiguration, _ network: DeepNetwork<Double>) throws
      -> DeepNetwork<Double>
    {
      var trainer = try DeepTrainer<Double>(
        network: network, inputs: data.inputs.converted(), labels: data.labels,
        configuration: DeepTrainingConfiguration(
          optimizer: optimizer, schedule: .constant, epochs: 1, batchSize: 64))
      trainer.step(Array(0..<64), epoch: 1)
      return trainer.network
    }
    let start = try digitsNetwork(as: Double.self)
    let plain = try step(.adam(learningRate: 0.01), start)
    let decayed = try step(.adamW(learningRate: 0.01, weightDecay: 0.5), start)
    for (index, tensor) in start.parameters.enumerated() {
      for i in tensor.elements.indices {
        let expected = plain.parameters[index].elements[i] - 0.005 * tensor.elements[i]
        #expect(abs(decayed.parameters[index].elements[i] - expected) < 1e-15)
      }
    }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let data = try Digits.load(split: .test)
    func message(_ change: (inout DeepTrainingConfiguration) -> Void, labels: [Int]? = nil) throws
      -> String?
    {
      var configuration = DeepTrainingConfiguration()
      change(&configuration)
      let network = try digitsNetwork(as: Float.self)
      do throws(TrainingError) {
        _ = try DeepTrainer(
          network: network, inputs: data.inputs, labels: labels ?? data.labels,
          configuration: configuration)
        return nil
      } catch { return error.description }
    }
    #expect(try message { _ in } == nil)
    #expect(try message { $0.batchSize = 0 }?.hasPrefix("batch-size is 0") == true)
    #expect(
      try message { $0.schedule = .step(epochs: 0) }
        == "schedule-epochs is 0, expected a whole number of at least 1")
    #expect(try message { $0.schedule = .step(epochs: 1, factor: 2) } != nil)
    #expect(try message { $0.schedule = .cosine(warmupEpochs: -1) } != nil)
    #expect(
      try message { $0.augmentation = ImageAugmentation(padding: 8) }?.contains("8x8x1") == true)
    #expect(try message { $0.optimizer = .adamW(weightDecay: -1) } != nil)
    #expect(try message { $0.loss = .logistic }?.contains("10 output(s)") == true)
    #expect(
      try message({ _ in }, labels: [Int](repeating: 10, count: data.count))
        == "data is data with the label 10, expected labels in 0..<10")
  }

  @Test func divergenceIsNamed() throws {
    let data = try Digits.load(split: .test)
    var trainer = try DeepTrainer<Float>(
      network: digitsNetwork(), inputs: data.inputs, labels: data.labels,
      configuration: DeepTrainingConfiguration(
        optimizer: .sgd(learningRate: 1e30), schedule: .constant, epochs: 3, batchSize: 64))
    #expect {
      try trainer.train()
    } throws: { error in
      "\(error)".hasPrefix("training diverged in epoch 1")
    }
  }
}
