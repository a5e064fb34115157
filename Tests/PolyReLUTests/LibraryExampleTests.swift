import PolyReLU
import Testing

/// The example of the README, as a library user writes it.
@Test func libraryExample() throws {
  let (train, test) = try OrthonormalMixture(dimension: 100, samples: 1000).trainAndTest(seed: 0)
  var trainer = try Trainer(
    data: train, model: .init(exponent: 3, hiddenWidth: 200), training: .init(epochs: 300))
  try trainer.train()
  let robustness = try RobustnessStudy().run(trainer.network, data: test, reference: train)
  print("half of the samples withstand l2 attacks up to \(robustness.medianRadius)")

  #expect(trainer.isFinished && trainer.record.epochs.count == 300)
  #expect(robustness.isReliable)
  #expect(robustness.cleanAccuracy > 0.99)
  // The trained network comes close to the ideal classifier, whose centres withstand sqrt(2)/2. A
  // sample is off its centre by 0.1, of which about 0.1/sqrt(D) = 0.01 is along any one direction.
  #expect(abs(robustness.medianRadius - CriticalRadius.optimal) < 0.02)
}

/// The example of Documentation/Deep-networks.md.
@Test func deepLibraryExample() throws {
  let digits = try Digits.load(split: .train)
  let architecture = try Architecture(
    inputShape: FeatureShape(rows: 8, columns: 8, channels: 1),
    layers: [
      ConvolutionalPReLU(filters: 12, kernel: 3, padding: 1, exponent: 2), LayerNormalization(),
      Residual([ConvolutionalPReLU(filters: 12, kernel: 3, padding: 1, exponent: 2)]),
      AveragePooling(window: 2), LinearHead(outputs: 10),
    ])
  var trainer = try DeepTrainer<Float>(
    network: DeepNetwork(architecture: architecture, stream: RandomStream(seed: 0)),
    inputs: digits.inputs, labels: digits.labels,
    configuration: .init(optimizer: .adamW(learningRate: 0.01), epochs: 8))
  try trainer.train()

  let test = try Digits.load(split: .test)
  #expect(trainer.network.accuracy(test.inputs, labels: test.labels) > 0.93)
}

@Test func mixturePartsAreThoseOfTheCatalogue() throws {
  let mixture = OrthonormalMixture(dimension: 20, subclasses: 4, positive: 2, samples: 30)
  let parts = try mixture.trainAndTest(seed: 5)
  for (split, part) in [("train", parts.train), ("test", parts.test)] {
    let request = DatasetRequest(data: "mixture", split: split, mixture: mixture, seed: 5)
    #expect(try DatasetCatalog.load(request) == part)
  }
}
